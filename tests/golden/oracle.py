#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The phi3 architecture in float64 NumPy, from its description (Abdin et al.,
"Phi-3 Technical Report", 2024, and Hugging Face's modeling_phi3.py), not from
lib/. Rotary frequencies and angles are rounded to float32 where the reference
rounds them; everything else is float64. Weights are what the file's blocks
dequantise to. Needs numpy and gguf from PyPI.

oracle.py FILE short|long < TOKENS (int32) > LOGITS (float64)"""
import math
import sys

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


class Model:
    def __init__(self, path):
        reader = GGUFReader(path)
        self.fields = {k: f.contents() for k, f in reader.fields.items()
                       if k.startswith("phi3.")}
        self.tensors = {
            t.name: np.asarray(dequantize(t.data, t.tensor_type), np.float64)
            for t in reader.tensors}
        self.layers = self.get("block_count")
        self.heads = self.get("attention.head_count")
        self.kv_heads = self.get("attention.head_count_kv")
        self.embd = self.get("embedding_length")
        self.head_dim = self.get("attention.key_length",
                                 self.embd // self.heads)
        self.rot = self.get("rope.dimension_count")
        self.eps = np.float64(np.float32(
            self.get("attention.layer_norm_rms_epsilon")))
        self.theta = float(np.float32(self.get("rope.freq_base")))
        self.context = self.get("context_length")
        self.window = self.get("attention.sliding_window", 0)
        self.original = self.get("rope.scaling.original_context_length")
        self.factors = [self.tensors.get(f"rope_factors_{s}.weight")
                        for s in ("short", "long")]
        self.longrope = self.factors[0] is not None
        self.rope_scale = self.get("rope.scaling.attn_factor",
                                   self.attention_factor())
        self.embedding = self["token_embd"]
        self.output = self.tensors.get("output.weight", self.embedding)

    def get(self, key, default=None):
        value = self.fields.get("phi3." + key, default)
        if value is None:
            raise KeyError(key)
        return value

    def __getitem__(self, name):
        return self.tensors[name + ".weight"]

    def attention_factor(self):
        scale = self.context / self.original
        if not self.longrope or scale <= 1:
            return 1.0
        return math.sqrt(1 + math.log(scale) / math.log(self.original))

    def cos_sin(self, n, long):
        """[n][rot / 2] each, angles as float32 numbers."""
        exponent = (np.arange(0, self.rot, 2).astype(np.float32)
                    / np.float32(self.rot))
        power = np.float32(np.float64(self.theta)
                           ** exponent.astype(np.float64))
        if self.longrope:
            power = self.factors[long].astype(np.float32) * power
        frequency = np.float32(1) / power
        angle = np.arange(n).astype(np.float32)[:, None] * frequency
        angle = angle.astype(np.float64)
        return (np.cos(angle) * self.rope_scale,
                np.sin(angle) * self.rope_scale)


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def rotate(x, cos, sin):
    """x: [n][heads][head_dim]; the first 2 * cos.shape[1] elements turn."""
    half = cos.shape[1]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    cos, sin = cos[:, None], sin[:, None]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin, rest], -1)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def visible(n, window, first=0):
    i, j = np.arange(first, n)[:, None], np.arange(n)[None]
    seen = j <= i
    return seen & (j > i - window) if window else seen


def attention(m, x, layer, cos, sin, first=0):
    """What is added to the positions from first on."""
    n, d = len(x), m.head_dim
    qkv = x @ m[f"blk.{layer}.attn_qkv"].T
    q, k, v = np.split(qkv, [m.heads * d, (m.heads + m.kv_heads) * d], -1)
    q = rotate(q[first:].reshape(n - first, m.heads, d), cos[first:],
               sin[first:])
    k = rotate(k.reshape(n, m.kv_heads, d), cos, sin)
    v = v.reshape(n, m.kv_heads, d)
    group = m.heads // m.kv_heads
    mask = np.where(visible(n, m.window, first), 0, -np.inf)
    heads = []
    for h in range(m.heads):
        scores = q[:, h] @ k[:, h // group].T / math.sqrt(d)
        heads.append(softmax(scores + mask) @ v[:, h // group])
    return np.concatenate(heads, -1) @ m[f"blk.{layer}.attn_output"].T


def feed_forward(m, x, layer):
    gate, up = np.split(x @ m[f"blk.{layer}.ffn_up"].T, 2, -1)
    return (gate / (1 + np.exp(-gate)) * up) @ m[f"blk.{layer}.ffn_down"].T


def states(m, tokens, long=False, last=False):
    """[len(tokens)][embedding], behind the final norm; last: that of the last
    token alone, for which the last layer computes no other."""
    x = m.embedding[np.asarray(tokens)]
    cos, sin = m.cos_sin(len(tokens), int(long))
    for i in range(m.layers):
        first = len(tokens) - 1 if last and i == m.layers - 1 else 0
        h = rms_norm(x, m[f"blk.{i}.attn_norm"], m.eps)
        x = x[first:] + attention(m, h, i, cos, sin, first)
        h = rms_norm(x, m[f"blk.{i}.ffn_norm"], m.eps)
        x = x + feed_forward(m, h, i)
    return rms_norm(x, m["output_norm"], m.eps)


def logits(m, tokens, long=False, last=False):
    """[len(tokens)][vocabulary], or those after the last token alone."""
    return states(m, tokens, long, last) @ m.output.T


def direction(x):
    return x / np.sqrt((x * x).sum())


def nmse(got, want):
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    return float(((got - want) ** 2).sum() / (want ** 2).sum())


def mean_kl(got, want):
    """Mean of KL(softmax(want) || softmax(got)) over rows."""
    p, q = softmax(np.float64(want)), softmax(np.float64(got))
    return float((p * (np.log(p) - np.log(q))).sum(-1).mean())


if __name__ == "__main__":
    tokens = np.frombuffer(sys.stdin.buffer.read(), np.int32)
    out = logits(Model(sys.argv[1]), tokens, sys.argv[2] == "long")
    sys.stdout.buffer.write(out.astype(np.float64).tobytes())
