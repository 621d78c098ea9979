# SPDX-License-Identifier: MIT
"""Model files with weights of other types."""
from __future__ import annotations

import ctypes
from typing import Any, Optional, Sequence

from . import _ffi
from ._arrays import text_bytes
from ._background import Path, Progress, path_bytes, run
from ._library import lib
from ._options import WEIGHTS, choose, whole


def quantize(source: Path, target: Path, type: str = "stored", *,
             threads: int = 0, overrides: Sequence[str] = (),
             progress: Optional[Progress] = None) -> None:
    """Writes the model at source, anything that Model() takes, to the GGUF file
    target with matrices of another type, as "q4_k_m". overrides: "PATTERN=TYPE"
    for matrices of some names, the first that matches counts. progress: called
    with a fraction; an exception in it gives up, and target is as it was."""
    patterns = [text_bytes(o) for o in overrides]
    options = _ffi.phial_quantize_options(
        struct_size=ctypes.sizeof(_ffi.phial_quantize_options),
        type=choose("type", type, WEIGHTS),
        n_threads=whole("threads", threads, 32),
        overrides=(ctypes.c_char_p * len(patterns))(*patterns),
        n_overrides=len(patterns))
    names = path_bytes(source), path_bytes(target)

    def call(hook: Any) -> int:
        options.progress = hook
        status: int = lib.phial_quantize(*names, ctypes.byref(options))
        return status

    run(call, progress)
