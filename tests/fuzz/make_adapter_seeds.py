#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of corpus/adapter, as fuzz_adapter.c reads them: a GGUF file
behind a zero, or the files of a PEFT folder behind a one.

    make_adapter_seeds.py FOLDER

Needs numpy and gguf from PyPI."""
import json
import os
import struct
import sys
import tempfile

import gguf
import numpy as np

D, FF, KV = 32, 32, 16
MODULES = {
    "self_attn.qkv_proj": ("attn_qkv", D, D + 2 * KV),
    "self_attn.o_proj": ("attn_output", D, D),
    "mlp.gate_up_proj": ("ffn_up", D, 2 * FF),
    "mlp.down_proj": ("ffn_down", FF, D),
}
SPLIT = {
    "self_attn.q_proj": ("attn_q", D, D),
    "self_attn.v_proj": ("attn_v", D, KV),
    "mlp.gate_proj": ("ffn_gate", D, FF),
    "mlp.up_proj": ("ffn_up", D, FF),
}
CONFIG, WEIGHTS = 9, 10  # numbers of the names in checkpoint_files.c


def pairs(modules, rank, rng):
    for theirs, (ours, n_in, n_out) in modules.items():
        yield (theirs, ours, "A",
               rng.standard_normal((rank, n_in)).astype(np.float32) / 8)
        yield (theirs, ours, "B",
               rng.standard_normal((n_out, rank)).astype(np.float32) / 8)


def gguf_seed(modules, rank, rng):
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "adapter.gguf")
        w = gguf.GGUFWriter(path, "phi3")
        w.add_type("adapter")
        w.add_string("adapter.type", "lora")
        w.add_float32("adapter.lora.alpha", 4.0)
        for _, ours, which, data in pairs(modules, rank, rng):
            w.add_tensor(f"blk.0.{ours}.weight.lora_{which.lower()}", data)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        with open(path, "rb") as f:
            return b"\0" + f.read()


def peft_seed(modules, rank, rng, **more):
    header, data = {}, b""
    for theirs, _, which, values in pairs(modules, rank, rng):
        raw = values.astype(np.float16).tobytes()
        header[f"base_model.model.model.layers.0.{theirs}.lora_{which}.weight"
               ] = {"dtype": "F16", "shape": list(values.shape),
                    "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header, separators=(",", ":")).encode()
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 4, "bias": "none",
              "fan_in_fan_out": False, "init_lora_weights": True, **more}
    out = b"\1"
    for number, part in ((CONFIG, json.dumps(config).encode()),
                         (WEIGHTS, struct.pack("<Q", len(head)) + head + data)):
        out += struct.pack("<BI", number, len(part)) + part
    return out


def main(target):
    rng = np.random.default_rng(1)
    seeds = {
        "gguf-fused": gguf_seed(MODULES, 2, rng),
        "gguf-split": gguf_seed(SPLIT, 1, rng),
        "peft-fused": peft_seed(MODULES, 2, rng, use_rslora=True),
        "peft-split": peft_seed(SPLIT, 3, rng, rank_pattern={"q_proj": 3},
                                alpha_pattern={"mlp.up_proj": 1}),
    }
    os.makedirs(target, exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(target, name + ".bin"), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
