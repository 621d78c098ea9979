#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adapters that Hugging Face's PEFT saves, used by phial.

usage: compare_peft.py LIBPHIAL TINY_MODEL

A small random Phi3ForCausalLM of each family, saved in F32, gets random LoRA
adapters made and saved by peft: on all projections, rank-stabilised, with ranks
and alphas by module, in F16 and BF16, and two at once with scales. Compared with
peft on the same files are the logits behind prompts on both sides of LongRoPE's
first context (mean squared error over mean square), and the tokens of a greedy
answer. The same adapters as GGUF files of llama.cpp's form must give the same
bits. Merged into the weights by phial_quantize(), they are compared matrix by
matrix with what peft's merge_and_unload() makes of the model in float64. Needs torch 2.6.0, transformers 4.51.3, peft 0.15.2, numpy, safetensors
and gguf from PyPI."""
import argparse
import ctypes
import json
import math
import os
import random
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import compare_transformers as base
import phial_logits
from phial_logits import _ffi

MERGED = 5e-15  # rounding to floats once or twice gives about 1e-15
ALL = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
CONFIGS = {
    "all projections": dict(r=8, lora_alpha=16, target_modules=ALL),
    "rank-stabilised": dict(r=16, lora_alpha=8, target_modules=ALL,
                            use_rslora=True),
    "patterns": dict(r=7, lora_alpha=5, target_modules="all-linear",
                     rank_pattern={"down_proj": 1,
                                   "layers.1.self_attn.qkv_proj": 20},
                     alpha_pattern={"o_proj": 11,
                                    "model.layers.0.mlp.gate_up_proj": 3}),
    "one projection": dict(r=3, lora_alpha=9, target_modules=["o_proj"]),
}
NAMES = {"self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output",
         "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


class Engine(phial_logits.Engine):
    def use(self, paths, scales):
        """Replaces the adapters; the session is emptied."""
        handles = []
        for path in paths:
            handle = ctypes.POINTER(_ffi.phial_adapter)()
            self.check(self.lib.phial_adapter_open(
                self.model, os.fsencode(path), ctypes.byref(handle)))
            handles.append(handle)
        kind = ctypes.POINTER(_ffi.phial_adapter) * len(handles)
        self.check(self.lib.phial_session_rewind(self.session, 0))
        self.held = []
        self.check(self.lib.phial_session_set_adapters(
            self.session, kind(*handles),
            (ctypes.c_float * len(scales))(*scales), len(handles)))
        for handle in handles:
            self.lib.phial_adapter_free(handle)


def randomise(model):
    """peft begins with B = 0."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.copy_(torch.randn_like(p) / math.sqrt(p.shape[1]))


def make_adapter(folder, config, checkpoint, seed, dtype):
    torch.manual_seed(seed)
    model = get_peft_model(load(checkpoint), LoraConfig(**config))
    randomise(model)
    model.save_pretrained(folder)
    path = os.path.join(folder, "adapter_model.safetensors")
    tensors = {k: v.to(dtype).contiguous() for k, v in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def load(checkpoint):
    return AutoModelForCausalLM.from_pretrained(
        checkpoint, torch_dtype=torch.float64,
        attn_implementation="eager").eval()


def theirs(checkpoint, folders, scales):
    """The float64 model with the adapters; a scale multiplies B."""
    model = load(checkpoint)
    for i, (folder, scale) in enumerate(zip(folders, scales)):
        name = f"adapter{i}"
        if i == 0:
            model = PeftModel.from_pretrained(model, folder, adapter_name=name)
        else:
            model.load_adapter(folder, adapter_name=name)
        with torch.no_grad():
            for key, p in model.named_parameters():
                if f"lora_B.{name}" in key:
                    p.mul_(scale)
    model.base_model.set_adapter([f"adapter{i}" for i in range(len(folders))])
    return model.double().eval()


def compare(engine, model):
    rng = random.Random(3)
    worst = 0.0
    for n in base.LENGTHS:
        tokens = [rng.randrange(256) for _ in range(n)]
        want = base.their_logits(model, tokens)
        got = np.array(engine.logits(tokens))
        worst = max(worst, ((got - want) ** 2).mean() / (want ** 2).mean())
    tokens = [rng.randrange(256) for _ in range(50)]
    same = base.greedy(engine.logits, tokens, 40) == base.greedy(
        lambda t: base.their_logits(model, t), tokens, 40)
    return worst, same


def write_gguf(folder, path):
    """As llama.cpp's convert_lora_to_gguf.py does."""
    with open(os.path.join(folder, "adapter_config.json")) as f:
        config = json.load(f)
    w = gguf.GGUFWriter(path, "phi3")
    w.add_type("adapter")
    w.add_string("adapter.type", "lora")
    w.add_float32("adapter.lora.alpha", float(config["lora_alpha"]))
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    for name, t in tensors.items():
        parts = name.removeprefix("base_model.model.model.layers.").split(".")
        which = parts[-2].lower()
        w.add_tensor(f"blk.{parts[0]}.{NAMES['.'.join(parts[1:3])]}.weight."
                     f"{which}", t.float().numpy())
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def same_bits(engine, folder, path):
    tokens = list(range(1, 70))
    logits = []
    for adapter in (folder, path):
        engine.use([adapter], [1])
        logits.append(np.array(engine.logits(tokens), np.float32).tobytes())
    return logits[0] == logits[1]


def merge(engine, checkpoint, folders, scales, path):
    """What phial_quantize() writes."""
    options = phial_logits.options(
        _ffi.phial_quantize_options, n_adapters=len(folders),
        adapters=(ctypes.c_char_p * len(folders))(*map(os.fsencode, folders)),
        adapter_scales=(ctypes.c_float * len(scales))(*scales))
    engine.check(engine.lib.phial_quantize(
        os.fsencode(checkpoint), os.fsencode(path), ctypes.byref(options)))


def merged_error(path, model):
    """The worst mean squared error over mean square of a projection."""
    want = model.merge_and_unload().state_dict()
    worst = 0.0
    for t in gguf.GGUFReader(path).tensors:
        layer, _, module = t.name.removeprefix("blk.").partition(".")
        for theirs_name, ours in NAMES.items():
            if module == ours + ".weight":
                w = want[f"model.layers.{layer}.{theirs_name}.weight"].numpy()
                got = t.data.astype(np.float64)
                worst = max(worst, ((got - w) ** 2).mean() / (w ** 2).mean())
    return worst


def merged_failures(engine, checkpoint, name, folders, scales, work):
    path = os.path.join(work, "merged.gguf")
    merge(engine, checkpoint, folders, scales, path)
    worst = merged_error(path, theirs(checkpoint, folders, scales))
    bad = not 0 < worst <= MERGED
    print(f"{name}: merged, NMSE {worst:.1e}{'  FAILED' if bad else ''}")
    return bad


def tame(model):
    """Matrices of a gain of about one, as trained ones have: with the larger
    ones of compare_transformers.py rounding to float32 grows from layer to
    layer, in ours and in torch's alike, until it hides what is compared."""
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.mul_(1 / 3)


def make_checkpoint(work, tiny_model, family, seed):
    source = os.path.join(work, "vocabulary.gguf")
    subprocess.run([tiny_model, source, family, "F32", "1"], check=True)
    vocabulary = base.make_checkpoint.Model(source)
    folder = os.path.join(work, family)
    model = base.random_model(family, len(vocabulary.tokens), seed)
    tame(model)
    model.save_pretrained(folder)
    base.make_checkpoint.write_json(
        folder, "tokenizer.json",
        base.make_checkpoint.tokenizer(vocabulary, True))
    return folder


def family_failures(options, work, family, seed):
    checkpoint = make_checkpoint(work, options.tiny_model, family, seed)
    engine = Engine(options.library, checkpoint, "f32")
    dtypes = [torch.float32, torch.float16, torch.bfloat16]
    folders, bad = [], 0
    for i, (name, config) in enumerate(CONFIGS.items()):
        folder = os.path.join(work, f"{family}-{i}")
        make_adapter(folder, config, checkpoint, i, dtypes[i % 3])
        folders.append(folder)
        engine.use([folder], [1])
        bad += base.report(f"{family} {name}",
                           *compare(engine, theirs(checkpoint, [folder], [1])))
        bad += merged_failures(engine, checkpoint, f"{family} {name}", [folder],
                               [1], work)
    pair, scales = [folders[0], folders[2]], [0.5, -0.75]
    engine.use(pair, scales)
    bad += base.report(f"{family} two with scales",
                       *compare(engine, theirs(checkpoint, pair, scales)))
    bad += merged_failures(engine, checkpoint, f"{family} two with scales", pair,
                           scales, work)
    path = os.path.join(work, family + "-lora.gguf")
    write_gguf(folders[0], path)
    if not same_bits(engine, folders[0], path):
        print(f"{family}: the GGUF file has other bits  FAILED")
        bad += 1
    engine.close()
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("tiny_model", help="tests/support's tiny-model")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as work:
        for seed, family in enumerate(base.FAMILIES):
            bad += family_failures(options, work, family, seed)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
