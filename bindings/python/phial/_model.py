# SPDX-License-Identifier: MIT
"""A model: its weights, and what sessions share."""
from __future__ import annotations

import ctypes
import json
import os
from typing import Any, Callable, Iterable, Optional

from . import _ffi
from ._adapter import Adapter
from ._arrays import Text, fetch_text, floats, text_bytes
from ._background import Path, Progress, path_bytes, run
from ._completion import Completions
from ._events import Memory, ModelInfo, fields_of
from ._handles import ModelHandle, Owned
from ._library import lib
from ._options import (POOLS, choose, model_options, session_options,
                       whole)
from ._session import AdapterUse, Session
from ._tokenizer import Tokenizer

Log = Callable[[int, str], object]

LOG_LEVELS = {"off": _ffi.PHIAL_LOG_OFF, "error": _ffi.PHIAL_LOG_ERROR,
              "warning": _ffi.PHIAL_LOG_WARN, "info": _ffi.PHIAL_LOG_INFO,
              "debug": _ffi.PHIAL_LOG_DEBUG}
PYTHON_LEVELS = {_ffi.PHIAL_LOG_ERROR: 40, _ffi.PHIAL_LOG_WARN: 30,
                 _ffi.PHIAL_LOG_INFO: 20, _ffi.PHIAL_LOG_DEBUG: 10}


def _log_hook(log: Log) -> Any:
    def hook(user: object, level: int, line: bytes) -> None:
        log(PYTHON_LEVELS.get(level, 10), line.decode("utf-8", "replace"))
    return _ffi.phial_log_fn(hook)


class Model(Completions, Owned):
    """The weights of a model and its vocabulary; immutable, for any number of
    sessions and threads.

    path: a GGUF file, or a folder that transformers saved. threads: 0 is one
    per processor. weights: quantise to this type while reading, as "q4_k_m".
    cache_limit: bytes of keys and values of all sessions. verify: refuse
    weights that hold NaN. log: called with a level of module logging and a
    line, on any thread, as logging.getLogger("phial").log is; it must not call
    back into phial. progress: called with a fraction while the file is read;
    an exception in it gives up."""

    __slots__ = ("path", "_idle")

    def __init__(self, path: Path, *, threads: int = 0, isa: str = "best",
                 weights: Optional[str] = None, verify: bool = False,
                 lock: bool = False, cache_limit: int = 0,
                 log: Optional[Log] = None, log_level: str = "info",
                 progress: Optional[Progress] = None) -> None:
        options = model_options(threads=threads, isa=isa, weights=weights,
                                verify=verify, lock=lock,
                                cache_limit=cache_limit)
        handle, encoded = ModelHandle(), path_bytes(path)
        if log is not None:
            options.log_level = choose("log_level", log_level, LOG_LEVELS)
            options.log = handle.hooks = _log_hook(log)

        def call(hook: Any) -> int:
            options.progress = hook
            status: int = lib.phial_model_open(
                encoded, ctypes.byref(options), ctypes.byref(handle))
            return status

        run(call, progress, abandon=True)
        self.path = os.fsdecode(path)
        self._handle = handle
        self._idle: list[Session] = []

    def __repr__(self) -> str:
        return f"<phial.Model {self.path!r}{' closed' * self.closed}>"

    def close(self) -> None:
        """Gives up the model. Its sessions and tokenizers go on with it; the
        memory is freed with the last of them."""
        super().close()
        self._close_idle()

    @property
    def info(self) -> ModelInfo:
        """The model's sizes."""
        handle = self._open()
        found: ModelInfo = fields_of(
            lambda raw: lib.phial_model_get_info(handle, raw),
            _ffi.phial_model_info, ModelInfo)
        return found

    @property
    def memory(self) -> Memory:
        """What the model takes, beside its sessions."""
        handle = self._open()
        found: Memory = fields_of(
            lambda raw: lib.phial_model_get_memory(handle, raw),
            _ffi.phial_memory, Memory)
        return found

    def describe(self) -> dict[str, Any]:
        """Everything else worth knowing: see doc/describe.md."""
        handle = self._open()
        text = fetch_text(lambda buf, cap, n: lib.phial_model_describe(
            handle, buf, cap, n), 1 << 16)
        described: dict[str, Any] = json.loads(text)
        return described

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer; a new object each time."""
        return Tokenizer._of(self._open())

    def session(self, *, context: int = 0, cache: str = "auto",
                prefill: int = 0, rope: str = "auto", private: bool = False,
                drafts: bool = True,
                adapters: Iterable[AdapterUse] = ()) -> Session:
        """An empty session: see Session."""
        return Session(self, context=context, cache=cache, prefill=prefill,
                       rope=rope, private=private, drafts=drafts,
                       adapters=adapters)

    def adapter(self, path: Path) -> Adapter:
        """Reads adapters for this model."""
        return Adapter(self, path)

    def embed(self, text: Text, *, pool: str = "mean") -> Any:
        """The text as a vector of length 1: info.n_embedding floats."""
        handle, data = self._open(), text_bytes(text)
        n_floats = self.info.n_embedding
        made, memory = floats(n_floats)
        kind = choose("pool", pool, POOLS)
        run(lambda hook: lib.phial_model_embed(
            handle, data, len(data), kind, memory, n_floats,
            ctypes.byref(ctypes.c_size_t())), abandon=True)
        return made

    def imatrix(self, text: Text, target: Path, *, context: int = 0,
                windows: int = 0, special: bool = False, dataset: str = "",
                progress: Optional[Progress] = None) -> None:
        """Reads a text and writes to target how much the columns of each matrix
        are used, for quantize(imatrix=...): see doc/quantisation.md. context:
        tokens of a window; windows: at most so many; dataset: what the file
        says of the text. progress: as with quantize()."""
        handle, data = self._open(), text_bytes(text)
        encoded = path_bytes(target)
        name = ctypes.create_string_buffer(path_bytes(dataset))
        options = _ffi.phial_imatrix_options(
            struct_size=ctypes.sizeof(_ffi.phial_imatrix_options),
            flags=_ffi.PHIAL_TEXT_SPECIAL if special else 0,
            n_context=whole("context", context, 32),
            max_windows=whole("windows", windows, 32),
            dataset=ctypes.addressof(name))

        def call(hook: Any) -> int:
            options.progress = hook
            status: int = lib.phial_model_imatrix(
                handle, data, len(data), encoded, ctypes.byref(options))
            return status

        run(call, progress)


def estimate(path: Path, *, threads: int = 0, weights: Optional[str] = None,
             context: int = 0, cache: str = "auto",
             prefill: int = 0) -> Memory:
    """What a model and one session with a full context would take, from the
    file's metadata alone."""
    model = model_options(threads=threads, weights=weights)
    session = session_options(context=context, cache=cache, prefill=prefill)
    encoded = path_bytes(path)
    found: Memory = fields_of(
        lambda raw: lib.phial_estimate(encoded, ctypes.byref(model),
                                       ctypes.byref(session), raw),
        _ffi.phial_memory, Memory)
    return found
