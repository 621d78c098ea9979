# SPDX-License-Identifier: MIT
"""Chat completions with the argument names of llama-cpp-python and results of
OpenAI's shape. What is not supported is refused, never passed over."""
from __future__ import annotations

import time
import uuid
from typing import (TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional,
                    Sequence, Union)

from ._errors import UnsupportedError

if TYPE_CHECKING:
    from ._session import Session
    from ._stream import Stream

Json = dict[str, Any]
FINISH = {"eos": "stop", "text": "stop", "length": "length",
          "context": "length"}
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "functions": ([],), "function_call": (), "tool_choice": ("auto",),
    "typical_p": (1.0,), "tfs_z": (1.0,), "mirostat_mode": (0,),
    "response_format": ({"type": "text"},), "logprobs": (False,),
    "top_logprobs": (0,), "grammar": (), "logits_processor": ()}


def refuse(given: Mapping[str, Any]) -> None:
    """Arguments of others that would ask for something that phial does not
    have; a value that asks for nothing is taken."""
    for name, value in given.items():
        if name not in NEUTRAL:
            raise TypeError("create_chat_completion() has no argument "
                            f"{name!r}")
        if value is not None and value not in NEUTRAL[name]:
            raise UnsupportedError(f"{name}={value!r} is not supported")


class Completions:
    """What Model can do in OpenAI's shapes. A session is kept for the next
    call, so that a conversation that goes on is read from where it changed."""

    __slots__ = ()
    path: str
    closed: bool
    _idle: list[Session]

    session: Callable[[], Session]

    def create_chat_completion(
            self, messages: Sequence[Mapping[str, Any]], *,
            tools: Optional[Sequence[Mapping[str, Any]]] = None,
            temperature: float = 0.2, top_p: float = 0.95, top_k: int = 40,
            min_p: float = 0.05, stream: bool = False,
            stop: Union[str, Sequence[str], None] = None,
            seed: Optional[int] = None, max_tokens: Optional[int] = None,
            presence_penalty: float = 0.0, frequency_penalty: float = 0.0,
            repeat_penalty: float = 1.0, model: Optional[str] = None,
            logit_bias: Optional[Mapping[Any, float]] = None,
            **others: Any) -> Any:
        """An answer to messages, as OpenAI's chat.completion; with stream=True
        an iterator of its chunks. Arguments and their defaults are those of
        llama-cpp-python; max_tokens=None or below 1 is until the context is
        full. Calls of tools are in the text, as the model spells them."""
        refuse(others)
        options: Json = {
            "temperature": temperature, "top_p": top_p, "top_k": max(top_k, 0),
            "min_p": min_p, "stop": stop, "seed": seed,
            "max_tokens": max(max_tokens or 0, 0),
            "presence_penalty": presence_penalty,
            "frequency_penalty": frequency_penalty,
            "repeat_penalty": repeat_penalty,
            "logit_bias": {int(t): v for t, v in (logit_bias or {}).items()}}
        session = self._idle.pop() if self._idle else self.session()
        try:
            turn = session.generate(messages, tools=tools, **options)
            n_prompt = len(session)
        except BaseException:
            self._keep(session)
            raise
        head = {"id": f"chatcmpl-{uuid.uuid4()}", "created": int(time.time()),
                "model": model or self.path}
        if stream:
            return ChunkStream(self, session, turn, head)
        try:
            return completion(turn, n_prompt, head)
        finally:
            self._keep(session)

    def _keep(self, session: Session) -> None:
        """One is enough: others go with their call."""
        if self.closed or self._idle:
            session.close()
        else:
            self._idle.append(session)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def completion(turn: Stream, n_prompt: int, head: Json) -> Json:
    text = "".join(turn)
    return {
        **head, "object": "chat.completion",
        "choices": [{
            "index": 0, "logprobs": None,
            "message": {"role": "assistant", "content": text},
            "finish_reason": FINISH.get(turn.reason or "", "stop")}],
        "usage": {"prompt_tokens": n_prompt,
                  "completion_tokens": turn.n_tokens,
                  "total_tokens": n_prompt + turn.n_tokens}}


class ChunkStream(Iterator[Json]):
    """The chunks of a completion. Closing it, or dropping it, ends the turn."""

    def __init__(self, model: Completions, session: Session, turn: Stream,
                 head: Json) -> None:
        self._model, self._turn, self._head = model, turn, head
        self._session: Optional[Session] = session
        self._begun = False

    def _chunk(self, delta: Json, finish: Optional[str] = None) -> Json:
        return {**self._head, "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "logprobs": None,
                             "finish_reason": finish}]}

    def __next__(self) -> Json:
        if self._session is None:
            raise StopIteration
        if not self._begun:
            self._begun = True
            return self._chunk({"role": "assistant"})
        try:
            return self._chunk({"content": next(self._turn)})
        except StopIteration:
            finish = FINISH.get(self._turn.reason or "", "stop")
        except BaseException:
            self.close()
            raise
        self.close()
        return self._chunk({}, finish)

    def close(self) -> None:
        """Ends the turn."""
        session, self._session = self._session, None
        if session is not None:
            self._turn.close()
            self._model._keep(session)

    def __del__(self) -> None:
        if getattr(self, "_session", None) is not None:
            self.close()

    def __enter__(self) -> ChunkStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
