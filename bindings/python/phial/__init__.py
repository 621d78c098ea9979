# SPDX-License-Identifier: MIT
"""Runs Microsoft's Phi language models on the CPU: see doc/python.md.

    with phial.Model("phi-4-mini.gguf") as model, model.session() as session:
        for piece in session.generate([{"role": "user", "content": "Hello"}]):
            print(piece, end="", flush=True)
"""
from __future__ import annotations

from ._adapter import Adapter
from ._chat import Chat
from ._errors import (ArgumentError, BusyError, CancelledError, ClosedError,
                      ContextError, Error, FileError, FormatError,
                      InternalError, MismatchError, NumericError,
                      OutOfMemoryError, StateError, UnsupportedError)
from ._events import Event, Memory, ModelInfo, Stats
from ._library import build_info, library_version
from ._model import Model, estimate
from ._options import SamplingOptions
from ._pipeline import TextGenerationPipeline, pipeline
from ._quantize import quantize
from ._session import Session
from ._stream import EventStream, Stream, step, together
from ._tokenizer import Tokenizer

__version__ = "0.1.0"
__all__ = [
    "Adapter", "ArgumentError", "BusyError", "CancelledError", "Chat",
    "ClosedError", "ContextError", "Error", "Event", "EventStream", "FileError",
    "FormatError", "InternalError", "Memory", "MismatchError", "Model",
    "ModelInfo", "NumericError", "OutOfMemoryError", "SamplingOptions",
    "Session", "StateError", "Stats", "Stream", "TextGenerationPipeline",
    "Tokenizer", "UnsupportedError", "build_info", "estimate",
    "library_version", "pipeline", "quantize", "step", "together",
]
for _kind in (Adapter, Chat, Model, Session, Tokenizer):
    _kind.__module__ = "phial"
del _kind
