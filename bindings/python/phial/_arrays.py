# SPDX-License-Identifier: MIT
"""Buffers between Python and C: tokens in, bytes and floats out. Floats are
numpy arrays where numpy can be imported, array.array('f') elsewhere."""
from __future__ import annotations

import ctypes
import weakref
from array import array
from typing import Any, Callable, Iterable, Union

from ._errors import ArgumentError
from ._library import check

Text = Union[str, bytes, bytearray, memoryview]

_numpy: Any = None
_looked = False


def numpy() -> Any:
    """The module, or None."""
    global _numpy, _looked
    if not _looked:
        try:
            import numpy as found
            _numpy = found
        except ImportError:
            _numpy = None
        _looked = True
    return _numpy


def text_bytes(text: Text) -> bytes:
    """Text as the library wants it; it may hold NUL."""
    if isinstance(text, str):
        try:
            return text.encode()
        except UnicodeEncodeError as e:
            raise ArgumentError(f"the text is not Unicode: {e}") from None
    return bytes(memoryview(text))


def tokens_in(tokens: Iterable[int]) -> tuple[Any, int]:
    """A C array of token ids, and how many there are."""
    if isinstance(tokens, (bytes, bytearray, str)):
        raise TypeError("token ids are wanted, not text")
    try:
        ids = array("i", tokens)
    except OverflowError:
        raise ArgumentError("a token id is beyond 32 bits") from None
    return (ctypes.c_int32 * len(ids)).from_buffer(ids), len(ids)


def floats(n: int) -> tuple[Any, Any]:
    """An array of n floats, and its memory for C."""
    module = numpy()
    if module is not None:
        made: Any = module.zeros(n, dtype=module.float32)
    else:
        made = array("f", bytes(4 * n))
    return made, (ctypes.c_float * n).from_buffer(made)


def fetch_bytes(give: Callable[..., int], guess: int) -> bytes:
    """What give(buf, cap, n) puts: again with the right size if guess is too
    small."""
    n = ctypes.c_size_t()
    cap = guess
    while True:
        buffer = ctypes.create_string_buffer(cap)
        status = give(buffer, cap, ctypes.byref(n))
        if status >= 0:
            return ctypes.string_at(buffer, n.value)
        if n.value <= cap:
            check(status)
        cap = n.value


def fetch_text(give: Callable[..., int], guess: int = 4096) -> str:
    return fetch_bytes(give, guess).decode()


def fetch_tokens(give: Callable[..., int], guess: int) -> list[int]:
    n = ctypes.c_size_t()
    cap = guess
    while True:
        buffer = (ctypes.c_int32 * cap)()
        status = give(buffer, cap, ctypes.byref(n))
        if status >= 0:
            return buffer[:n.value]
        if n.value <= cap:
            check(status)
        cap = n.value


class View:
    """An array over the library's own memory. While anything refers to it, the
    owner must not let that memory change: alive() tells."""

    def __init__(self, pointer: Any, n: int, keep: Any) -> None:
        kind: Any = type("floats", (ctypes.c_float * n,), {})
        memory = kind.from_address(ctypes.addressof(pointer.contents))
        memory.keep = keep
        self._memory = weakref.ref(memory)
        self.array = self._wrap(memory)

    @staticmethod
    def _wrap(memory: Any) -> Any:
        module = numpy()
        if module is None:
            return memoryview(memory).cast("B").cast("f").toreadonly()
        made = module.frombuffer(memory, dtype=module.float32)
        made.flags.writeable = False
        return made

    def take(self) -> Any:
        """The array, to which this then refers no more."""
        made, self.array = self.array, None
        return made

    def alive(self) -> bool:
        return self._memory() is not None


def copied(pointer: Any, n: int) -> Any:
    """The same numbers in memory of Python's."""
    made, memory = floats(n)
    ctypes.memmove(memory, pointer, 4 * n)
    return made
