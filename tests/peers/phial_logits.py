# SPDX-License-Identifier: MIT
"""Logits from the phial library through the generated ctypes declarations."""
import ctypes
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../bindings/python/phial"))

import _ffi  # noqa: E402

CACHES = {"f32": _ffi.PHIAL_CACHE_F32, "f16": _ffi.PHIAL_CACHE_F16,
          "q8": _ffi.PHIAL_CACHE_Q8}


def options(kind, **fields):
    return kind(struct_size=ctypes.sizeof(kind), **fields)


class Engine:
    """A model and one session; prompts that begin alike reuse the cache."""

    def __init__(self, library, path, cache="f16", n_context=0, rope=0,
                 n_threads=0, n_prefill=0):
        self.lib = _ffi.bind(ctypes.CDLL(library))
        self.path = os.fsencode(path)
        self.options = options(_ffi.phial_model_options, n_threads=n_threads)
        self.session_options = options(
            _ffi.phial_session_options, cache_format=CACHES[cache],
            n_context=n_context, n_prefill=n_prefill, rope=rope)
        self.model = ctypes.POINTER(_ffi.phial_model)()
        self.check(self.lib.phial_model_open(
            self.path, ctypes.byref(self.options), ctypes.byref(self.model)))
        info = options(_ffi.phial_model_info)
        self.check(self.lib.phial_model_get_info(self.model,
                                                 ctypes.byref(info)))
        self.n_vocab = info.n_vocab
        self.session = ctypes.POINTER(_ffi.phial_session)()
        self.check(self.lib.phial_session_new(
            self.model, ctypes.byref(self.session_options),
            ctypes.byref(self.session)))
        self.held = []

    def describe(self):
        """The JSON of phial_model_describe as a dictionary."""
        n = ctypes.c_size_t()
        self.lib.phial_model_describe(self.model, None, 0, ctypes.byref(n))
        text = ctypes.create_string_buffer(n.value)
        self.check(self.lib.phial_model_describe(self.model, text, n.value,
                                                 ctypes.byref(n)))
        return json.loads(text.raw)

    def memory(self):
        """(estimate, model, session), each a phial_memory."""
        all_three = [options(_ffi.phial_memory) for _ in range(3)]
        estimate, model, session = map(ctypes.byref, all_three)
        self.check(self.lib.phial_estimate(
            self.path, ctypes.byref(self.options),
            ctypes.byref(self.session_options), estimate))
        self.check(self.lib.phial_model_get_memory(self.model, model))
        self.check(self.lib.phial_session_get_memory(self.session, session))
        return all_three

    def check(self, status):
        if status < 0:
            raise RuntimeError(self.lib.phial_last_error().decode())

    def encode(self, text):
        """The tokens of a prompt, control tokens recognised."""
        tokenizer = ctypes.POINTER(_ffi.phial_tokenizer)()
        self.check(self.lib.phial_model_get_tokenizer(
            self.model, ctypes.byref(tokenizer)))
        data = text.encode()
        tokens = (_ffi.phial_token * (len(data) + 1))()
        n = ctypes.c_size_t()
        self.check(self.lib.phial_tokenizer_encode(
            tokenizer, data, len(data), _ffi.PHIAL_TEXT_SPECIAL, tokens,
            len(tokens), ctypes.byref(n)))
        self.lib.phial_tokenizer_free(tokenizer)
        return tokens[:n.value]

    def embed(self, text, pool):
        """The vector of a text."""
        info = options(_ffi.phial_model_info)
        self.check(self.lib.phial_model_get_info(self.model,
                                                 ctypes.byref(info)))
        data = text.encode()
        out = (ctypes.c_float * info.n_embedding)()
        n = ctypes.c_size_t()
        self.check(self.lib.phial_model_embed(
            self.model, data, len(data), pool, out, len(out),
            ctypes.byref(n)))
        return out[:n.value]

    def logits(self, tokens):
        """n_vocab floats after the last of tokens."""
        common = 0
        for a, b in zip(self.held, tokens[:-1]):
            if a != b:
                break
            common += 1
        self.check(self.lib.phial_session_rewind(self.session, common))
        rest = (_ffi.phial_token * (len(tokens) - common))(*tokens[common:])
        self.check(self.lib.phial_session_add_tokens(self.session, rest,
                                                     len(rest)))
        out = ctypes.POINTER(ctypes.c_float)()
        n = ctypes.c_size_t()
        self.check(self.lib.phial_session_get_logits(
            self.session, ctypes.byref(out), ctypes.byref(n)))
        self.held = list(tokens)
        return out[:n.value]

    def close(self):
        self.lib.phial_session_free(self.session)
        self.lib.phial_model_free(self.model)
