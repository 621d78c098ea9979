#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes adapters.bin: logits of a tiny model in F32 with adapters. Run it from
the source directory after building the tests' models:

    python3 tests/golden/make_adapters.py build/tests/api

Needs what make_goldens.py needs, and peft 0.15.2. README.md describes the
file."""
import os
import sys

import numpy as np
import torch
from gguf import GGUFReader
from peft import LoraConfig, get_peft_model

import oracle
import records
import reference

LENGTHS = [1, 50, 64, 65, 100]
SETS = {"a": [("lora-a", 1)], "ab": [("lora-a", 0.5), ("lora-b", -1.5)]}
FIRST, END = 10, 210  # tokens that may be generated
THEIRS = {"attn_qkv": "self_attn.qkv_proj", "attn_output": "self_attn.o_proj",
          "ffn_up": "mlp.gate_up_proj", "ffn_down": "mlp.down_proj"}


class Adapter:
    def __init__(self, path):
        reader = GGUFReader(path)
        self.alpha = float(reader.fields["adapter.lora.alpha"].contents())
        self.tensors = {t.name: np.asarray(t.data) for t in reader.tensors}
        self.names = sorted({n.removesuffix(".lora_a") for n in self.tensors
                             if n.endswith(".lora_a")})

    def pair(self, name):
        return self.tensors[name + ".lora_a"], self.tensors[name + ".lora_b"]

    def rank(self):
        return len(self.pair(self.names[0])[0])


def merged(path, adapters):
    """The oracle's model with W + scale * alpha / r * B A."""
    m = oracle.Model(path)
    for adapter, scale in adapters:
        for name in adapter.names:
            a, b = (np.float64(x) for x in adapter.pair(name))
            m.tensors[name] = (m.tensors[name]
                               + scale * adapter.alpha / len(a) * (b @ a))
    return m


def with_peft(model, adapters):
    """The reference with the same pairs as peft applies them."""
    for i, (adapter, scale) in enumerate(adapters):
        config = LoraConfig(r=adapter.rank(), lora_alpha=adapter.alpha,
                            target_modules=[v.split(".")[1]
                                            for v in THEIRS.values()])
        if i == 0:
            model = get_peft_model(model, config, adapter_name="0")
        else:
            model.add_adapter(str(i), config)
        modules = dict(model.named_modules())
        for name in adapter.names:
            _, layer, ours, _ = name.split(".")
            module = modules["base_model.model.model.layers."
                             f"{layer}.{THEIRS[ours]}"]
            a, b = adapter.pair(name)
            with torch.no_grad():
                module.lora_A[str(i)].weight.copy_(torch.tensor(a))
                module.lora_B[str(i)].weight.copy_(torch.tensor(b * scale))
    model.base_model.set_adapter([str(i) for i in range(len(adapters))])
    return model.eval()


def main(folder):
    path = os.path.join(folder, "tiny-other-type.gguf")
    out = records.Records()
    rng = np.random.default_rng(5)
    tokens = rng.integers(FIRST, END, max(LENGTHS)).astype(np.int32)
    out.put("tokens", tokens)
    for name, members in SETS.items():
        adapters = [(Adapter(os.path.join(folder, f"tiny-{file}.gguf")), scale)
                    for file, scale in members]
        m = merged(path, adapters)
        theirs = with_peft(reference.build(oracle.Model(path)), adapters)
        for n in LENGTHS:
            truth = oracle.logits(m, tokens[:n], n > m.original)[-1]
            got = reference.logits(theirs, tokens[:n])[-1]
            print(f"{name}, {n} tokens: NMSE to float64 of peft "
                  f"{oracle.nmse(got, truth):.2e}")
            out.put(f"{name}/{n}/float64", truth[::records.STEP])
            out.put(f"{name}/{n}/peft", got[::records.STEP])
    out.write("adapters.bin")


if __name__ == "__main__":
    main(sys.argv[1])
