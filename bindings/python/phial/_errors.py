# SPDX-License-Identifier: MIT
"""The errors of the library as exceptions.

Each status of phial.h has a class of its own below Error. Where Python has a
built-in exception for the same thing, the class is also one of those, so that
code which does not know phial catches what it expects."""
from __future__ import annotations

from . import _ffi


class Error(Exception):
    """Anything that the library reports. str() is its sentence; status is the
    number in phial.h."""

    status: int = 0


class ArgumentError(Error, ValueError):
    """An argument breaks the documented contract."""

    status = _ffi.PHIAL_E_ARGUMENT


class OutOfMemoryError(Error, MemoryError):
    """An allocation failed, or a cache_limit was hit."""

    status = _ffi.PHIAL_E_MEMORY


class FileError(Error, OSError):
    """The operating system refused: no such file, a full disk."""

    status = _ffi.PHIAL_E_IO


class FormatError(Error, ValueError):
    """A malformed file, JSON or UTF-8."""

    status = _ffi.PHIAL_E_FORMAT


class UnsupportedError(Error, NotImplementedError):
    """Well formed, but not something that phial runs."""

    status = _ffi.PHIAL_E_UNSUPPORTED


class ContextError(Error, ValueError):
    """The context window is full: the input does not fit."""

    status = _ffi.PHIAL_E_CONTEXT


class CancelledError(Error):
    """Session.cancel() stopped the call. The session goes on from there."""

    status = _ffi.PHIAL_E_CANCELLED


class BusyError(Error, RuntimeError):
    """The object is in use on another thread."""

    status = _ffi.PHIAL_E_BUSY


class StateError(Error, RuntimeError):
    """The call makes no sense now; also any use of a model in a process that
    was forked from the one that opened it."""

    status = _ffi.PHIAL_E_STATE


class ClosedError(StateError, ValueError):
    """The object was closed."""


class MismatchError(Error, ValueError):
    """Made for another model or library."""

    status = _ffi.PHIAL_E_MISMATCH


class NumericError(Error, ArithmeticError):
    """The weights produced a NaN or an infinity."""

    status = _ffi.PHIAL_E_NUMERIC


class InternalError(Error, RuntimeError):
    """A bug in phial; please report the message."""

    status = _ffi.PHIAL_E_INTERNAL


PUBLIC = (Error, ArgumentError, OutOfMemoryError, FileError, FormatError,
          UnsupportedError, ContextError, CancelledError, BusyError, StateError,
          ClosedError, MismatchError, NumericError, InternalError)

BY_STATUS: dict[int, type[Error]] = {
    kind.status: kind for kind in PUBLIC[1:] if "status" in vars(kind)}

for _kind in PUBLIC:
    _kind.__module__ = "phial"


def error(status: int, message: str) -> Error:
    """The exception for a status; a later library's unknown one is an Error."""
    made = BY_STATUS.get(status, Error)(message)
    made.status = status
    return made
