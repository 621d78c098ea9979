#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What 8-bit and 16-bit caches cost beside llama.cpp and ik_llama.cpp.

usage: compare_cache.py LIBPHIAL WORK_FOLDER [--ik DIR] [--prompts N]
                        [--types F32,Q8_0] [--models demo,...]

The mean Kullback-Leibler divergence of the next token's distribution with a
smaller cache from that with the same engine's F32 cache, over the same file and
prompts of 256 tokens: "own" in the tables. And from the float64 forward pass
(tests/golden/oracle.py), whose first row, with the F32 cache, tells how much of
the others is not the cache's. Models, peers and prompts are those of
compare_kl.py; short conversations are joined.

The peers run with flash attention, which llama.cpp needs for 8-bit values, and
take keys and values as q8_0: 32 elements to a 16-bit scale. llama.cpp rotates
heads by Hadamard matrices before, as ours does; "unrotated" is with
LLAMA_ATTN_ROT_DISABLE=1. ik_llama.cpp does so if told to, and is told to. Their
F32 caches are read without flash attention, which has no more than F16: in
llama.cpp it rounds them, and ik_llama.cpp refuses. Of ik_llama.cpp it is keys
alone that are F32, so that its F16 has no "own" to be compared with. Ours has
a scale for each token and head. A token computed by itself ("1") and a prompt
at once ("n") are both measured, and the best peer counts.

Weights: F32, where nothing but the cache is rounded, and Q8_0, where the
rounding of activations makes every pass chaotic: there a change of the last bit
is amplified to about the same divergence as any other, and "own" measures that.

Fails if ours is worse than the best peer by more than three standard errors:
with F32 weights in any row, with others in those of Q8 caches against float64.
Needs numpy and gguf from PyPI.
"""
import argparse
import os
import sys
import tempfile

import kl_models
from kl_engines import (CONTEXT, Peer, Phial, build_adapters,
                        build_quantizer)
from kl_measures import divergences, log_ratios, verdict
from kl_models import oracle
from kl_prompts import CONTROL, quantized, write_floats

LENGTH = CONTEXT  # of a prompt
CACHES = ["f32", "f16", "q8"]
FLASH = CACHES[1:]  # those that peers read by flash attention


def build_engines(options):
    llama, *others = build_adapters(options.work, options.ik)
    engines = [Phial(options.library)]
    for batch in (1, CONTEXT):
        engines.append(Peer(*llama, batch, flash=FLASH))
    engines.append(Peer("unrotated", *llama[1:], CONTEXT, flash=FLASH,
                        settings={"LLAMA_ATTN_ROT_DISABLE": "1"}))
    for ik in others:
        engines += [Peer(*ik, batch, flash=FLASH, halves=True)
                    for batch in (1, CONTEXT)]
    return engines


def measure(engines, path, prompts):
    """{(cache, reference): [engine][prompt]}"""
    model = oracle.Model(path)
    truth = [oracle.logits(model, prompt) for prompt in prompts]
    found = {}
    for engine in engines:
        own = None
        for cache in CACHES:
            got = engine.logits(path, prompts, cache)
            if own is None:
                own = got
            else:
                found.setdefault((cache, "own"), []).append(
                    divergences(own, got))
            found.setdefault((cache, "float64"), []).append(
                divergences(truth, got))
    return found


def is_judged(kind, cache, reference):
    if cache == "f32":
        return False
    return kind == CONTROL or (cache == "q8" and reference == "float64")


def rows(engines, found, kind):
    """Prints them; returns how many are worse."""
    bad = 0
    for cache, reference in sorted(found, key=lambda key: (key[1], key[0])):
        results = found[cache, reference]
        hidden = [engine.halves and (cache, reference) == ("f16", "own")
                  for engine in engines]
        text, worse = verdict(
            log_ratios([r for r, no in zip(results, hidden) if not no]),
            not is_judged(kind, cache, reference))
        bad += worse
        print(f"{kind:7} {cache:5} {reference:7} "
              + " ".join(f"{'-':>11}" if no else f"{r.mean():11.3e}"
                         for r, no in zip(results, hidden)) + " " + text,
              flush=True)
    return bad


def table(engines, tool, source, prompts, kinds):
    print(f"{sum(map(len, prompts))} positions of {len(prompts)} prompts, KL "
          "in nats")
    print("weights cache from    "
          + " ".join(f"{e.name:>11}" for e in engines) + "   ratio log ratio",
          flush=True)
    bad = 0
    for kind in kinds:
        target = source + "." + kind
        quantized(tool, source, target, kind)
        bad += rows(engines, measure(engines, target, prompts), kind)
        os.remove(target)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("work")
    parser.add_argument("--ik", help="a build of ik_llama.cpp")
    parser.add_argument("--prompts", type=int, default=16, help="per model")
    parser.add_argument("--types", default="F32,Q8_0")
    parser.add_argument("--models",
                        default=",".join(["demo", *kl_models.RANDOM]))
    options = parser.parse_args()
    tool = build_quantizer(options.work)
    engines = build_engines(options)
    bad = 0
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for name in options.models.split(","):
            source = os.path.join(folder, name)
            prompts = write_floats(source, name, options.library,
                                   options.prompts, LENGTH, joined=True)
            bad += table(engines, tool, source, prompts,
                         options.types.split(","))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
