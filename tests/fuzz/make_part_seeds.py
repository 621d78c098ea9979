#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of corpus/config, corpus/safetensors and
corpus/tokenizer_json: the files within the seeds of corpus/checkpoint one by
one, as their fuzz targets read them, and some with a single twist.

    make_part_seeds.py

Writes beside itself; needs nothing but the seeds of make_checkpoint_seed.py."""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["config.json", "generation_config.json", "tokenizer.json",
         "tokenizer_config.json", "chat_template.jinja", "model.safetensors",
         "model.safetensors.index.json", "model-00001-of-00002.safetensors",
         "model-00002-of-00002.safetensors"]


def unpack(data):
    files = {}
    while data:
        i, n = struct.unpack_from("<BI", data)
        files[NAMES[i]] = data[5:5 + n]
        data = data[5 + n:]
    return files


def put(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def compact(value):
    return json.dumps(value, ensure_ascii=False,
                      separators=(",", ":")).encode()


def configs(name, files):
    parts = [files.get(n, b"{}") for n in
             ("config.json", "generation_config.json", "tokenizer_config.json")]
    if "chat_template.jinja" in files:
        parts.append(files["chat_template.jinja"])
    put("config", name, b"\xff".join(parts))
    put("config", name + "-alone", parts[0])


def weights(header):
    """A file of such a table, its data zeros."""
    end = max((t["data_offsets"][1] for n, t in header.items()
               if n != "__metadata__"), default=0)
    text = compact(header)
    return struct.pack("<Q", len(text)) + text + bytes(end)


def safetensors(name, data):
    """The whole table of a model, each tensor shrunk to a few bytes."""
    n, = struct.unpack_from("<Q", data)
    header, at = {}, 0
    for tensor, t in json.loads(data[8:8 + n]).items():
        if tensor == "__metadata__":
            header[tensor] = t
            continue
        shape = [2] + [1] * (len(t["shape"]) - 1)
        size = 2 * (4 if t["dtype"] == "F32" else 2)
        header[tensor] = {"dtype": t["dtype"], "shape": shape,
                          "data_offsets": [at, at + size]}
        at += size
    put("safetensors", name, weights(header))


def tokenizer(name, files):
    text = files["tokenizer.json"]
    n_vocab = json.loads(files["config.json"])["vocab_size"]
    llama = json.loads(files["config.json"])["model_type"] == "llama"
    prefix = struct.pack("<HB", n_vocab - 1, llama)
    put("tokenizer_json", name, prefix + text)
    small = json.loads(text)
    small["model"]["merges"] = small["model"]["merges"][:3]
    put("tokenizer_json", name + "-few-merges", prefix + compact(small))
    small["model"]["vocab"] = {"a": 0, "b": 1}
    small["added_tokens"] = small["added_tokens"][:1]
    small["model"]["merges"] = [["a", "b"]]
    put("tokenizer_json", name + "-small", prefix + compact(small))


def main():
    folder = os.path.join(HERE, "corpus/checkpoint")
    for seed in sorted(os.listdir(folder)):
        with open(os.path.join(folder, seed), "rb") as f:
            files = unpack(f.read())
        name = os.path.splitext(seed)[0]
        configs(name, files)
        tokenizer(name, files)
        for i, weight in enumerate(n for n in files
                                   if n.endswith(".safetensors")):
            safetensors(f"{name}-{i}", files[weight])
    row = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    put("safetensors", "one", weights({"model.norm.weight": row}))
    put("safetensors", "none", weights({}))
    put("safetensors", "overlap", weights({"a": row, "b": row}))


if __name__ == "__main__":
    main()
