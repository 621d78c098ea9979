# SPDX-License-Identifier: MIT
"""Models in F32 for compare_kl.py, of a shape that every peer reads:
ik_llama.cpp wants an output matrix of its own and rotates whole heads. Rows
are multiples of 256, the blocks of K-quants."""
import os
import sys

import gguf
import numpy as np
from gguf.quants import dequantize

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEMO = os.path.join(ROOT, "examples/demo/phial-demo.gguf")
sys.path.insert(0, os.path.join(ROOT, "tests/golden"))

import oracle  # noqa: E402

LAYERS, EMBD, FF, HEADS, KV_HEADS, HEAD_DIM = 4, 512, 1024, 8, 4, 64
THETA, NEVER = 10000.0, 1e30
ENTROPY = 3.0  # nats, of the random models' predictions on average


def write(path, fields, tensors):
    """fields: {key: (value, type, type of elements or None)}."""
    writer = gguf.GGUFWriter(path, "phi3")
    for key, (value, kind, sub) in fields.items():
        writer.add_key_value(key, value, kind, sub_type=sub)
    for name, data in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(data, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path):
    """What write() takes."""
    reader = gguf.GGUFReader(path)
    fields = {
        key: (f.contents(), f.types[0],
              f.types[-1] if f.types[0] == gguf.GGUFValueType.ARRAY else None)
        for key, f in reader.fields.items()
        if not key.startswith("GGUF.") and key != "general.architecture"}
    return fields, {t.name: dequantize(t.data, t.tensor_type)
                    for t in reader.tensors}


def replace(fields, **values):
    """phi3 keys with dots as double underscores; the types stay."""
    changed = dict(fields)
    for name, value in values.items():
        key = "phi3." + name.replace("__", ".")
        changed[key] = (value,) + tuple(fields[key][1:])
    return changed


def whole_heads(fields, tensors):
    """The same function with all pairs of a head rotated: those that were not
    turn by an angle of next to 0, and unlearn the attention factor, which
    comes with rotation."""
    heads = (fields["phi3.attention.head_count"][0]
             + fields["phi3.attention.head_count_kv"][0])
    dim = (fields["phi3.embedding_length"][0]
           // fields["phi3.attention.head_count"][0])
    rot = fields["phi3.rope.dimension_count"][0]
    theta = fields["phi3.rope.freq_base"][0]
    rows = np.arange(dim)
    first, second, rest = np.split(rows, [rot // 2, rot])
    order = np.concatenate([first, rest[:len(rest) // 2], second,
                            rest[len(rest) // 2:]])
    size = np.where(order < rot, 1.0,
                    1 / fields["phi3.rope.scaling.attn_factor"][0])
    changed = dict(tensors)
    for name, data in tensors.items():
        if name.endswith("attn_qkv.weight"):
            turned = data[:heads * dim].reshape(heads, dim, -1)[:, order]
            turned *= size[:, None]
            changed[name] = np.concatenate(
                [turned.reshape(heads * dim, -1), data[heads * dim:]])
        if name.startswith("rope_factors"):
            pair = np.arange(rot // 2)
            factors = np.full(dim // 2, NEVER)
            factors[:rot // 2] = (
                data * theta ** (2 * pair / rot - 2 * pair / dim))
            changed[name] = factors
    return replace(fields, rope__dimension_count=dim), changed


def demo(path):
    """The demo model's weights, dequantised, written for every peer. Returns
    the largest difference that this makes to a logit in float64."""
    fields, tensors = whole_heads(*read(DEMO))
    tensors["output.weight"] = tensors["token_embd.weight"]
    write(path, fields, tensors)
    tokens = np.random.default_rng(1).integers(0, 1504, 100)
    return np.abs(oracle.logits(oracle.Model(path), tokens)
                  - oracle.logits(oracle.Model(DEMO), tokens)).max()


def gains(rng, n, outliers, lowest, highest):
    """Near 1, but for some channels."""
    out = rng.uniform(0.7, 1.3, n)
    where = rng.choice(n, outliers, replace=False)
    out[where] *= rng.uniform(lowest, highest, outliers)
    return out


class Planter:
    """Random matrices behind norms with outliers. norms: how many channels of
    a norm are 20 to 60 times the others; level: how much of that the columns
    of the next matrix take back; stream: how many columns of the embedding
    are as large; products: rows of the up projection, so that the inputs of
    the down projection have outliers too."""

    def __init__(self, seed, norms=0, level=0.0, stream=0, products=0):
        self.rng = np.random.default_rng(seed)
        self.norms, self.level = norms, level
        self.stream, self.products = stream, products

    def matrix(self, rows, gain, size=1.0):
        """Outputs have about this size for inputs of size 1 times gain."""
        columns = 1 / gain ** self.level
        scale = size / np.sqrt(((gain * columns) ** 2).sum())
        return self.rng.normal(size=(rows, len(gain))) * columns * scale

    def layer(self):
        rng, none = self.rng, np.ones
        attn = gains(rng, EMBD, self.norms, 20, 60)
        ffn = gains(rng, EMBD, self.norms, 20, 60)
        gate_up = self.matrix(2 * FF, ffn)
        gate_up[FF:] *= gains(rng, FF, self.products, 10, 30)[:, None]
        return {
            "attn_norm": attn, "ffn_norm": ffn, "ffn_up": gate_up,
            "attn_qkv": self.matrix((HEADS + 2 * KV_HEADS) * HEAD_DIM, attn,
                                    1.5),
            "attn_output": self.matrix(EMBD, none(HEADS * HEAD_DIM), 1.5),
            "ffn_down": self.matrix(EMBD, none(FF), 2.0)}

    def tensors(self, vocabulary):
        rng = self.rng
        norm = gains(rng, EMBD, self.norms, 20, 60)
        columns = gains(rng, EMBD, self.stream, 20, 60)
        made = {
            "token_embd.weight": rng.normal(size=(vocabulary, EMBD)) * columns,
            "output_norm.weight": norm,
            "output.weight": self.matrix(vocabulary, norm)}
        for i in range(LAYERS):
            made.update({f"blk.{i}.{name}.weight": data
                         for name, data in self.layer().items()})
        return made


RANDOM = {
    "norms": dict(seed=1, norms=4),
    "levelled": dict(seed=2, norms=1, level=1.0, products=8),
    "stream": dict(seed=3, norms=4, level=0.5, stream=4, products=8),
}


def describe(name):
    return ", ".join(f"{key} {value}" for key, value in RANDOM[name].items())


def entropy(logits):
    p = oracle.softmax(logits)
    return float(-(p * np.log(p + 1e-300)).sum(-1).mean())


def sharpen(logits):
    """The factor that gives predictions the wanted entropy."""
    low, high = 1e-3, 1e3
    for _ in range(40):
        middle = (low * high) ** 0.5
        if entropy(logits * middle) > ENTROPY:
            low = middle
        else:
            high = middle
    return low


def planted(path, name):
    """A random model with outliers and the demo's tokenizer."""
    fields, tensors = read(DEMO)
    vocabulary = len(tensors["token_embd.weight"])
    fields = replace(
        fields, embedding_length=EMBD, feed_forward_length=FF,
        block_count=LAYERS, attention__head_count=HEADS,
        attention__head_count_kv=KV_HEADS, rope__dimension_count=HEAD_DIM,
        rope__freq_base=THETA, rope__scaling__attn_factor=1.0,
        rope__scaling__original_context_length=(
            fields["phi3.context_length"][0]))
    tensors = Planter(**RANDOM[name]).tensors(vocabulary)
    write(path, fields, tensors)
    tokens = np.random.default_rng(1).integers(0, vocabulary, 256)
    tensors["output.weight"] *= sharpen(oracle.logits(oracle.Model(path),
                                                      tokens))
    write(path, fields, tensors)
