# SPDX-License-Identifier: MIT
"""Sessions: what they hold, compute and keep."""
import array
import gc
import math
import os
import subprocess

import pytest

import phial
from phial import _arrays

np = pytest.importorskip("numpy")
MESSAGES = [{"role": "user", "content": "What is 17 + 25?"}]


def test_text_goes_in_and_tokens_are_held(tiny, session):
    assert len(session) == 0 and session
    session.add("Hello")
    tokenizer = tiny.tokenizer
    assert session.tokens == tokenizer.encode("Hello", bos=True)
    session.add(b" there\0!", bos=False)
    assert session.tokens == (tokenizer.encode("Hello", bos=True)
                              + tokenizer.encode(" there\0!"))
    assert tokenizer.decode(tokenizer.encode("a\0b")) == "a\0b"
    session.rewind(2)
    assert len(session) == 2
    held = session.tokens
    session.add_tokens(np.array([5, 6]))
    session.add_tokens(range(3))
    assert session.tokens == held + [5, 6, 0, 1, 2]


def test_special_tokens(tiny):
    tokenizer = tiny.tokenizer
    assert tokenizer.encode("<|end|>", special=True) == [tokenizer.end_of_turn]
    assert len(tokenizer.encode("<|end|>")) > 1
    assert tokenizer.decode([tokenizer.end_of_turn]) == ""
    assert tokenizer.decode([tokenizer.end_of_turn], special=True) == "<|end|>"
    assert tokenizer.eos is not None


def test_a_tokenizer_needs_no_weights(tiny):
    with phial.Tokenizer(os.environ["PHIAL_TINY"]) as tokenizer:
        text = "A fox, æøå, 漢字, 🦊"
        ids = tokenizer.encode(text)
        assert ids == tiny.tokenizer.encode(text)
        assert tokenizer.decode(ids) == text


def test_facts_about_a_model(demo):
    info, described = demo.info, demo.describe()
    assert (info.n_vocab, info.n_layers, info.n_threads) == (1536, 8, 1)
    assert described["parameters"] == info.n_parameters
    assert described["hyper_parameters"]["context"] == info.n_context
    assert demo.memory.weights == described["weight_bytes"]


def test_an_estimate_is_what_a_session_takes():
    path = os.environ["PHIAL_DEMO"]
    told = phial.estimate(path, context=512, cache="q8", threads=1)
    with phial.Model(path, threads=1) as model:
        with model.session(context=512, cache="q8") as session:
            got = session.memory
            assert told.weights == model.memory.weights
            assert (told.cache_max, told.scratch) == (got.cache_max,
                                                      got.scratch)


def test_a_chat_is_answered(demo):
    chat = phial.Chat(MESSAGES)
    with demo.session() as session:
        assert session.complete(chat) == "17 + 25 = 42."
        assert "What is 17 + 25?" in chat.render(demo)
        chat.add("assistant", "17 + 25 = 42.")
        chat.add("user", "What is 1 + 2?")
        before = session.stats.n_prompt
        assert session.complete(chat) == "1 + 2 = 3."
        assert session.stats.n_prompt - before < len(session) / 2


def test_messages_are_taken_or_refused_together():
    chat = phial.Chat()
    with pytest.raises(phial.UnsupportedError):
        chat.extend([MESSAGES[0], {"role": "narrator", "content": "x"}])
    chat.extend([])
    with pytest.raises(ValueError):
        chat.extend([{"role": "user", "content": math.nan}])


def test_logits_are_the_log_probabilities(tiny, session):
    session.add("one two")
    logits = session.logits().astype(np.float64)
    assert logits.shape == (tiny.info.n_vocab,)
    logprobs = logits - np.log(np.exp(logits - logits.max()).sum()
                               ) - logits.max()
    best = int(logits.argmax())
    (token, logprob), second = session.top(2)
    assert token == best and logprob > second[1]
    assert abs(logprob - logprobs[best]) < 1e-5
    scored = session.score([best, 7])
    assert abs(scored[0] - logprobs[best]) < 1e-5
    assert len(session.score([])) == 0


def test_rows_are_the_logits_of_each_token(tiny, session):
    session.add("one two three")
    n = len(session)
    rows = session.rows(0, n)
    assert rows.shape == (n, tiny.info.n_vocab)
    session.rewind(2)
    assert np.array_equal(session.logits(), rows[1])
    with pytest.raises(phial.ArgumentError):
        session.rows(0, n)


def test_a_view_of_logits_is_the_session_s_memory(session):
    session.add("one two")
    wanted = session.logits()
    view = session.logits(copy=False)
    assert np.array_equal(view, wanted)
    assert not view.flags.writeable and not view.flags.owndata
    address = view.ctypes.data
    del view
    again = session.logits(copy=False)
    assert again.ctypes.data == address != wanted.ctypes.data


def test_a_session_does_not_go_on_under_a_view(session):
    session.add("one two")
    part = session.logits(copy=False)[3:5]
    before = part.copy()
    stream = session.fork().generate(max_tokens=2)
    assert list(stream) is not None  # a fork has memory of its own
    for call in (lambda: session.add("x"), session.logits, session.prefill,
                 lambda: session.complete("x"), lambda: session.rewind(0),
                 lambda: session.rows(0, 1), lambda: phial.step([session])):
        with pytest.raises(phial.StateError, match="copy=False"):
            call()
    assert len(session) and session.tokens  # looking is allowed
    session.close()
    gc.collect()
    assert np.array_equal(part, before)  # the view keeps the memory


def test_a_view_that_is_dropped_lets_the_session_go_on(session):
    session.add("one two")
    for _ in range(3):
        view = session.logits(copy=False)
        best = int(view.argmax())
        del view
        session.add_tokens([best])
    assert session.complete(max_tokens=2) is not None


def test_without_numpy_floats_are_arrays(session, monkeypatch):
    session.add("one two")
    with_numpy = session.logits()
    monkeypatch.setattr(_arrays, "_numpy", None)
    plain = session.logits()
    assert isinstance(plain, array.array) and plain.typecode == "f"
    assert np.array_equal(np.asarray(plain), with_numpy)
    assert isinstance(session.rows(0, 1), array.array)
    view = session.logits(copy=False)
    assert isinstance(view, memoryview) and view.readonly
    assert view.tolist() == plain.tolist()


def test_a_fork_goes_on_alike(tiny, session):
    list(session.generate("one", max_tokens=5, ignore_eos=True))
    with session.fork() as fork:
        assert fork.tokens == session.tokens
        assert (fork.complete(max_tokens=5, seed=1, temperature=1.0)
                == session.complete(max_tokens=5, seed=1, temperature=1.0))


def test_saved_sessions_go_on_to_the_same_text(tiny, session, tmp_path):
    session.complete("one two", max_tokens=4, ignore_eos=True)
    data = session.save_bytes()
    session.save(tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == data
    wanted = session.complete(max_tokens=8, ignore_eos=True)
    for how in (bytes, bytearray, memoryview):
        with tiny.session() as other:
            other.load_bytes(how(data))
            assert other.complete(max_tokens=8, ignore_eos=True) == wanted
    with tiny.session() as other:
        other.load(str(tmp_path / "s"))
        assert other.stats.n_prompt == 0
        assert other.complete(max_tokens=8, ignore_eos=True) == wanted
        for bad in (b"", data[:-1], data[:99] + b"\xff" + data[100:]):
            with pytest.raises(phial.FormatError):
                other.load_bytes(bad)
    with tiny.session(cache="q8") as other:
        with pytest.raises(phial.MismatchError):
            other.load_bytes(data)


def test_adapters_change_what_is_computed(tiny, tmp_path):
    path = tmp_path / "lora.gguf"
    subprocess.run([os.environ["PHIAL_TINY_ADAPTER"], path, "phi-4-mini", "4",
                    "1"], check=True)
    plain = tiny.session()
    plain.add("one two")
    with tiny.adapter(path) as adapter:
        full = tiny.session(adapters=[adapter])
        none = tiny.session(adapters=[(adapter, 0.0)])
    for session in (full, none):
        session.add("one two")
    assert np.array_equal(none.logits(), plain.logits())
    assert not np.array_equal(full.logits(), plain.logits())


def test_embeddings_are_unit_vectors(demo):
    vectors = [demo.embed(text, pool=pool) for text in ("A fox", "A dog")
               for pool in ("mean", "last")]
    for vector in vectors:
        assert vector.shape == (demo.info.n_embedding,)
        assert abs(float(vector @ vector) - 1) < 1e-5
    assert not np.array_equal(vectors[0], vectors[1])
    with pytest.raises(phial.ArgumentError, match="empty"):
        demo.embed("")


def test_quantising_is_what_opening_with_weights_does(tmp_path):
    source, target = os.environ["PHIAL_TINY"], tmp_path / "q8.gguf"
    told = []
    phial.quantize(source, target, "q8_0", threads=1, progress=told.append)
    assert told == sorted(told) and told[-1] == 1.0
    with phial.Model(target) as a, phial.Model(source, weights="Q8_0") as b:
        sessions = [m.session() for m in (a, b)]
        for session in sessions:
            session.add("one two")
        assert np.array_equal(sessions[0].logits(), sessions[1].logits())


def test_quantising_merges_adapters_and_heeds_an_importance_matrix(tmp_path):
    source, adapter = os.environ["PHIAL_TINY"], tmp_path / "a.gguf"
    subprocess.run([os.environ["PHIAL_TINY_ADAPTER"], adapter, "phi-4-mini",
                    "4", "1"], check=True)
    matrix, told = tmp_path / "m.gguf", []
    with phial.Model(source) as model:
        model.imatrix("one two three four five", matrix, dataset="numbers",
                      progress=told.append)
        with pytest.raises(phial.ArgumentError):
            model.imatrix("", matrix)
    assert told[-1] == 1.0 and b"numbers" in matrix.read_bytes()

    def written(**options):
        phial.quantize(source, tmp_path / "out.gguf", "q4_0", threads=1,
                       **options)
        return (tmp_path / "out.gguf").read_bytes()

    plain = written()
    assert written(adapters=[(adapter, 0.0)]) == plain
    assert written(adapters=[adapter]) != plain
    assert written(adapters=[adapter]) == written(adapters=[(adapter, 1.0)])
    assert written(imatrix=matrix) != plain
    with pytest.raises(phial.FileError):
        written(imatrix=tmp_path / "absent")


def test_progress_may_give_up(tmp_path):
    def refuse(fraction):
        raise KeyError(fraction)

    with pytest.raises(KeyError):
        phial.Model(os.environ["PHIAL_DEMO"], progress=refuse)
    target = tmp_path / "out.gguf"
    with pytest.raises(KeyError):
        phial.quantize(os.environ["PHIAL_DEMO"], target, progress=refuse)
    assert not target.exists()


def test_log_lines_come_with_levels_of_module_logging():
    lines = []
    model = phial.Model(os.environ["PHIAL_DEMO"], log_level="debug",
                        log=lambda level, line: lines.append((level, line)))
    assert any(level == 20 and "parameters" in line for level, line in lines)
    session = model.session()
    model.close()
    gc.collect()
    session.complete("x", max_tokens=2)  # its hook is still there


def test_prompts_can_be_read_in_parts(session):
    session.add("one two three four five six seven eight nine ten")
    n = len(session)
    assert session.prefill(3) == n - 3
    assert session.prefill() == 0
    assert session.stats.n_prompt == n
