#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checkpoints that Hugging Face transformers save, opened by phial.

usage: compare_transformers.py LIBPHIAL TINY_MODEL [--demo FOLDER]

A small random Phi3ForCausalLM of each family, and a LlamaForCausalLM of Phi-4's
shape, saved in F32, F16 and BF16, whole and in shards, is opened as it is.
Compared with transformers on the same files are the logits behind prompts on both
sides of LongRoPE's first context (mean squared error over mean square, both in
F32), the vectors of texts beside last_hidden_state, and the tokens of a greedy
answer.
--demo: the demo model as transformers saved it (examples/demo/train.py), too.
Needs torch 2.6.0, transformers 4.51.3, numpy and gguf from PyPI."""
import argparse
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import (AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM,
                          Phi3Config, Phi3ForCausalLM)

import phial_logits

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../checkpoints"))

import make_checkpoint  # noqa: E402

LIMIT = 1e-10
LENGTHS = [1, 2, 63, 64, 65, 66, 130]
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
BASE = dict(hidden_size=96, intermediate_size=160, num_hidden_layers=2,
            max_position_embeddings=256, bos_token_id=None, eos_token_id=None,
            pad_token_id=None, original_max_position_embeddings=256)
FAMILIES = {
    "phi-4": dict(num_attention_heads=6, num_key_value_heads=2,
                  rope_theta=250000.0),
    "phi-4-mini": dict(num_attention_heads=6, num_key_value_heads=2,
                       partial_rotary_factor=0.75, tie_word_embeddings=True,
                       original_max_position_embeddings=64, longrope=6),
    "phi-3.5": dict(num_attention_heads=4, num_key_value_heads=4,
                    original_max_position_embeddings=64, longrope=12),
    "phi-3-4k": dict(num_attention_heads=4, num_key_value_heads=4,
                     sliding_window=33),
}


def random_llama(n_vocab):
    fields = {**BASE, **FAMILIES["phi-4"], "vocab_size": n_vocab}
    fields.pop("original_max_position_embeddings")
    return LlamaForCausalLM(LlamaConfig(**fields, initializer_range=0.3))


def random_phi(family, n_vocab):
    fields = {**BASE, **FAMILIES[family], "vocab_size": n_vocab}
    n = fields.pop("longrope", 0)
    if n:
        fields["rope_scaling"] = {
            "type": "longrope",
            "short_factor": [1 + 0.01 * i for i in range(n)],
            "long_factor": [1 + 0.9 * i for i in range(n)]}
    return Phi3ForCausalLM(Phi3Config(**fields, initializer_range=0.3))


def random_model(family, n_vocab, seed):
    torch.manual_seed(seed)
    model = (random_llama(n_vocab) if family == "llama"
             else random_phi(family, n_vocab))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("norm.weight"):
                p.add_(0.2 * torch.randn_like(p))
    return model


@torch.no_grad()
def their_logits(model, tokens):
    out = model(torch.tensor([tokens]), use_cache=False).logits[0, -1]
    return out.double().numpy()


@torch.no_grad()
def their_vector(model, tokens, pool):
    states = model.model(torch.tensor([tokens]),
                         use_cache=False).last_hidden_state[0].double()
    x = states.sum(0) if pool == 1 else states[-1]
    return (x / x.norm()).numpy()


def compare_vectors(engine, model):
    worst = 0.0
    for text in ("a", "A fox and " * 3, "12345, and so on. " * 9):
        tokens = list(engine.encode(text))
        for pool in (1, 2):
            want = their_vector(model, tokens, pool)
            got = np.array(engine.embed(text, pool))
            worst = max(worst, ((got - want) ** 2).sum())
    return worst


def greedy(logits, tokens, n):
    """Each token from one pass without a cache: in this version, generate()
    itself departs from that once the sequence crosses the first context."""
    tokens = list(tokens)
    for _ in range(n):
        tokens.append(int(np.argmax(logits(tokens))))
    return tokens[-n:]


def compare(library, folder):
    """The largest error, and whether the answer is the same."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, torch_dtype=torch.float32, attn_implementation="eager").eval()
    engine = phial_logits.Engine(library, folder, "f32")
    rng = random.Random(3)
    worst = 0.0
    for n in LENGTHS:
        tokens = [rng.randrange(256) for _ in range(n)]
        want = their_logits(model, tokens)
        got = np.array(engine.logits(tokens))
        worst = max(worst, ((got - want) ** 2).mean() / (want ** 2).mean())
    worst = max(worst, compare_vectors(engine, model))
    tokens = [rng.randrange(256) for _ in range(50)]
    same = greedy(engine.logits, tokens, 40) == greedy(
        lambda t: their_logits(model, t), tokens, 40)
    engine.close()
    return worst, same


def report(name, worst, same):
    good = worst <= LIMIT and same
    print(f"{name:24} error {worst:9.2e}, greedy answer "
          f"{'equal' if same else 'DIFFERS'}{'' if good else '  FAILED'}",
          flush=True)
    return not good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("tiny_model", help="tests/support's tiny-model")
    parser.add_argument("--demo")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as work:
        for seed, family in enumerate([*FAMILIES, "llama"]):
            source = os.path.join(work, "vocabulary.gguf")
            vocabulary = "phi-4" if family == "llama" else family
            subprocess.run([options.tiny_model, source, vocabulary, "F32",
                            "1"], check=True)
            vocabulary = make_checkpoint.Model(source)
            model = random_model(family, len(vocabulary.tokens), seed)
            for kind, dtype in TYPES.items():
                folder = os.path.join(work, f"{family}-{kind}")
                model.to(dtype).save_pretrained(
                    folder,
                    max_shard_size="100KB" if kind != "F32" else "1GB")
                make_checkpoint.write_json(
                    folder, "tokenizer.json",
                    make_checkpoint.tokenizer(vocabulary, True))
                bad += report(f"{family} {kind}",
                              *compare(options.library, folder))
                model = model.to(torch.float32)
    if options.demo:
        bad += report("demo", *compare(options.library, options.demo))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
