# SPDX-License-Identifier: MIT
"""Low-rank adapters (LoRA)."""
from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from ._background import Path, path_bytes, run
from ._handles import AdapterHandle, Owned
from ._library import lib

if TYPE_CHECKING:
    from ._model import Model


class Adapter(Owned):
    """Adapters of PEFT or of a GGUF file, read for one model. Immutable, for
    any number of sessions and threads; a session that has it keeps it."""

    __slots__ = ()

    def __init__(self, model: Model, path: Path) -> None:
        parent, encoded = model._open(), path_bytes(path)
        handle = AdapterHandle()
        handle.hooks = parent.hooks
        run(lambda hook: lib.phial_adapter_open(parent, encoded,
                                                ctypes.byref(handle)),
            abandon=True)
        self._handle = handle
