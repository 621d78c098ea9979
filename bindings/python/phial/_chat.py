# SPDX-License-Identifier: MIT
"""Messages and tools, for any model."""
from __future__ import annotations

import ctypes
import json
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Optional, Sequence

from . import _ffi
from ._arrays import Text, fetch_text, text_bytes
from ._handles import ChatHandle, Owned
from ._library import check, lib
from ._options import ROLES, choose

if TYPE_CHECKING:
    from ._model import Model

Message = Mapping[str, Any]


def json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


class Chat(Owned):
    """A list of messages, and the tools that the model may call. Control tokens
    that are spelled in a message stay plain text. One thread at a time."""

    __slots__ = ()

    def __init__(self, messages: Iterable[Message] = (), *,
                 tools: Optional[Sequence[Message]] = None) -> None:
        handle = ChatHandle()
        check(lib.phial_chat_new(ctypes.byref(handle)))
        self._handle = handle
        if tools is not None:
            self.set_tools(tools)
        self.extend(messages)

    def add(self, role: str, text: Text) -> None:
        """Appends a message; role is "system", "user", "assistant" or
        "tool"."""
        data = text_bytes(text)
        check(lib.phial_chat_add(self._open(), choose("role", role, ROLES),
                                 data, len(data)))

    def extend(self, messages: Iterable[Message]) -> None:
        """Appends messages as OpenAI's interface has them, calls of tools and
        their results included. If one is refused, none is added."""
        listed = list(messages)
        if listed:
            data = json_bytes(listed)
            check(lib.phial_chat_add_json(self._open(), data, len(data)))

    def set_tools(self, tools: Sequence[Message]) -> None:
        """OpenAI's list of tools, instead of those before; [] removes them."""
        data = json_bytes(list(tools))
        check(lib.phial_chat_set_tools(self._open(), data, len(data)))

    def render(self, model: Model, *, prompt: bool = True) -> str:
        """The exact text of the prompt, for inspection. prompt: it ends where
        the assistant starts to speak."""
        handle, model_handle = self._open(), model._open()
        flags = _ffi.PHIAL_TEXT_PROMPT if prompt else 0
        return fetch_text(
            lambda buf, cap, n: lib.phial_chat_render(
                handle, model_handle, flags, buf, cap, n))
