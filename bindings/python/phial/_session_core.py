# SPDX-License-Identifier: MIT
"""What everything that sessions can do is built on: one thread at a time,
interruptible, and not while somebody looks at the memory that changes."""
from __future__ import annotations

import ctypes
from _thread import get_ident
from typing import Any, Callable, Optional

from . import _ffi
from ._arrays import View
from ._errors import BusyError, StateError
from ._handles import Owned
from ._interrupt import compute
from ._library import check, lib


class Alone:
    """Lets one thread in. The library checks that too; but what it lends, the
    text of an event, has to be read before anybody calls again. A thread that
    an interrupt took out early comes in again."""

    __slots__ = ("_owner",)

    def __init__(self) -> None:
        self._owner: dict[str, int] = {}

    def __enter__(self) -> None:
        me = get_ident()
        if self._owner.setdefault("thread", me) != me:
            raise BusyError("the session is in use on another thread")

    def __exit__(self, *exception: object) -> None:
        self._owner.clear()

    def taken(self) -> bool:
        """By another thread."""
        return self._owner.get("thread", get_ident()) != get_ident()


class SessionCore(Owned):
    """The handle of a session, and calls on it."""

    __slots__ = ("_alone", "_event", "_turn", "_view")

    def _adopt(self, handle: Any) -> None:
        self._handle = handle
        self._alone = Alone()
        self._event = _ffi.phial_event(
            struct_size=ctypes.sizeof(_ffi.phial_event))
        self._turn = 0  # of how many streams the last one is
        self._view: Optional[View] = None

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        """function(session, *arguments), alone, interruptible, and not while
        somebody looks at the memory that it changes."""
        handle = self._open()
        with self._alone:
            self._check_view()
            handle.slow = True
            return check(compute(function, handle, *arguments))

    def _input(self, function: Callable[..., int], *arguments: Any) -> None:
        """_call() of what ends the turn that was being generated."""
        self._call(function, *arguments)
        self._turn += 1

    def _check_view(self) -> None:
        if self._view is not None:
            if self._view.alive():
                raise StateError("an array of logits(copy=False) is still in "
                                 "use; drop it before the session goes on")
            self._view = None

    def close(self) -> None:
        """Gives up the session. A call that runs on another thread is cancelled
        first."""
        handle = self._handle
        super().close()
        if handle is not None and self._alone.taken():
            handle.asked = True
            lib.phial_session_cancel(handle)

    def cancel(self) -> None:
        """Makes the running call, or the next that computes, raise
        CancelledError soon, once. From any thread."""
        handle = self._handle
        if handle is not None:
            handle.asked = True
            lib.phial_session_cancel(handle)
