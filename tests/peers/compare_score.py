#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial score beside transformers' loss and llama.cpp's logits.

usage: compare_score.py PHIAL LIBPHIAL TINY_MODEL WORK_FOLDER

Small random checkpoints of each family: the mean negative log likelihood by
stride, on both sides of LongRoPE's first context, is that of transformers on
the same tokens, as Hugging Face's page on perplexity computes it, to 1e-4. The
demo model in F32: the perplexity with --windows llama is what llama-perplexity's
rule gives over llama.cpp's logits, to 1e-4 of the mean. Caches are F32.
llama.cpp is the build that compare_llama.py installs into WORK_FOLDER. Needs
torch 2.6.0, transformers 4.51.3, numpy and gguf from PyPI."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoModelForCausalLM

import compare_kl
import compare_llama
import compare_transformers
import kl_models
import phial_logits
from compare_transformers import FAMILIES, make_checkpoint

LIMIT = 1e-4
SHAPES = [(48, 24), (200, 100), (200, 200), (256, 60)]
LLAMA_CONTEXTS = [64, 256]
TEXT = os.path.join(kl_models.ROOT, "doc/numerics.md")
N_BYTES = 3000


def score(program, model, text, *options):
    out = subprocess.run(
        [program, "score", model, text, "--json", "--cache", "f32", "--bos",
         "no", *options], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


@torch.no_grad()
def their_loss(model, tokens, context, stride):
    """The mean, and of how many tokens."""
    ids = torch.tensor([tokens])
    total = count = previous = 0
    for begin in range(0, len(tokens), stride):
        end = min(begin + context, len(tokens))
        labels = ids[:, begin:end].clone()
        labels[:, :previous - begin if previous > begin else 0] = -100
        n = int((labels[:, 1:] != -100).sum())
        if n:
            loss = model(ids[:, begin:end], labels=labels, use_cache=False).loss
            total += float(loss.double()) * n
            count += n
        previous = end
        if end == len(tokens):
            return total / count, count


def report(name, ours, theirs, n, same_n):
    good = same_n and abs(ours - theirs) <= LIMIT
    print(f"{name:28} {n:5} tokens, nll {ours:.6f} and {theirs:.6f}, "
          f"difference {ours - theirs:+.1e}{'' if good else '  FAILED'}",
          flush=True)
    return not good


def against_transformers(options, work, text):
    bad = 0
    for seed, family in enumerate(FAMILIES):
        source = os.path.join(work, "vocabulary.gguf")
        subprocess.run([options.tiny_model, source, family, "F32", "1"],
                       check=True)
        vocabulary = make_checkpoint.Model(source)
        folder = os.path.join(work, family)
        compare_transformers.random_model(
            family, len(vocabulary.tokens), seed).save_pretrained(folder)
        make_checkpoint.write_json(
            folder, "tokenizer.json",
            make_checkpoint.tokenizer(vocabulary, True))
        model = AutoModelForCausalLM.from_pretrained(
            folder, torch_dtype=torch.float32,
            attn_implementation="eager").eval()
        tokens = encode(options.library, folder, text)
        for context, stride in SHAPES:
            ours = score(options.program, folder, text, "--context",
                         str(context), "--stride", str(stride))
            theirs, n = their_loss(model, tokens, context, stride)
            bad += report(f"{family} {context}/{stride}", ours["nll"], theirs,
                          n, n == ours["scored"])
    return bad


def encode(library, model, path):
    engine = phial_logits.Engine(library, model)
    with open(path, encoding="utf-8") as f:
        tokens = engine.encode(f.read())
    engine.close()
    return tokens


def llama_loss(adapter, libraries, model, tokens, context):
    """llama-perplexity's rule, without BOS."""
    chunks = [tokens[i:i + context]
              for i in range(0, len(tokens) - context + 1, context)]
    lines = "".join(" ".join(map(str, c)) + "\n" for c in chunks)
    out = subprocess.run(
        [adapter, model, libraries, str(context), "f32", "1", str(context)],
        input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    rows = np.frombuffer(out, np.float32).reshape(len(chunks), context, -1)
    nll = []
    for chunk, logits in zip(chunks, rows):
        log_p = compare_kl.log_softmax(np.float64(logits))
        nll += [-log_p[j, chunk[j + 1]]
                for j in range(context // 2, context - 1)]
    return float(np.mean(nll)), len(nll)


def against_llama(options, work, text):
    model = os.path.join(work, "demo.gguf")
    kl_models.demo(model)
    adapter, libraries = compare_llama.build_adapter(options.work)
    tokens = encode(options.library, model, text)
    engine = phial_logits.Engine(options.library, model)
    numbers = engine.describe()["hyper_parameters"]
    engine.close()
    bad = 0
    for context in LLAMA_CONTEXTS:
        rope = ("long" if numbers["longrope"] and
                numbers["original_context"] < context else "short")
        ours = score(options.program, model, text, "--windows", "llama",
                     "--context", str(context), "--rope", rope)
        theirs, n = llama_loss(adapter, libraries, model, tokens, context)
        bad += report(f"demo, llama.cpp {context}", ours["nll"], theirs, n,
                      n == ours["scored"])
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("library")
    parser.add_argument("tiny_model", help="tests/support's tiny-model")
    parser.add_argument("work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        text = os.path.join(work, "text.txt")
        with open(TEXT, "rb") as f:
            content = f.read(N_BYTES).decode("utf-8", "ignore")
        with open(text, "w", encoding="utf-8") as f:
            f.write(content)
        bad = against_transformers(options, work, text)
        bad += against_llama(options, work, text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
