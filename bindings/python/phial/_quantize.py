# SPDX-License-Identifier: MIT
"""Model files with weights of other types."""
from __future__ import annotations

import ctypes
from typing import Any, Iterable, Optional, Sequence, Union

from . import _ffi
from ._arrays import text_bytes
from ._background import Path, Progress, path_bytes, run
from ._library import lib
from ._options import WEIGHTS, choose, whole

AdapterPath = Union[Path, tuple[Path, float]]


def quantize(source: Path, target: Path, type: str = "stored", *,
             threads: int = 0, overrides: Sequence[str] = (),
             adapters: Iterable[AdapterPath] = (), reencode: bool = False,
             imatrix: Optional[Path] = None,
             progress: Optional[Progress] = None) -> None:
    """Writes the model at source, anything that Model() takes, to the GGUF file
    target with matrices of another type, as "q4_k_m". overrides: "PATTERN=TYPE"
    for matrices of some names, the first that matches counts. adapters: paths,
    or pairs of one and a scale, of LoRA adapters that are added to the weights;
    reencode: also to quantised matrices that keep their type. imatrix: a file of
    Model.imatrix(). progress: called with a fraction; an exception in it gives
    up, and target is as it was."""
    patterns = [text_bytes(o) for o in overrides]
    merged = [(path_bytes(a[0]), a[1]) if isinstance(a, tuple)
              else (path_bytes(a), 1.0) for a in adapters]
    matrix = None if imatrix is None else ctypes.create_string_buffer(
        path_bytes(imatrix))
    options = _ffi.phial_quantize_options(
        struct_size=ctypes.sizeof(_ffi.phial_quantize_options),
        type=choose("type", type, WEIGHTS),
        n_threads=whole("threads", threads, 32),
        overrides=(ctypes.c_char_p * len(patterns))(*patterns),
        n_overrides=len(patterns),
        flags=_ffi.PHIAL_QUANTIZE_REENCODE if reencode else 0,
        adapters=(ctypes.c_char_p * len(merged))(*(a for a, _ in merged)),
        adapter_scales=(ctypes.c_float * len(merged))(*(s for _, s in merged)),
        n_adapters=len(merged),
        imatrix=None if matrix is None else ctypes.addressof(matrix))
    names = path_bytes(source), path_bytes(target)

    def call(hook: Any) -> int:
        options.progress = hook
        status: int = lib.phial_quantize(*names, ctypes.byref(options))
        return status

    run(call, progress)
