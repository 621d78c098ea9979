#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What quantised inference costs beside llama.cpp and ik_llama.cpp.

usage: compare_kl.py LIBPHIAL WORK_FOLDER [--ik DIR] [--prompts N]
                     [--types Q4_K,...] [--models demo,...]

The mean Kullback-Leibler divergence KL(float64 || engine) of the next token's
distribution, for each quantised type, on the demo model and on random models
with planted outliers (kl_models.py). llama.cpp's quantiser writes every matrix
in the type. The float64 forward pass (tests/golden/oracle.py) has the
dequantised weights of the very same file: what is measured is the arithmetic
of the engine, its rounding of activations above all. F32 weights come first as
a control: they show how far apart the engines are otherwise.

llama.cpp is the build that compare_llama.py installs into WORK_FOLDER; DIR is
a build of ik_llama.cpp, headers in DIR/include and libraries in DIR/lib. Peers
may compute a token by itself ("1") and a prompt at once ("n") in different
ways: both are measured, and the better counts. Ours has the same bits either
way. Caches are F32, but for ik_llama.cpp's values, which it can only have in
float16; the control's divergence is what that costs.

"ratio" is ours to the best peer's, and "log ratio" its logarithm with the
standard error: prompts are common, and differences are paired. The last table
has the mean logarithm over the models. Fails if ours is worse by more than
three standard errors in any row. It is three because there are sixty rows,
each against the best of four, and equals fail some of them at two by chance.
Needs numpy and gguf from PyPI.
"""
import argparse
import math
import os
import sys
import tempfile

import numpy as np

import kl_models
from kl_engines import (CONTEXT, Peer, Phial, build_adapters,
                        build_quantizer)
from kl_measures import divergences, log_ratios, verdict
from kl_models import oracle
from kl_prompts import CONTROL, TYPES, quantized, write_floats

LENGTH = 48  # of a prompt


def compare(engines, path, prompts):
    """[engine][prompt], and the mean entropy of the reference."""
    model = oracle.Model(path)
    reference = [oracle.logits(model, prompt) for prompt in prompts]
    entropy = np.mean([kl_models.entropy(r) for r in reference])
    return [divergences(reference, engine.logits(path, prompts))
            for engine in engines], entropy


def table(engines, tool, source, prompts, kinds):
    """Prints all types of one model. Returns {type: log ratios}, and how many
    are worse."""
    print(f"{sum(map(len, prompts))} positions of {len(prompts)} prompts, KL "
          "and entropy in nats")
    print("type   entropy " + " ".join(f"{e.name:>11}" for e in engines)
          + "   ratio log ratio", flush=True)
    found, bad = {}, 0
    for kind in kinds:
        target = source + "." + kind
        quantized(tool, source, target, kind)
        results, entropy = compare(engines, target, prompts)
        os.remove(target)
        found[kind] = log_ratios(results)
        text, worse = verdict(found[kind], kind == CONTROL)
        bad += worse
        print(f"{kind:7} {entropy:6.2f} "
              + " ".join(f"{r.mean():11.3e}" for r in results) + " " + text,
              flush=True)
    return found, bad


def summary(names, tables, kinds):
    """Over all models, the ratio to each peer and to the best. Returns how
    many types are worse."""
    print("\nall models: ratio of ours to each, geometric mean")
    print("type    " + " ".join(f"{name:>11}" for name in names)
          + "    best log ratio")
    bad, total = 0, []
    for kind in kinds:
        rows = np.array([found[kind] for found in tables])
        mean = np.stack([rows[:, :, 0].mean(0),
                         np.sqrt((rows[:, :, 1] ** 2).sum(0)) / len(rows)], 1)
        text, worse = verdict(mean, kind == CONTROL)
        bad += worse
        total += [mean[:, 0]] if kind != CONTROL else []
        print(f"{kind:7} " + " ".join(f"{math.exp(x):11.3f}" for x, _ in mean)
              + "  " + text)
    if total:
        print("mean    " + " ".join(f"{math.exp(x):11.3f}"
                                    for x in np.mean(total, 0)))
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("work")
    parser.add_argument("--ik", help="a build of ik_llama.cpp")
    parser.add_argument("--prompts", type=int, default=64, help="per model")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--models",
                        default=",".join(["demo", *kl_models.RANDOM]))
    options = parser.parse_args()
    kinds = options.types.split(",")
    tool = build_quantizer(options.work)
    engines = [Phial(options.library),
               *(Peer(*built, batch)
                 for built in build_adapters(options.work, options.ik)
                 for batch in (1, CONTEXT))]
    tables, bad = [], 0
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for name in options.models.split(","):
            source = os.path.join(folder, name)
            prompts = write_floats(source, name, options.library,
                                   options.prompts, LENGTH)
            found, worse = table(engines, tool, source, prompts, kinds)
            tables.append(found)
            bad += worse
    bad += summary([e.name for e in engines[1:]], tables, kinds)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
