#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The files of phial quantize beside those of llama.cpp's quantiser.

usage: compare_quantizer.py PHIAL LIBPHIAL WORK_FOLDER [--prompts N]
                            [--types q4_k_m,...] [--models demo,...]
                            [--imatrix CHARACTERS]

For every type, on the demo model and on random models with planted outliers
(kl_models.py), all from F32: the mean Kullback-Leibler divergence KL(before ||
after) of the next token's distribution, in nats. Before is the float64 forward
pass (tests/golden/oracle.py) over the F32 weights, after the same over what the
blocks of the new file dequantise to: what is measured is the weights alone.
Every tensor has the same type in both files. "ratio" is ours to theirs, "log ratio" its
logarithm with the standard error; prompts are common, and differences are
paired. The last table has the means over the models. Fails if ours is worse by
more than three standard errors of that mean.

With --imatrix both quantisers are given the same importance matrix, which
phial imatrix makes of so many characters of conversations drawn apart from the
prompts.

On the demo model llama.cpp reads our files, and the greedy continuations of both
engines are compared. Where they part, "gap" is the difference of the two logits
in float64 over the same weights, positive where ours is the better token,
beside the root mean square of each engine's own errors of a logit: activations
are rounded to 8 bits. Fails if we take the lesser one at a gap of more than five
times the error of a difference. llama.cpp is the build that compare_llama.py
installs into WORK_FOLDER. Needs numpy and gguf from PyPI."""
import argparse
import math
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np

import compare_llama
import kl_models
import phial_logits
from kl_engines import CONTEXT, Peer, build_quantizer
from kl_measures import divergences, log_ratios, verdict
from kl_models import oracle
from kl_prompts import conversation_text, write_floats

LENGTH = 48   # of a prompt
GREEDY = 24   # tokens of a continuation
STARTS = 8    # continuations of each type, from this many tokens
BEGIN = 24
NEAR = 5.0    # times the engines' errors

TYPES = {"f16": "MOSTLY_F16", "bf16": "MOSTLY_BF16", "q8_0": "MOSTLY_Q8_0",
         "q6_k": "MOSTLY_Q6_K", "q5_k_m": "MOSTLY_Q5_K_M",
         "q5_k_s": "MOSTLY_Q5_K_S", "q5_1": "MOSTLY_Q5_1",
         "q5_0": "MOSTLY_Q5_0", "q4_k_m": "MOSTLY_Q4_K_M",
         "q4_k_s": "MOSTLY_Q4_K_S", "q4_1": "MOSTLY_Q4_1",
         "q4_0": "MOSTLY_Q4_0", "iq4_nl": "MOSTLY_IQ4_NL",
         "iq4_xs": "MOSTLY_IQ4_XS", "q3_k_l": "MOSTLY_Q3_K_L",
         "q3_k_m": "MOSTLY_Q3_K_M", "q3_k_s": "MOSTLY_Q3_K_S",
         "q2_k": "MOSTLY_Q2_K"}


def shapes(path):
    return {t.name: (t.tensor_type.name, tuple(t.shape))
            for t in gguf.GGUFReader(path).tensors}


def write_matrix(options, source):
    """The path of an importance matrix of the model."""
    text, matrix = source + ".txt", source + ".imatrix"
    with open(text, "w", encoding="utf-8") as f:
        f.write(conversation_text(options.imatrix))
    subprocess.run([options.program, "imatrix", source, text, "--special",
                    "-o", matrix, "--force"], check=True,
                   stdout=subprocess.DEVNULL)
    return matrix


def write_both(options, tool, source, kind, matrix):
    """Paths of our file and theirs. Their tensors are told to have the types
    of ours: which mixes its names stand for has changed over time."""
    ours, theirs = source + ".ours", source + ".theirs"
    subprocess.run([options.program, "quantize", source, ours, "--type", kind,
                    "--force", *(["--imatrix", matrix] if matrix else [])],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([tool, source, theirs,
                    str(int(gguf.LlamaFileType[TYPES[kind]])), "2", ours,
                    *([matrix] if matrix else [])], check=True)
    if shapes(ours) != shapes(theirs):
        raise RuntimeError(f"{kind}: the types of tensors differ")
    return ours, theirs


def errors(got, want):
    """Root mean square of what is not common to all tokens of a row."""
    error = np.float64(got) - want
    return float(np.sqrt(error.var(-1).mean()))


def continued(options, path, prompts):
    """Prompts with our greedy continuations, all logits, and where each
    continuation begins."""
    rope, _ = compare_llama.matching(options.library, path, "f32")
    engine = phial_logits.Engine(options.library, path, "f32", CONTEXT, rope,
                                 n_threads=1)
    texts, rows = [], []
    for prompt in prompts:
        tokens, found = list(prompt), []
        for _ in range(GREEDY):
            found.append(engine.logits(tokens))
            tokens.append(compare_llama.best(found[-1]))
        texts.append(tokens[:-1])
        rows.append(np.array(found, np.float32))
    engine.close()
    return texts, rows


def same_text(options, peer, path, prompts):
    """Prints what the engines continue with. Returns whether ours is wrong."""
    texts, ours = continued(options, path,
                            [p[:BEGIN] for p in prompts[:STARTS]])
    theirs = [rows[BEGIN - 1:] for rows in peer.logits(path, texts)]
    model = oracle.Model(path)
    exact = [oracle.logits(model, text)[BEGIN - 1:] for text in texts]
    sizes = [errors(np.concatenate(rows), np.concatenate(exact))
             for rows in (ours, theirs)]
    gaps = []
    for mine, their, want in zip(ours, theirs, exact):
        a, b = mine.argmax(-1), their.argmax(-1)
        parted = np.flatnonzero(a != b)
        if len(parted):
            at = parted[0]
            gaps.append(float(want[at, a[at]] - want[at, b[at]]))
    wrong = any(gap < -NEAR * math.sqrt(2) * max(sizes) for gap in gaps)
    print(f"        greedy: {len(texts) - len(gaps)} of {len(texts)} the "
          "same, errors of logits "
          + " and ".join(f"{size:.1e}" for size in sizes)
          + ("; gaps " + " ".join(f"{g:+.1e}" for g in gaps) if gaps else "")
          + (" WRONG" if wrong else ""), flush=True)
    return wrong


def table(options, tool, peer, name, folder):
    """Prints all types of one model. Returns {type: log ratio}, and whether
    one of our continuations is wrong."""
    source = os.path.join(folder, name)
    prompts = write_floats(source, name, options.library, options.prompts,
                           LENGTH)
    matrix = write_matrix(options, source) if options.imatrix else None
    model = oracle.Model(source)
    before = [oracle.logits(model, prompt) for prompt in prompts]
    print("type         ours      theirs   ratio log ratio")
    found, wrong = {}, False
    for kind in options.types.split(","):
        files = write_both(options, tool, source, kind, matrix)
        results = []
        for path in files:
            model = oracle.Model(path)
            results.append(divergences(
                before, [oracle.logits(model, prompt) for prompt in prompts]))
        found[kind] = log_ratios(results)
        text, _ = verdict(found[kind], True)
        print(f"{kind:7} " + " ".join(f"{r.mean():11.3e}" for r in results)
              + " " + text.replace("control", ""), flush=True)
        if name == "demo":
            wrong |= same_text(options, peer, files[0], prompts)
        for path in files:
            os.remove(path)
    return found, wrong


def summary(tables, kinds):
    """Over all models. Returns how many types are worse."""
    print("\nall models: ratio of ours to theirs, geometric mean")
    bad = 0
    for kind in kinds:
        rows = np.array([found[kind] for found in tables])
        mean = np.stack([rows[:, :, 0].mean(0),
                         np.sqrt((rows[:, :, 1] ** 2).sum(0)) / len(rows)], 1)
        text, worse = verdict(mean)
        bad += worse
        print(f"{kind:7} {text}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("library")
    parser.add_argument("work")
    parser.add_argument("--prompts", type=int, default=64, help="per model")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--models",
                        default=",".join(["demo", *kl_models.RANDOM]))
    parser.add_argument("--imatrix", type=int, default=0,
                        metavar="CHARACTERS")
    options = parser.parse_args()
    tool = build_quantizer(options.work)
    peer = Peer("llama.cpp", *compare_llama.build_adapter(options.work), 1)
    tables, wrong = [], False
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for name in options.models.split(","):
            found, bad = table(options, tool, peer, name, folder)
            tables.append(found)
            wrong |= bad
    worse = summary(tables, options.types.split(","))
    return 1 if worse or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
