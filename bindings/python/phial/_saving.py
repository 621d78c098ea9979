# SPDX-License-Identifier: MIT
"""Sessions in files and bytes."""
from __future__ import annotations

import ctypes
from typing import Any, Union

from . import _ffi
from ._background import Path, path_bytes
from ._library import lib
from ._session_core import SessionCore

Bytes = Union[bytes, bytearray, memoryview]


class Saving(SessionCore):
    """What Session can do about being kept; see doc/session-file.md. These
    calls take as long as a file takes and are not interrupted."""

    __slots__ = ()

    def save(self, path: Path) -> None:
        """Writes all that the session holds and has computed. A file that is
        replaced is the old one or the new one at any time."""
        self._call(lib.phial_session_save, path_bytes(path))

    def load(self, path: Path) -> None:
        """Replaces what the session holds by what was saved, of the same model
        and cache format. What it was told, as sampling, it keeps."""
        self._input(lib.phial_session_load, path_bytes(path))

    def save_bytes(self) -> bytes:
        """What save() would write."""
        n = ctypes.c_size_t()

        def measure(handle: Any) -> int:
            status: int = lib.phial_session_save_bytes(handle, None, 0,
                                                       ctypes.byref(n))
            return 0 if status == _ffi.PHIAL_E_BUFFER else status

        self._call(measure)
        data = (ctypes.c_uint8 * n.value)()
        self._call(lib.phial_session_save_bytes, data, n.value,
                   ctypes.byref(n))
        return bytes(memoryview(data)[:n.value])

    def load_bytes(self, data: Bytes) -> None:
        """What load() does, from memory."""
        view = memoryview(data).cast("B")
        n = view.nbytes
        kept: Any
        if view.readonly or not n:
            kept = ctypes.c_char_p(data if isinstance(data, bytes)
                                   else bytes(view))
            kept = ctypes.cast(kept, ctypes.POINTER(ctypes.c_uint8))
        else:
            kept = (ctypes.c_uint8 * n).from_buffer(view)
        self._input(lib.phial_session_load_bytes, kept, n)
