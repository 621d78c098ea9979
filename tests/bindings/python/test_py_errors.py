# SPDX-License-Identifier: MIT
"""Failures of the library as exceptions, and what they say."""
import ctypes
import os
import subprocess
import sys

import pytest

import phial
from phial import _ffi
from phial._errors import BY_STATUS, error
from phial._library import lib


def statuses():
    return {name: value for name, value in vars(_ffi).items()
            if name.startswith("PHIAL_E_") and name != "PHIAL_E_BUFFER"}


def test_every_status_of_the_header_has_a_class_of_its_own():
    assert sorted(BY_STATUS) == sorted(statuses().values())
    assert len(set(BY_STATUS.values())) == len(BY_STATUS)
    for status, kind in BY_STATUS.items():
        assert issubclass(kind, phial.Error) and kind is not phial.Error
        assert getattr(phial, kind.__name__) is kind
        assert error(status, "x").status == kind.status == status


def test_a_status_of_a_later_library_is_an_error():
    made = error(-55, "something new")
    assert type(made) is phial.Error
    assert (made.status, str(made)) == (-55, "something new")


@pytest.mark.parametrize("kind, builtin", [
    (phial.ArgumentError, ValueError), (phial.OutOfMemoryError, MemoryError),
    (phial.FileError, OSError), (phial.FormatError, ValueError),
    (phial.UnsupportedError, NotImplementedError),
    (phial.ClosedError, phial.StateError), (phial.ClosedError, ValueError),
    (phial.BusyError, RuntimeError), (phial.NumericError, ArithmeticError)])
def test_builtin_exceptions_catch_what_is_theirs(kind, builtin):
    assert issubclass(kind, builtin)


def test_files(tmp_path):
    with pytest.raises(phial.FileError, match="nowhere.gguf"):
        phial.Model(tmp_path / "nowhere.gguf")
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(phial.UnsupportedError, match="bad.gguf"):
        phial.Model(str(bad))
    bad.write_bytes(b"GGUF" + b"\x03\0\0\0" + b"\xff" * 16)
    with pytest.raises(phial.FormatError):
        phial.Model(os.fsencode(bad))
    with pytest.raises(phial.ArgumentError, match="NUL"):
        phial.Model("a\0b")


def test_arguments(tiny, session):
    for wrong, says in (
            ({"temperature": -1}, "temperature"), ({"top_k": -1}, "top_k"),
            ({"seed": 1 << 64}, "seed"), ({"stop": "a\0"}, "stop.*NUL"),
            ({"logit_bias": {1: 1e9}}, "bias_values"),
            ({"logit_bias": {-1: 0.0}}, "logit_bias")):
        with pytest.raises(phial.ArgumentError, match=says):
            session.generate("a", **wrong)
    with pytest.raises(TypeError, match="temprature"):
        session.generate("a", temprature=1)
    with pytest.raises(phial.ArgumentError, match="cache.*q8"):
        tiny.session(cache="q9")
    with pytest.raises(phial.ArgumentError, match="n_context"):
        tiny.session(context=1 << 30)
    with pytest.raises(phial.ArgumentError, match="beyond 32 bits"):
        session.add_tokens([1 << 31])
    with pytest.raises(phial.ArgumentError):
        session.add_tokens([-1])
    with pytest.raises(TypeError):
        session.add_tokens("text")
    with pytest.raises(phial.ArgumentError, match="not Unicode"):
        session.add("\ud800")
    with pytest.raises(phial.ArgumentError, match="role"):
        phial.Chat().add("narrator", "x")


def test_a_prompt_that_does_not_fit_is_refused_whole(session):
    with pytest.raises(phial.ContextError):
        session.add("word " * 1000)
    assert session.tokens == []


def test_closed_objects_say_so(tiny):
    chat = phial.Chat([{"role": "user", "content": "x"}])
    session = tiny.session()
    tokenizer = tiny.tokenizer
    for thing in (chat, session, tokenizer):
        assert not thing.closed
        thing.close()
        thing.close()
        assert thing.closed
    for call in (lambda: chat.add("user", "x"), lambda: session.tokens,
                 lambda: session.complete("x"), lambda: session.add("x"),
                 lambda: tokenizer.encode("x"), lambda: session.save("x"),
                 lambda: tiny.session().set_chat(chat), session.__enter__):
        with pytest.raises(phial.ClosedError, match="was closed"):
            call()


def test_sessions_outlive_their_model():
    model = phial.Model(os.environ["PHIAL_TINY"])
    session, tokenizer = model.session(), model.tokenizer
    model.close()
    with pytest.raises(phial.ClosedError):
        model.session()
    assert session.complete("a", max_tokens=3) is not None
    assert tokenizer.decode(tokenizer.encode("still here")) == "still here"


def test_the_sentence_is_the_library_s(tiny):
    with pytest.raises(phial.ArgumentError) as e:
        tiny.session().rewind(5)
    assert str(e.value) == lib.phial_last_error().decode()


def test_a_library_of_another_version_is_refused(tmp_path):
    source, built = tmp_path / "v.c", tmp_path / "libother.so"
    source.write_text("unsigned phial_version(void) { return 0x000200; }\n")
    if subprocess.run(["cc", "-shared", "-fPIC", "-o", built, source],
                      check=False).returncode:
        pytest.skip("no C compiler")
    for path, says in ((built, "is version 0.2"), (tmp_path / "none",
                                                   "cannot be loaded")):
        done = subprocess.run(
            [sys.executable, "-c", "import phial"], text=True, check=False,
            env=dict(os.environ, PHIAL_LIBRARY=str(path)), stderr=-1)
        assert done.returncode == 1
        assert "ImportError" in done.stderr and says in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names of Linux")
def test_the_library_that_is_installed_is_found():
    env = dict(os.environ)
    env["LD_LIBRARY_PATH"] = os.path.dirname(env.pop("PHIAL_LIBRARY"))
    done = subprocess.run(
        [sys.executable, "-c", "import phial; print(phial._library.lib._name)"],
        text=True, check=False, env=env, stdout=-1)
    assert done.stdout == "libphial.so.0\n"


def test_raw_calls_are_declared():
    assert lib.phial_session_next.argtypes[1] == ctypes.POINTER(
        _ffi.phial_event)
