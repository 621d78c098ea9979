# SPDX-License-Identifier: MIT
"""What comes back from the library as plain values: events of a stream, facts
about a model, memory and statistics."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Callable, NamedTuple, Optional

from . import _ffi
from ._library import check

KINDS = {_ffi.PHIAL_EVENT_TEXT: "text", _ffi.PHIAL_EVENT_TOOL: "tool",
         _ffi.PHIAL_EVENT_TOOL_ARGS: "tool_args",
         _ffi.PHIAL_EVENT_TOOL_END: "tool_end", _ffi.PHIAL_EVENT_STOP: "stop"}
REASONS = {_ffi.PHIAL_STOP_EOS: "eos", _ffi.PHIAL_STOP_TEXT: "text",
           _ffi.PHIAL_STOP_LENGTH: "length", _ffi.PHIAL_STOP_CONTEXT: "context",
           _ffi.PHIAL_STOP_CONSTRAINT: "constraint"}


class Event(NamedTuple):
    """One thing that happened in a turn. Later versions may add kinds and
    reasons."""

    kind: str
    """"text", or "stop", which comes last."""
    text: str
    """Whole characters; "" of a stop."""
    token: int
    """The last token behind the event."""
    n_tokens: int
    """How many tokens are behind it; may be 0."""
    logprob: float
    """Their summed natural log probability, if logprobs were asked for."""
    reason: Optional[str]
    """Why the turn stopped: "eos", "text" (a stop text), "length"
    (max_tokens) or "context" (it is full); None of other kinds."""


@dataclass(frozen=True)
class ModelInfo:
    """The sizes of a model."""

    n_vocab: int
    n_context: int
    """The longest context that it was trained for."""
    n_layers: int
    n_embedding: int
    """The length of a vector of Model.embed()."""
    n_threads: int
    n_parameters: int


@dataclass(frozen=True)
class Memory:
    """Bytes that a model takes, or a session beyond its model."""

    mapped: int
    weights: int
    cache: int
    """Keys and values at their present size."""
    cache_max: int
    """The same when the context is full."""
    scratch: int


@dataclass(frozen=True)
class Stats:
    """Sums since the session was made."""

    n_prompt: int
    n_reused: int
    """Prompt tokens that were taken from what is computed already."""
    n_generated: int
    prefill_ns: int
    decode_ns: int
    n_drafted: int
    n_accepted: int


def fields_of(give: Callable[[Any], int], struct: Any, kind: Any) -> Any:
    """The dataclass of what give() puts into the C struct."""
    raw = struct(struct_size=ctypes.sizeof(struct))
    check(give(ctypes.byref(raw)))
    return kind(**{name: getattr(raw, name)
                   for name in kind.__dataclass_fields__})


for _kind in (Event, ModelInfo, Memory, Stats):
    _kind.__module__ = "phial"
