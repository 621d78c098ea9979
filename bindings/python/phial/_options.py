# SPDX-License-Identifier: MIT
"""Python's names for what options say, as the structs of phial.h."""
from __future__ import annotations

import ctypes
from typing import (TYPE_CHECKING, Any, Mapping, Optional, Sequence, TypedDict,
                    Union)

from . import _ffi
from ._arrays import text_bytes
from ._errors import ArgumentError


def _names(prefix: str) -> dict[str, int]:
    return {name[len(prefix):].lower(): value
            for name, value in vars(_ffi).items() if name.startswith(prefix)}


ISAS = _names("PHIAL_ISA_")
WEIGHTS = _names("PHIAL_WEIGHTS_")
CACHES = _names("PHIAL_CACHE_")
ROPES = _names("PHIAL_ROPE_")
POOLS = _names("PHIAL_POOL_")
ROLES = _names("PHIAL_ROLE_")


def choose(what: str, name: str, values: Mapping[str, int]) -> int:
    try:
        return values[name.lower()]
    except (KeyError, AttributeError):
        raise ArgumentError(f"{what} is {name!r}, not one of "
                            + ", ".join(sorted(values))) from None


def whole(what: str, value: int, bits: int) -> int:
    """ctypes would cut off what does not fit."""
    if not isinstance(value, int) and not hasattr(value, "__index__"):
        raise TypeError(f"{what} is {value!r}, not a whole number")
    value = int(value)
    if not 0 <= value < 1 << bits:
        raise ArgumentError(f"{what} is {value}, not from 0 to "
                            f"{(1 << bits) - 1}")
    return value


class SamplingOptions(TypedDict, total=False):
    """How tokens are chosen and when a turn ends; see doc/sampling.md. What is
    left out is off: greedy, to the end of the turn."""

    temperature: float
    top_p: float
    min_p: float
    top_k: int
    repeat_penalty: float
    presence_penalty: float
    frequency_penalty: float
    penalty_window: int
    seed: Optional[int]
    max_tokens: Optional[int]
    stop: Union[str, Sequence[str], None]
    logit_bias: Optional[Mapping[int, float]]
    ignore_eos: bool
    logprobs: bool


_FLOATS = ("temperature", "top_p", "min_p", "repeat_penalty",
           "presence_penalty", "frequency_penalty")
_WHOLES = (("top_k", 32), ("penalty_window", 32), ("max_tokens", 64),
           ("seed", 64))
_OTHERS = ("stop", "logit_bias", "ignore_eos", "logprobs")
_KNOWN = frozenset((*_FLOATS, *(name for name, _ in _WHOLES), *_OTHERS))


def _stop_texts(raw: Any, stop: Union[str, Sequence[str]]) -> None:
    texts = [text_bytes(s) for s in ([stop] if isinstance(stop, str) else stop)]
    for text in texts:
        if b"\0" in text:
            raise ArgumentError("a stop text holds a NUL character")
    raw.stop = (ctypes.c_char_p * len(texts))(*texts)
    raw.n_stop = len(texts)


def _biases(raw: Any, bias: Mapping[int, float]) -> None:
    n = len(bias)
    ids = [whole("a token of logit_bias", int(t), 31) for t in bias]
    raw.bias_tokens = (ctypes.c_int32 * n)(*ids)
    raw.bias_values = (ctypes.c_float * n)(*bias.values())
    raw.n_bias = n


def sampling(options: SamplingOptions) -> Any:
    """The struct; what it points to lives as long as it does."""
    unknown = options.keys() - _KNOWN
    if unknown:
        raise TypeError("unknown option " + ", ".join(sorted(unknown))
                        + "; there are " + ", ".join(sorted(_KNOWN)))
    given: dict[str, Any] = {k: v for k, v in options.items() if v is not None}
    raw = _ffi.phial_sampling(
        struct_size=ctypes.sizeof(_ffi.phial_sampling),
        flags=(_ffi.PHIAL_SAMPLING_SEEDED if "seed" in given else 0)
        | (_ffi.PHIAL_SAMPLING_IGNORE_EOS if given.get("ignore_eos") else 0)
        | (_ffi.PHIAL_SAMPLING_LOGPROBS if given.get("logprobs") else 0))
    for name in _FLOATS:
        setattr(raw, name, float(given.get(name, 0)))
    for name, bits in _WHOLES:
        setattr(raw, name, whole(name, given.get(name, 0), bits))
    if given.get("stop"):
        _stop_texts(raw, given["stop"])
    if given.get("logit_bias"):
        _biases(raw, given["logit_bias"])
    return raw


def model_options(*, threads: int = 0, isa: str = "best",
                  weights: Optional[str] = None, verify: bool = False,
                  lock: bool = False, cache_limit: int = 0) -> Any:
    return _ffi.phial_model_options(
        struct_size=ctypes.sizeof(_ffi.phial_model_options),
        flags=(_ffi.PHIAL_MODEL_LOCK if lock else 0)
        | (_ffi.PHIAL_MODEL_VERIFY if verify else 0),
        n_threads=whole("threads", threads, 32),
        isa=choose("isa", isa, ISAS),
        weight_format=choose("weights", weights or "stored", WEIGHTS),
        cache_limit=whole("cache_limit", cache_limit, 64))


def session_options(*, context: int = 0, cache: str = "auto",
                    prefill: int = 0, rope: str = "auto",
                    private: bool = False, drafts: bool = True) -> Any:
    return _ffi.phial_session_options(
        struct_size=ctypes.sizeof(_ffi.phial_session_options),
        flags=(_ffi.PHIAL_SESSION_PRIVATE if private else 0)
        | (0 if drafts else _ffi.PHIAL_SESSION_NO_DRAFTS),
        n_context=whole("context", context, 32),
        cache_format=choose("cache", cache, CACHES),
        n_prefill=whole("prefill", prefill, 32),
        rope=choose("rope", rope, ROPES))


if TYPE_CHECKING:
    from typing_extensions import Unpack as Unpack
