# SPDX-License-Identifier: MIT
"""The numbers behind a session's text: logits and probabilities."""
from __future__ import annotations

import ctypes
from typing import Any, Iterable

from . import _ffi
from ._arrays import View, copied, floats, tokens_in
from ._interrupt import compute
from ._library import check, lib
from ._options import whole
from ._session_core import SessionCore


class Numbers(SessionCore):
    """What Session can tell beside text."""

    __slots__ = ()

    def logits(self, *, copy: bool = True) -> Any:
        """Raw logits for the token that comes next: info.n_vocab floats.
        copy=False: read-only, over the session's own memory. As long as such an
        array, or a slice of it, is in use, the session refuses to go on."""
        pointer = ctypes.POINTER(ctypes.c_float)()
        n = ctypes.c_size_t()
        handle = self._open()
        with self._alone:
            self._check_view()
            handle.slow = True
            check(compute(lib.phial_session_get_logits, handle,
                          ctypes.byref(pointer), ctypes.byref(n)))
            if copy:
                return copied(pointer, n.value)
            self._view = View(pointer, n.value, handle)
            return self._view.take()

    def top(self, n: int = 10) -> list[tuple[int, float]]:
        """The n likeliest tokens with their log probabilities, best first: for
        the token that was just generated, or else for the next one."""
        n = whole("n", n, 24)
        tokens, logprobs = (ctypes.c_int32 * n)(), (ctypes.c_float * n)()
        found = ctypes.c_size_t()
        self._call(lib.phial_session_get_top, tokens, logprobs, n,
                   ctypes.byref(found))
        return list(zip(tokens[:found.value], logprobs[:found.value]))

    def score(self, tokens: Iterable[int]) -> Any:
        """The natural log probability of each token behind all before it;
        appends them."""
        ids, n = tokens_in(tokens)
        made, memory = floats(n)
        self._input(lib.phial_session_score, ids, n, memory)
        return made

    def rows(self, first: int, n_tokens: int) -> Any:
        """Raw logits behind n_tokens of the tokens held, from index first on:
        as many times n_vocab floats, in numpy as an array of rows."""
        first = whole("first", first, 63)
        n_tokens = whole("n_tokens", n_tokens, 63)
        n = ctypes.c_size_t()
        handle = self._open()
        with self._alone:
            self._check_view()
            handle.slow = True
            status = lib.phial_session_get_rows(handle, first, n_tokens, None,
                                                0, ctypes.byref(n))
            if status != _ffi.PHIAL_E_BUFFER:
                check(status)
            made, memory = floats(n.value)
            check(compute(lib.phial_session_get_rows, handle, first, n_tokens,
                          memory, n.value, ctypes.byref(n)))
        if not hasattr(made, "reshape"):
            return made
        return made.reshape(n_tokens, n.value // n_tokens if n_tokens else 0)
