# SPDX-License-Identifier: MIT
"""Turns as iterators: pieces, events, ends, and what stops them."""
import gc
import json
import os
import subprocess
import threading
import time
import weakref

import pytest

import phial

MESSAGES = [{"role": "user", "content": "What is 17 + 25?"}]


def answer_of_the_program(*arguments):
    done = subprocess.run([os.environ["PHIAL"], "run", os.environ["PHIAL_DEMO"],
                           "--json", *arguments], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


@pytest.mark.parametrize("prompt, options", [
    ("What is 17 + 25?", {}),
    ("Tell me a story about a fox.", {"temperature": 0.8, "seed": 7}),
    ("Tell me a story about a dog.", {"max_tokens": 9}),
])
def test_the_text_is_that_of_the_program(demo, prompt, options):
    words = []
    for name, value in options.items():
        words += ["--" + name.replace("erature", "").replace("_", "-"),
                  str(value)]
    wanted = answer_of_the_program(*words, prompt)
    with demo.session() as session:
        stream = session.generate([{"role": "user", "content": prompt}],
                                  **options)
        assert "".join(stream) == wanted["text"]
        assert (stream.reason, stream.n_tokens) == (wanted["stop"],
                                                    wanted["tokens"])


def test_events_account_for_every_token(demo):
    with demo.session() as session:
        events = list(session.events(MESSAGES, logprobs=True))
        answer = session.tokens[13:]
        assert sum(e.n_tokens for e in events) == len(answer) == 12
        assert "".join(e.text for e in events) == "17 + 25 = 42."
        assert [e.kind for e in events] == ["text"] * 11 + ["stop"]
        assert events[-1].reason == "eos" and events[-1].token == answer[-1]
        session.rewind(13)
        scored = session.score(answer)
        assert abs(sum(e.logprob for e in events) - sum(scored)) < 1e-4


def test_why_a_turn_stops(session):
    def reason(**options):
        stream = session.generate("one", ignore_eos=True, **options)
        text = "".join(stream)
        return stream.reason, text

    assert reason(max_tokens=3)[0] == "length"
    session.rewind(0)
    text = reason(max_tokens=40)[1]
    session.rewind(0)
    stopped, shorter = reason(max_tokens=40, stop=[text[5:8]])
    assert stopped == "text" and text.startswith(shorter)
    assert text[5:8] not in shorter
    session.rewind(0)
    assert reason()[0] == "context"


def test_pieces_are_whole_characters(tiny, session):
    """Nothing but the three bytes of a character, in any order."""
    ids = tiny.tokenizer.encode("漢")
    assert len(ids) == 3
    session.add("one")
    pieces = list(session.generate(temperature=10.0, seed=3, max_tokens=150,
                                   logit_bias=dict.fromkeys(ids, 1000.0),
                                   ignore_eos=True))
    generated = session.tokens[-150:]
    assert set(generated) == set(ids)
    text = "".join(pieces)
    assert text == tiny.tokenizer.decode(generated)
    assert set(text) > {"\ufffd"} and len(pieces) < 150


def test_stopping_is_not_iterating(session):
    stream = session.generate("one", ignore_eos=True)
    first = next(stream)
    before = session.stats.n_generated
    assert before < 20
    stream.close()
    assert list(stream) == []
    assert session.stats.n_generated == before
    assert first and session.complete(max_tokens=2, ignore_eos=True)
    with session.generate("two", ignore_eos=True) as another:
        next(another)
    assert list(another) == []


def test_a_turn_ends_with_the_next_input(session):
    stream = session.generate("one", ignore_eos=True)
    next(stream)
    other = session.generate("two", ignore_eos=True)
    with pytest.raises(phial.StateError, match="another turn"):
        next(stream)
    next(other)
    session.add("three")
    with pytest.raises(phial.StateError, match="input"):
        next(other)


def test_dropping_a_stream_drops_nothing_of_the_session(session):
    stream = session.generate("one", ignore_eos=True)
    next(stream)
    held, gone = session.tokens, weakref.ref(stream)
    del stream
    gc.collect()
    assert gone() is None and session.tokens == held


def run_until(condition, seconds=100):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_closing_from_another_thread_cancels(endless):
    session = endless.session()
    session.add_tokens([5] * 100000)
    stream = session.generate(ignore_eos=True)
    raised = []

    def read():
        try:
            next(stream)
        except phial.CancelledError as e:
            raised.append(e)

    thread = threading.Thread(target=read)
    thread.start()
    run_until(session._alone.taken)
    stream.close()
    thread.join(100)
    assert not thread.is_alive() and len(raised) == 1
    assert 0 < len(session) == 100000
    session.close()


def test_cancel_is_told_once(session):
    session.add("one")
    session.cancel()
    with pytest.raises(phial.CancelledError):
        session.complete(max_tokens=2)
    session.rewind(1)
    assert session.complete("one", max_tokens=2) is not None


def test_turns_side_by_side_are_those_alone(demo):
    prompts = [[{"role": "user", "content": q}] for q in
               ("What is 17 + 25?", "What is 1 + 2?", "Tell me a story.")]
    alone = [demo.session().complete(p) for p in prompts]
    sessions = [demo.session() for _ in prompts]
    turns = [s.generate(p) for s, p in zip(sessions, prompts)]
    texts = [""] * len(prompts)
    for index, piece in phial.together(*turns):
        texts[index] += piece
    assert texts == alone
    assert [t.reason for t in turns] == ["eos"] * 3


def test_a_stepped_turn_can_go_on_alone_and_one_may_be_closed(demo):
    prompt = [{"role": "user", "content": "Tell me a story."}]
    wanted = demo.session().complete(prompt)
    sessions = [demo.session() for _ in range(2)]
    turns = [s.generate(prompt) for s in sessions]
    texts = ["", ""]
    for n, (index, piece) in enumerate(phial.together(*turns)):
        texts[index] += piece
        if n == 7:
            turns[1].close()
        if n == 15:
            break
    assert wanted.startswith(texts[1]) and texts[1] != wanted
    assert texts[0] + "".join(turns[0]) == wanted


def test_steps_want_sessions_of_one_model(tiny, demo, session):
    assert phial.step([]) is False
    with demo.session() as other:
        session.add("x")
        other.add("x")
        with pytest.raises(phial.ArgumentError, match="another model"):
            phial.step([session, other])
    with pytest.raises(phial.ArgumentError, match="once more"):
        phial.step([session, session])


def test_a_session_that_is_cancelled_does_not_stop_others(demo):
    sessions = [demo.session() for _ in range(2)]
    turns = [s.generate(MESSAGES) for s in sessions]
    sessions[0].cancel()
    with pytest.raises(phial.CancelledError):
        list(phial.together(*turns))
    assert "".join(turns[1]) == "17 + 25 = 42."
    assert "".join(turns[0]) == "17 + 25 = 42."
