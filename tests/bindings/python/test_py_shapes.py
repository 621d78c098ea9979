# SPDX-License-Identifier: MIT
"""Results of the shapes that users of other libraries expect."""
import gc
import os

import pytest

import phial

MESSAGES = [{"role": "user", "content": "What is 17 + 25?"}]
ANSWER = "17 + 25 = 42."


@pytest.fixture(scope="module")
def pipe(demo):
    return phial.pipeline("text-generation", model=demo)


def test_messages_come_back_with_the_answer(pipe):
    wanted = [{"generated_text": [*MESSAGES, {"role": "assistant",
                                              "content": ANSWER}]}]
    assert pipe(MESSAGES, max_new_tokens=32) == wanted
    assert pipe([MESSAGES, MESSAGES], max_new_tokens=32) == [wanted, wanted]
    assert pipe(MESSAGES, return_full_text=False) == [
        {"generated_text": ANSWER}]


def test_an_answer_that_was_begun_is_gone_on_with(pipe):
    begun = [*MESSAGES, {"role": "assistant", "content": "17 + 25 ="}]
    assert pipe(begun, max_new_tokens=32) == [{"generated_text": [
        *MESSAGES, {"role": "assistant", "content": ANSWER}]}]
    assert pipe(begun, return_full_text=False) == [{"generated_text": " 42."}]
    assert begun[-1]["content"] == "17 + 25 ="


def test_texts_come_back_with_what_follows(pipe, demo):
    follows = demo.session().complete("The fox", max_tokens=6)
    assert pipe("The fox", max_new_tokens=6) == [
        {"generated_text": "The fox" + follows}]
    assert pipe(["The fox"], max_new_tokens=6, return_full_text=False) == [
        [{"generated_text": follows}]]
    assert pipe([]) == []


def test_sequences_of_a_prompt_differ_and_a_seed_repeats_them(pipe):
    def stories():
        return [r["generated_text"] for r in
                pipe("One day", max_new_tokens=20, do_sample=True,
                     temperature=1.5, num_return_sequences=9, seed=3)]

    first = stories()
    assert len(first) == 9 and len(set(first)) > 4
    assert stories() == first


def test_the_pipeline_refuses_what_it_does_not_do(pipe):
    with pytest.raises(phial.UnsupportedError, match="fill-mask"):
        phial.pipeline("fill-mask", model=os.environ["PHIAL_DEMO"])
    with pytest.raises(phial.ArgumentError, match="do_sample"):
        pipe("x", num_return_sequences=2)
    with pytest.raises(phial.ArgumentError):
        pipe("x", max_new_tokens=0)
    with pytest.raises(phial.ArgumentError, match="model"):
        phial.pipeline("text-generation")
    with pytest.raises(TypeError):
        pipe("x", num_beams=2)


def test_a_pipeline_closes_what_it_opened(demo):
    with phial.pipeline(model=os.environ["PHIAL_DEMO"]) as own:
        model = own.model
        assert own(MESSAGES, return_full_text=False)[0]["generated_text"]
    assert model.closed
    phial.pipeline(model=demo).close()
    assert not demo.closed


def test_a_completion(demo):
    made = demo.create_chat_completion(messages=MESSAGES, temperature=0)
    choice, = made["choices"]
    assert choice["message"] == {"role": "assistant", "content": ANSWER}
    assert choice["finish_reason"] == "stop"
    assert made["usage"] == {"prompt_tokens": 13, "completion_tokens": 12,
                             "total_tokens": 25}
    cut = demo.create_chat_completion(messages=MESSAGES, temperature=0,
                                      max_tokens=3)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 3


def test_chunks_of_a_completion(demo):
    chunks = list(demo.create_chat_completion(messages=MESSAGES, temperature=0,
                                              stream=True))
    assert len({c["id"] for c in chunks}) == 1
    deltas = [c["choices"][0]["delta"] for c in chunks]
    assert deltas[0]["role"] == "assistant" and deltas[-1] == {}
    assert "".join(d.get("content", "") for d in deltas) == ANSWER
    assert [c["choices"][0]["finish_reason"] for c in chunks] == (
        [None] * (len(chunks) - 1) + ["stop"])


def test_a_conversation_is_read_once(demo):
    history = list(MESSAGES)
    with phial.Model(os.environ["PHIAL_DEMO"], threads=1) as model:
        for question in ("What is 1 + 2?", "What is 3 + 4?"):
            answer = model.create_chat_completion(history, temperature=0)
            history.append(answer["choices"][0]["message"])
            history.append({"role": "user", "content": question})
        session, = model._idle
        assert session.stats.n_prompt < len(session)
    assert session.closed


def test_a_stream_that_is_dropped_gives_its_session_back(tiny):
    for how in ("close", "drop", "with"):
        stream = tiny.create_chat_completion(MESSAGES, stream=True)
        next(stream), next(stream)
        if how == "with":
            with stream:
                pass
        elif how == "close":
            stream.close()
            assert list(stream) == []
        del stream
        gc.collect()
        assert len(tiny._idle) == 1


def test_what_is_not_supported_is_refused(tiny):
    for name, value in (("response_format", {"type": "json_object"}),
                        ("logprobs", True), ("tool_choice", "required"),
                        ("grammar", "x"), ("mirostat_mode", 2)):
        with pytest.raises(phial.UnsupportedError, match=name):
            tiny.create_chat_completion(MESSAGES, **{name: value})
    with pytest.raises(TypeError, match="max_token"):
        tiny.create_chat_completion(MESSAGES, max_token=3)
    with pytest.raises(phial.ContextError):
        tiny.create_chat_completion([{"role": "user", "content": "x " * 999}])
    neutral = tiny.create_chat_completion(
        MESSAGES, max_tokens=2, response_format={"type": "text"},
        tool_choice="auto", logprobs=False, grammar=None, typical_p=1.0,
        logit_bias={"5": 1}, top_k=-1, seed=4)
    assert neutral["usage"]["completion_tokens"] == 2
