# SPDX-License-Identifier: MIT
"""A session: a sequence of tokens and everything computed of it."""
from __future__ import annotations

import ctypes
from typing import (TYPE_CHECKING, Any, Iterable, Mapping, Optional, Sequence,
                    Union)

from . import _ffi
from ._adapter import Adapter
from ._arrays import Text, fetch_tokens, text_bytes, tokens_in
from ._chat import Chat
from ._events import Memory, Stats, fields_of
from ._handles import SessionHandle
from ._library import check, lib
from ._numbers import Numbers
from ._options import sampling, session_options, whole
from ._saving import Saving
from ._stream import EventStream, Stream

if TYPE_CHECKING:
    from ._model import Model
    from ._options import SamplingOptions, Unpack

AdapterUse = Union[Adapter, tuple[Adapter, float]]
Prompt = Union[Text, Chat, Sequence[Mapping[str, Any]], None]


class Session(Numbers, Saving):
    """A sequence of its own; any number of them share a model. One thread at a
    time, but for cancel() and close().

    context: tokens at most, 0 is what the model allows. cache: how keys and
    values are kept, "f16" unless told "f32" or "q8". prefill: tokens per step
    of a prompt. rope: "auto", "short" or "long". private: share nothing computed
    with other sessions. drafts: guess tokens ahead where text repeats.
    adapters: adapters, or pairs of one and a scale."""

    __slots__ = ()

    def __init__(self, model: Model, *, context: int = 0, cache: str = "auto",
                 prefill: int = 0, rope: str = "auto", private: bool = False,
                 drafts: bool = True,
                 adapters: Iterable[AdapterUse] = ()) -> None:
        options = session_options(context=context, cache=cache,
                                  prefill=prefill, rope=rope, private=private,
                                  drafts=drafts)
        parent, handle = model._open(), SessionHandle()
        handle.hooks = parent.hooks
        check(lib.phial_session_new(parent, ctypes.byref(options),
                                    ctypes.byref(handle)))
        self._adopt(handle)
        self._set_adapters(adapters)

    def _set_adapters(self, adapters: Iterable[AdapterUse]) -> None:
        pairs = [(a, 1.0) if isinstance(a, Adapter) else a for a in adapters]
        n = len(pairs)
        if n:
            handles = [a._open() for a, _ in pairs]
            pointers = (ctypes.POINTER(_ffi.phial_adapter) * n)(*handles)
            scales = (ctypes.c_float * n)(*(scale for _, scale in pairs))
            self._call(lib.phial_session_set_adapters, pointers, scales, n)

    # ---- Input

    def add(self, text: Text, *, special: bool = False,
            bos: Optional[bool] = None) -> None:
        """Queues text. special: control tokens spelled in it are recognised.
        bos: it begins with the model's BOS; None: if the session is empty."""
        if bos is None:
            bos = not len(self)
        data = text_bytes(text)
        flags = ((_ffi.PHIAL_TEXT_SPECIAL if special else 0)
                 | (_ffi.PHIAL_TEXT_BOS if bos else 0))
        self._input(lib.phial_session_add_text, data, len(data), flags)

    def add_tokens(self, tokens: Iterable[int]) -> None:
        """Queues tokens."""
        self._input(lib.phial_session_add_tokens, *tokens_in(tokens))

    def set_chat(self, chat: Union[Chat, Sequence[Mapping[str, Any]]], *,
                 tools: Optional[Sequence[Mapping[str, Any]]] = None) -> None:
        """Makes the session hold exactly this chat, up to where the assistant
        speaks; what it has computed of it already is kept."""
        if not isinstance(chat, Chat):
            chat = Chat(chat, tools=tools)
        elif tools is not None:
            chat.set_tools(tools)
        self._input(lib.phial_session_set_chat, chat._open())

    def prefill(self, max_tokens: Optional[int] = None) -> int:
        """Computes at most so many of the queued tokens, all of them if None;
        returns how many are left."""
        left = ctypes.c_size_t()
        self._call(lib.phial_session_prefill,
                   ctypes.c_size_t(-1).value if max_tokens is None
                   else whole("max_tokens", max_tokens, 63),
                   ctypes.byref(left))
        return left.value

    # ---- Output

    def generate(self, prompt: Prompt = None, *,
                 tools: Optional[Sequence[Mapping[str, Any]]] = None,
                 **options: Unpack[SamplingOptions]) -> Stream:
        """Streams the model's continuation, piece by piece as str. prompt: text
        to go on from, behind what the session holds; or a chat or a list of
        messages, which the session then holds; None goes on from where it
        is."""
        return Stream(self, self._begin(prompt, tools, options))

    def events(self, prompt: Prompt = None, *,
               tools: Optional[Sequence[Mapping[str, Any]]] = None,
               **options: Unpack[SamplingOptions]) -> EventStream:
        """As generate(), with tokens and log probabilities: Event objects."""
        return EventStream(self, self._begin(prompt, tools, options))

    def complete(self, prompt: Prompt = None, *,
                 tools: Optional[Sequence[Mapping[str, Any]]] = None,
                 **options: Unpack[SamplingOptions]) -> str:
        """All of generate() as one text."""
        return "".join(self.generate(prompt, tools=tools, **options))

    def _begin(self, prompt: Prompt, tools: Any, options: Any) -> int:
        raw = sampling(options)
        if isinstance(prompt, (str, bytes, bytearray, memoryview)):
            self.add(prompt)
        elif prompt is not None:
            self.set_chat(prompt, tools=tools)
        self._call(lib.phial_session_set_sampling, ctypes.byref(raw))
        self._turn += 1
        return self._turn

    # ---- History

    @property
    def tokens(self) -> list[int]:
        """Everything the session holds, computed or queued."""
        handle = self._open()
        with self._alone:
            return fetch_tokens(
                lambda buf, cap, n: lib.phial_session_get_tokens(
                    handle, buf, cap, n), 1024)

    def __len__(self) -> int:
        n = ctypes.c_size_t()
        handle = self._open()
        with self._alone:
            status = lib.phial_session_get_tokens(handle, None, 0,
                                                  ctypes.byref(n))
            if status != _ffi.PHIAL_E_BUFFER:
                check(status)
        return n.value

    def __bool__(self) -> bool:
        return True

    def rewind(self, n: int) -> None:
        """Forgets all but the first n tokens."""
        self._input(lib.phial_session_rewind, whole("n", n, 63))

    def fork(self) -> Session:
        """A copy in every respect, which shares what is computed."""
        handle, parent = SessionHandle(), self._open()
        handle.hooks = parent.hooks
        with self._alone:
            check(lib.phial_session_fork(parent, ctypes.byref(handle)))
        made = type(self).__new__(type(self))
        made._adopt(handle)
        made._turn = self._turn
        return made

    @property
    def stats(self) -> Stats:
        """Sums since the session was made."""
        handle = self._open()
        with self._alone:
            found: Stats = fields_of(
                lambda raw: lib.phial_session_get_stats(handle, raw),
                _ffi.phial_stats, Stats)
        return found

    @property
    def memory(self) -> Memory:
        """What the session takes beyond its model."""
        handle = self._open()
        with self._alone:
            found: Memory = fields_of(
                lambda raw: lib.phial_session_get_memory(handle, raw),
                _ffi.phial_memory, Memory)
        return found
