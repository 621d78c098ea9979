# SPDX-License-Identifier: MIT
"""What becomes of objects in any order, at the interpreter's end, in a forked
process, and in a pickle."""
import copy
import gc
import itertools
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import warnings

import pytest

import phial


def make_all(log=None):
    model = phial.Model(os.environ["PHIAL_TINY"], threads=1, log=log)
    session = model.session()
    stream = session.generate("one", ignore_eos=True)
    next(stream)
    chat = phial.Chat([{"role": "user", "content": "x"}])
    view = session.fork().logits(copy=False)
    return [model, session, model.tokenizer, stream, chat, session.fork(),
            view]


@pytest.mark.parametrize("seed", range(6))
def test_objects_may_go_in_any_order(seed):
    things = make_all(log=lambda level, line: None)
    random.Random(seed).shuffle(things)
    while things:
        thing = things.pop()
        if seed % 2 and hasattr(thing, "close"):
            thing.close()
        del thing
        gc.collect()


def test_circles_are_collected():
    circle = []
    things = make_all(log=lambda level, line: circle)
    circle.append(things)
    things.append(circle)
    before = len([o for o in gc.get_objects() if isinstance(o, phial.Model)])
    del things, circle
    gc.collect()
    after = len([o for o in gc.get_objects() if isinstance(o, phial.Model)])
    assert after < before


ENDINGS = {
    "globals": "",
    "exit": "sys.exit()",
    "error": "raise SystemExit(0)",
    "atexit": "import atexit; atexit.register(lambda: session.complete("
              "max_tokens=1))",
    "circle": "session_list = [session, model]; session_list.append("
              "session_list); del session, model",
    "daemon": "threading.Thread(target=lambda: session.complete("
              "ignore_eos=True), daemon=True).start(); time.sleep(0.2)",
    "builtins": "import builtins; builtins.kept = [stream, model, session]",
    "modules": "sys.modules.clear()",
    "chunks": "chunks = model.create_chat_completion([{'role': 'user', "
              "'content': 'x'}], stream=True); next(chunks); next(chunks)",
    "view": "kept = session.logits(copy=False); import phial._session as s; "
            "s.kept = kept, session, model; del session, model",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends_in_peace(ending):
    code = """
import os, sys, threading, time
import phial
model = phial.Model(os.environ["PHIAL_ENDLESS"], threads=2,
                    log=lambda level, line: None)
session = model.session()
stream = session.generate("one", ignore_eos=True)
next(stream)
""" + ENDINGS[ending]
    done = subprocess.run([sys.executable, "-c", code], timeout=200,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("what", range(7))
def test_nothing_can_be_pickled_or_copied(what):
    thing = make_all()[what]
    if what in (3, 6):  # a stream, an array
        return
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            way(thing)


def in_child(function):
    """The exit code of a forked process that runs function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(120)  # hanging is a failure
            function()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_can_only_free():
    things = make_all()
    model, session, tokenizer, stream = things[:4]
    second = phial.Model(os.environ["PHIAL_TINY"], threads=2)
    second.session().complete("one", max_tokens=2)

    def child():
        nonlocal things, model, session, stream
        for call in (lambda: next(stream), lambda: session.tokens,
                     lambda: session.add("x"), model.session,
                     lambda: model.info, lambda: model.embed("x"),
                     lambda: second.session()):
            with pytest.raises(phial.StateError, match="fork"):
                call()
        assert tokenizer.decode(tokenizer.encode("x")) == "x"
        second.close()
        session.close()
        model.close()
        things = model = session = stream = None
        gc.collect()
        with phial.Model(os.environ["PHIAL_TINY"], threads=2) as own:
            assert own.session().complete("one", max_tokens=2) is not None

    assert in_child(child) == 0
    assert session.complete("two", max_tokens=2) is not None
    assert in_child(gc.collect) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_may_end_as_it_likes():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c",
                           textwrap.dedent("""
        import os, sys
        import phial
        model = phial.Model(os.environ["PHIAL_TINY"], threads=2)
        session = model.session()
        session.complete("one", max_tokens=2)
        child = os.fork()
        if child:
            sys.exit(os.waitpid(child, 0)[1])
        """)], timeout=200, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_in_messages_are_public():
    for kind in itertools.chain((phial.Model, phial.Session, phial.Chat,
                                 phial.Stream, phial.Event),
                                phial.Error.__subclasses__()):
        assert kind.__module__ == "phial"
