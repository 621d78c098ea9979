# SPDX-License-Identifier: MIT
"""Owners of what the library hands out.

A handle is a pointer that frees what it points at when Python drops it. Calls
hold a reference to the handle that they are given, so closing an object while
another thread calls frees it when that call is over. Handles also keep the
hooks of their model, which the library may call until the last one is gone.
Freeing works in any order, from any thread, and while the interpreter ends:
what it needs is bound as a default argument."""
from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional

from . import _ffi
from ._errors import ClosedError
from ._library import lib


def _owner(struct: Any, free: Callable[[Any], None]) -> Any:
    """The class of pointers to struct that free it."""
    pointer: Any = ctypes.POINTER(struct)

    class Owner(pointer):  # type: ignore[misc]
        _type_ = struct
        hooks: object = None  # what C may call as long as this lives

        def __del__(self, free: Callable[[Any], None] = free) -> None:
            if self:
                free(self)

    Owner.__name__ = Owner.__qualname__ = struct.__name__ + "_owner"
    return Owner


ModelHandle = _owner(_ffi.phial_model, lib.phial_model_free)
TokenizerHandle = _owner(_ffi.phial_tokenizer, lib.phial_tokenizer_free)
AdapterHandle = _owner(_ffi.phial_adapter, lib.phial_adapter_free)
ChatHandle = _owner(_ffi.phial_chat, lib.phial_chat_free)


_SessionOwner: Any = _owner(_ffi.phial_session, lib.phial_session_free)


class SessionHandle(_SessionOwner):  # type: ignore[misc]
    """Beside the pointer, why the session may have been told to cancel."""

    _type_ = _ffi.phial_session
    asked = False  # Session.cancel() was called
    interrupted = False  # a signal came while it computed; see _interrupt
    slow = True  # the next call may take long enough to be interrupted


class Owned:
    """An object with a handle, which close() or a `with`'s end gives up."""

    __slots__ = ("_handle", "__weakref__")
    _handle: Optional[Any]

    def _open(self) -> Any:
        handle = self._handle
        if handle is None:
            raise ClosedError(f"this {type(self).__name__} was closed")
        return handle

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._handle is None

    def close(self) -> None:
        """Gives up what is held; again does nothing. A call that runs on
        another thread is finished first."""
        self._handle = None

    def __enter__(self) -> Any:
        self._open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"a phial.{type(self).__name__} cannot be pickled or "
                        "copied: it is memory of this process. Open it where "
                        "it is needed")
