#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of corpus/checkpoint: the files of small checkpoints, one
after another as fuzz_checkpoint.c reads them.

    make_checkpoint_seed.py TINY_MODEL FOLDER

Needs numpy and gguf from PyPI."""
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../checkpoints"))

import make_checkpoint  # noqa: E402

NAMES = ["config.json", "generation_config.json", "tokenizer.json",
         "tokenizer_config.json", "chat_template.jinja", "model.safetensors",
         "model.safetensors.index.json", "model-00001-of-00002.safetensors",
         "model-00002-of-00002.safetensors"]
SHAPE = ["n_layers=1", "n_embd=32", "n_ff=32", "n_heads=2", "n_kv_heads=1",
         "n_extra=0"]
SEEDS = [("phi-4-mini", "phi-4-mini", "BF16", 1, True, "n_rot=12"),
         ("phi-4", "phi-4", "F16", 2, False, "n_rot=16"),
         ("llama", "phi-4", "BF16", 1, False, "n_rot=16"),
         ("phi-3-4k", "phi-3-4k", "F16", 1, False, "n_rot=16")]


def pack(folder):
    out = b""
    for i, name in enumerate(NAMES):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, "rb") as f:
                data = f.read()
            if name.endswith(".json"):
                data = json.dumps(json.loads(data),
                                  separators=(",", ":")).encode()
            out += struct.pack("<BI", i, len(data)) + data
    return out


def main(tiny_model, target):
    os.makedirs(target, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for name, family, kind, shards, new, rot in SEEDS:
            source = os.path.join(work, name + ".gguf")
            folder = os.path.join(work, name)
            subprocess.run([tiny_model, source, family, kind, "1", *SHAPE,
                            rot], check=True)
            make_checkpoint.write(source, folder, shards, new,
                                  name == "llama")
            with open(os.path.join(target, name + ".bin"), "wb") as f:
                f.write(pack(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
