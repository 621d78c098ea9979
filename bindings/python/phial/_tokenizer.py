# SPDX-License-Identifier: MIT
"""Text to token ids and back."""
from __future__ import annotations

import ctypes
from typing import Any, Iterable, Optional

from . import _ffi
from ._arrays import Text, fetch_text, fetch_tokens, text_bytes, tokens_in
from ._background import Path, path_bytes
from ._handles import Owned, TokenizerHandle
from ._library import check, lib

NO_TOKEN = -1  # PHIAL_NO_TOKEN


class Tokenizer(Owned):
    """The vocabulary of a model; immutable, for any number of threads.

    Tokenizer(path) needs nothing but the file's metadata;
    Model.tokenizer is that of a model."""

    __slots__ = ()

    def __init__(self, path: Path) -> None:
        handle = TokenizerHandle()
        check(lib.phial_tokenizer_open(path_bytes(path), ctypes.byref(handle)))
        self._handle = handle

    @classmethod
    def _of(cls, model: Any) -> Tokenizer:
        made = cls.__new__(cls)
        handle = TokenizerHandle()
        check(lib.phial_model_get_tokenizer(model, ctypes.byref(handle)))
        handle.hooks = model.hooks
        made._handle = handle
        return made

    def encode(self, text: Text, *, special: bool = False,
               bos: bool = False) -> list[int]:
        """The ids of a text, any bytes. special: control tokens spelled in it
        are recognised. bos: it begins with the model's BOS, if there is one."""
        handle, data = self._open(), text_bytes(text)
        flags = ((_ffi.PHIAL_TEXT_SPECIAL if special else 0)
                 | (_ffi.PHIAL_TEXT_BOS if bos else 0))
        return fetch_tokens(
            lambda buf, cap, n: lib.phial_tokenizer_encode(
                handle, data, len(data), flags, buf, cap, n), len(data) + 8)

    def decode(self, tokens: Iterable[int], *, special: bool = False) -> str:
        """The text of ids. special: control tokens are spelled, which otherwise
        give no text."""
        handle = self._open()
        ids, n_ids = tokens_in(tokens)
        flags = _ffi.PHIAL_TEXT_SPECIAL if special else 0
        return fetch_text(
            lambda buf, cap, n: lib.phial_tokenizer_decode(
                handle, ids, n_ids, flags, buf, cap, n), 16 * n_ids + 64)

    def _special(self, which: int) -> Optional[int]:
        token = lib.phial_tokenizer_special(self._open(), which)
        return None if token == NO_TOKEN else int(token)

    @property
    def bos(self) -> Optional[int]:
        """The id that texts begin with; None if there is none."""
        return self._special(_ffi.PHIAL_TOKEN_BOS)

    @property
    def eos(self) -> Optional[int]:
        """The id that ends texts."""
        return self._special(_ffi.PHIAL_TOKEN_EOS)

    @property
    def end_of_turn(self) -> Optional[int]:
        """The id that ends a message of a chat."""
        return self._special(_ffi.PHIAL_TOKEN_END_OF_TURN)

    @property
    def pad(self) -> Optional[int]:
        """The id that fills rows of a batch, elsewhere."""
        return self._special(_ffi.PHIAL_TOKEN_PAD)
