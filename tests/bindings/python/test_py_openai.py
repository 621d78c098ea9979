# SPDX-License-Identifier: MIT
"""Completions against the models of OpenAI's own package, which refuses fields
that are missing or of another type."""
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

MESSAGES = [{"role": "user", "content": "What is 17 + 25?"}]


def checked(kind, value):
    """Strictly: nothing is converted, and nothing of it is lost."""
    made = TypeAdapter(kind).validate_python(value, strict=True)
    assert made.model_dump(exclude_unset=True) == value
    assert not made.model_extra
    return made


def test_completions(demo):
    for options in ({}, {"max_tokens": 2}, {"stop": "="}):
        made = checked(ChatCompletion, demo.create_chat_completion(
            MESSAGES, temperature=0, **options))
        assert made.choices[0].message.role == "assistant"
        assert made.choices[0].finish_reason in ("stop", "length")


def test_chunks(demo):
    for chunk in demo.create_chat_completion(MESSAGES, stream=True):
        checked(ChatCompletionChunk, chunk)


def test_the_check_can_fail(demo):
    made = demo.create_chat_completion(MESSAGES, max_tokens=1)
    del made["choices"][0]["finish_reason"]
    try:
        checked(ChatCompletion, made)
    except ValueError:
        return
    raise AssertionError("a missing field was taken")
