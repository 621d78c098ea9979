#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a GGUF model of ours as transformers would save it: config.json,
generation_config.json, tokenizer.json, tokenizer_config.json and safetensors.

    make_checkpoint.py MODEL.gguf FOLDER [--shards N] [--new] [--llama] [--f32]

--new is the layout of transformers 5: "rope_parameters", pairs as merges, and
chat_template.jinja. --llama makes a LlamaForCausalLM of a model without LongRoPE,
window and partial rotation. Matrices stay in the type that they have: F32, F16 or
BF16; --f32 brings those of any type to F32.
Written from the descriptions of the formats, not from lib/. Needs numpy and
gguf from PyPI."""
import argparse
import json
import os
import struct

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
DTYPES = {"F32": "F32", "F16": "F16", "BF16": "BF16"}
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_up": "mlp.gate_up_proj",
    "ffn_down": "mlp.down_proj",
}
GLOBAL = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
PATTERNS = {
    "dbrx": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt-4o": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*"
              r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
              r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
              r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
              r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
SHOWN = {"<|tool|>", "<|/tool|>", "<|tool_call|>", "<|/tool_call|>",
         "<|tool_response|>", "</s>"}
NOT_STRIPPED = {"<|endoftext|>", "<|endofprompt|>", "<unk>", "<s>"}
STOPS = ["<|endoftext|>", "<|im_end|>", "<|end|>"]


class Model:
    """The metadata and tensors of a file."""

    def __init__(self, path):
        reader = GGUFReader(path)
        self.fields = {k: f.contents() for k, f in reader.fields.items()}
        self.tensors = {t.name: t for t in reader.tensors}
        self.tokens = self.fields["tokenizer.ggml.tokens"]
        self.kinds = self.fields["tokenizer.ggml.token_type"]
        self.bytes = self.fields["tokenizer.ggml.model"] == "gpt2"
        self.pre = self.fields.get("tokenizer.ggml.pre")

    def get(self, key, default=None):
        return self.fields.get("phi3." + key, default)

    def factors(self, which):
        t = self.tensors.get(f"rope_factors_{which}.weight")
        return None if t is None else [float(x) for x in t.data]


def llama_config(out):
    """What LlamaConfig has of it."""
    for key in ("sliding_window", "original_max_position_embeddings",
                "partial_rotary_factor"):
        out.pop(key, None)
    out.get("rope_parameters", {}).pop("partial_rotary_factor", None)
    return {**out, "architectures": ["LlamaForCausalLM"],
            "model_type": "llama", "mlp_bias": False, "pretraining_tp": 1}


def config(m, new):
    """A vocabulary alone gets numbers that nobody will look at."""
    embd = m.get("embedding_length", 32)
    heads = m.get("attention.head_count", 1)
    head = m.get("attention.key_length", embd // heads)
    out = {
        "architectures": ["Phi3ForCausalLM"], "model_type": "phi3",
        "vocab_size": len(m.tokens), "hidden_size": embd,
        "intermediate_size": m.get("feed_forward_length", 32),
        "num_hidden_layers": m.get("block_count", 1),
        "num_attention_heads": heads,
        "num_key_value_heads": m.get("attention.head_count_kv", heads),
        "hidden_act": "silu", "attention_bias": False,
        "max_position_embeddings": m.get("context_length", 4096),
        "rms_norm_eps": float(m.get("attention.layer_norm_rms_epsilon", 1e-5)),
        "sliding_window": m.get("attention.sliding_window") or None,
        "tie_word_embeddings": "output.weight" not in m.tensors,
        "bos_token_id": m.fields.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": m.fields.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": m.fields.get("tokenizer.ggml.padding_token_id"),
        "torch_dtype": "float32",
    }
    if head != embd // heads:
        out["head_dim"] = head
    rope = {"rope_theta": float(m.get("rope.freq_base", 10000)),
            "partial_rotary_factor": m.get("rope.dimension_count", head) / head}
    original = {"original_max_position_embeddings":
                m.get("rope.scaling.original_context_length",
                      m.get("context_length", 4096))}
    longrope = {"short_factor": m.factors("short"),
                "long_factor": m.factors("long")}
    if m.get("rope.scaling.attn_factor"):
        longrope["attention_factor"] = float(m.get("rope.scaling.attn_factor"))
    if new:
        kind = "longrope" if m.factors("long") else "default"
        rope.update(original, rope_type=kind)
        rope.update(longrope if m.factors("long") else {})
        out["rope_parameters"] = rope
    else:
        out.update(rope, **original)
        out["rope_scaling"] = (dict(longrope, type="longrope")
                               if m.factors("long") else None)
    return out


def added(m):
    """Flags as in the published tokenizer_config.json."""
    out = []
    for i, (text, kind) in enumerate(zip(m.tokens, m.kinds)):
        if kind not in (CONTROL, USER, UNKNOWN) or text.startswith("[PAD"):
            continue
        strip = m.pre == "dbrx" or text not in NOT_STRIPPED
        out.append({"id": i, "content": text, "single_word": False,
                    "lstrip": m.pre == "dbrx", "rstrip": strip,
                    "normalized": False, "special": text not in SHOWN})
    return out


def spm_merges(m):
    """Every way to cut a token in two, ranked as the reference converts
    SentencePiece: by score, then by the ids of the parts."""
    ids = {t: i for i, (t, k) in enumerate(zip(m.tokens, m.kinds))
           if k == NORMAL}
    scores = m.fields["tokenizer.ggml.scores"]
    rows = []
    for text, i in ids.items():
        cuts = sorted((ids[text[:k]], ids[text[k:]])
                      for k in range(1, len(text))
                      if text[:k] in ids and text[k:] in ids)
        rows += [(-scores[i], i, *cut) for cut in cuts]
    return [(m.tokens[a], m.tokens[b]) for _, _, a, b in sorted(rows)]


def tokenizer(m, new):
    # Control tokens too: the reference numbers those that are not here anew.
    vocab = {t: i for i, (t, k) in enumerate(zip(m.tokens, m.kinds))
             if k != UNUSED and not t.startswith("[PAD")}
    model = {"type": "BPE", "dropout": None, "unk_token": None,
             "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": not m.bytes, "vocab": vocab}
    if m.bytes:
        merges = [tuple(x.split(" ", 1))
                  for x in m.fields["tokenizer.ggml.merges"]]
        split = {"type": "Split", "pattern": {"Regex": PATTERNS[m.pre]},
                 "behavior": "Removed", "invert": True}
        level = {"type": "ByteLevel", "add_prefix_space": False,
                 "trim_offsets": True, "use_regex": False}
        steps = {"normalizer": None,
                 "pre_tokenizer": {"type": "Sequence",
                                   "pretokenizers": [split, level]},
                 "decoder": {"type": "ByteLevel", "add_prefix_space": True,
                             "trim_offsets": True, "use_regex": True}}
    else:
        merges = spm_merges(m)
        model.update(unk_token="<unk>", fuse_unk=True)
        replace = {"type": "Replace", "pattern": {"String": " "},
                   "content": "\u2581"}
        back = {"type": "Replace", "pattern": {"String": "\u2581"},
                "content": " "}
        steps = {"normalizer": {"type": "Sequence", "normalizers": [
                     {"type": "Prepend", "prepend": "\u2581"}, replace]},
                 "pre_tokenizer": None,
                 "decoder": {"type": "Sequence", "decoders": [
                     back, {"type": "ByteFallback"}, {"type": "Fuse"},
                     {"type": "Strip", "content": " ", "start": 1,
                      "stop": 0}]}}
    model["merges"] = [list(x) if new else " ".join(x) for x in merges]
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": added(m), **steps, "post_processor": None,
            "model": model}


def their_name(ours):
    if ours in GLOBAL:
        return GLOBAL[ours]
    _, layer, what, _ = ours.split(".")
    return f"model.layers.{layer}.{LAYER[what]}.weight"


def weights(m, f32=False):
    """{name: (dtype, shape, bytes)}"""
    out = {}
    for name, t in m.tensors.items():
        if name.startswith("rope_factors"):
            continue
        data = dequantize(t.data, t.tensor_type) if f32 else t.data
        out[their_name(name)] = (
            "F32" if f32 else DTYPES[t.tensor_type.name],
            [int(d) for d in reversed(t.shape)],
            np.ascontiguousarray(data).tobytes())
    return out


def split_rows(tensor, counts):
    """The rows of a matrix as several."""
    dtype, (rows, cols), data = tensor
    width, at = len(data) // rows, 0
    for n in counts:
        yield dtype, [n, cols], data[at * width:(at + n) * width]
        at += n


def llama_weights(m, tensors):
    """The same with q, k, v, gate and up by themselves."""
    heads = m.get("attention.head_count")
    head = m.get("attention.key_length", m.get("embedding_length") // heads)
    kv = m.get("attention.head_count_kv", heads) * head
    ff = m.get("feed_forward_length")
    parts = {"qkv_proj": (("q_proj", "k_proj", "v_proj"),
                          (heads * head, kv, kv)),
             "gate_up_proj": (("gate_proj", "up_proj"), (ff, ff))}
    out = {}
    for name, tensor in tensors.items():
        fused = name.split(".")[-2]
        if fused not in parts:
            out[name] = tensor
            continue
        names, counts = parts[fused]
        for part, rows in zip(names, split_rows(tensor, counts)):
            out[name.replace(fused, part)] = rows
    return out


def write_safetensors(path, tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            f.write(data)


def write_weights(folder, tensors, shards):
    if shards == 1:
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
        return
    names, where = list(tensors), {}
    for i in range(shards):
        part = {n: tensors[n] for n in names[i::shards]}
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        write_safetensors(os.path.join(folder, file), part)
        where.update((n, file) for n in part)
    total = sum(len(data) for _, _, data in tensors.values())
    write_json(folder, "model.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": where})


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, indent=2)


def write(source, folder, shards=1, new=False, llama=False, f32=False):
    m = Model(source)
    os.makedirs(folder, exist_ok=True)
    numbers = config(m, new)
    write_json(folder, "config.json",
               llama_config(numbers) if llama else numbers)
    stops = [m.tokens.index(t) for t in STOPS if t in m.tokens]
    write_json(folder, "generation_config.json", {"eos_token_id": stops})
    write_json(folder, "tokenizer.json", tokenizer(m, new))
    chat = m.fields.get("tokenizer.chat_template")
    settings = {"add_bos_token":
                bool(m.fields.get("tokenizer.ggml.add_bos_token", False))}
    if chat and new:
        with open(os.path.join(folder, "chat_template.jinja"), "w",
                  encoding="utf-8") as f:
            f.write(chat)
    elif chat:
        settings["chat_template"] = chat
    write_json(folder, "tokenizer_config.json", settings)
    if m.tensors:
        tensors = weights(m, f32)
        write_weights(folder, llama_weights(m, tensors) if llama else tensors,
                      shards)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--llama", action="store_true")
    parser.add_argument("--f32", action="store_true")
    options = parser.parse_args()
    write(options.model, options.folder, options.shards, options.new,
          options.llama, options.f32)
