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
import random
import subprocess
import sys
import tempfile

import gguf
import numpy as np

import compare_llama
import kl_models
import phial_logits
from kl_models import ROOT, oracle

sys.path.insert(0, os.path.join(ROOT, "examples/demo"))

import conversations  # noqa: E402

CONTROL = "F32"
TYPES = {CONTROL: "ALL_F32",
         "Q4_0": "MOSTLY_Q4_0", "Q4_1": "MOSTLY_Q4_1", "Q5_0": "MOSTLY_Q5_0",
         "Q5_1": "MOSTLY_Q5_1", "Q8_0": "MOSTLY_Q8_0", "Q2_K": "MOSTLY_Q2_K",
         "Q3_K": "MOSTLY_Q3_K_M", "Q4_K": "MOSTLY_Q4_K_M",
         "Q5_K": "MOSTLY_Q5_K_M", "Q6_K": "MOSTLY_Q6_K",
         "IQ4_NL": "MOSTLY_IQ4_NL", "IQ4_XS": "MOSTLY_IQ4_XS"}
CONTEXT, LENGTH = 256, 48  # of a session, and of a prompt
N_PLAIN = 1504  # the demo's vocabulary less its control tokens
SIGMAS = 3.0


class Peer:
    """Logits after every token, from one process for each model."""

    def __init__(self, name, adapter, libraries, batch):
        self.name = f"{name} {1 if batch == 1 else 'n'}"
        self.adapter, self.libraries, self.batch = adapter, libraries, batch

    def logits(self, path, prompts):
        lines = "".join(" ".join(map(str, p)) + "\n" for p in prompts)
        out = subprocess.run(
            [self.adapter, path, self.libraries, str(CONTEXT), "f32", "1",
             str(self.batch)],
            input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
        return by_prompt(np.frombuffer(out, np.float32), prompts)


class Phial:
    name = "phial"

    def __init__(self, library):
        self.library = library

    def logits(self, path, prompts):
        rope, _ = compare_llama.matching(self.library, path, "f32")
        engine = phial_logits.Engine(self.library, path, "f32", CONTEXT, rope)
        rows = [np.array(engine.logits(prompt[:i + 1]), np.float32)
                for prompt in prompts for i in range(len(prompt))]
        engine.close()
        return by_prompt(np.array(rows), prompts)


def by_prompt(logits, prompts):
    ends = np.cumsum([len(p) for p in prompts])
    return np.split(logits.reshape(ends[-1], -1), ends[:-1])


def build_quantizer(work):
    headers, libraries = compare_llama.install(work)
    tool = os.path.join(work, "llama_quantize")
    compare_llama.compile_tool("llama_quantize.c", tool, headers, libraries)
    return tool


def build_peers(work, ik):
    found = [("llama.cpp", *compare_llama.build_adapter(work))]
    if ik:
        adapter = os.path.join(work, "ik_logits")
        libraries = os.path.join(ik, "lib")
        compare_llama.compile_tool("llama_logits.c", adapter,
                                   [os.path.join(ik, "include")], libraries)
        found.append(("ik_llama", adapter, libraries))
    return [Peer(*peer, batch) for peer in found for batch in (1, CONTEXT)]


def random_prompts(count):
    rng = random.Random(1)
    return [[rng.randrange(N_PLAIN) for _ in range(LENGTH)]
            for _ in range(count)]


def demo_prompts(library, count):
    """Conversations of the kind that the demo learned, and a fourth noise."""
    engine = phial_logits.Engine(library, kl_models.DEMO)
    talks = conversations.stream(7, conversations.shares_at(0.85))
    prompts = random_prompts(count // 4)
    while len(prompts) < count:
        pieces = conversations.segments(next(talks))
        prompt = engine.encode("".join(text for text, _, _ in pieces))
        prompts += [prompt[:LENGTH]] if len(prompt) >= LENGTH else []
    engine.close()
    return prompts


def divergences(reference, logits):
    """Mean KL of each prompt."""
    out = []
    for want, got in zip(reference, logits):
        p, q = log_softmax(want), log_softmax(np.float64(got))
        out.append((np.exp(p) * (p - q)).sum(-1).mean())
    return np.array(out)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def standard_error(x):
    return x.std(ddof=1) / math.sqrt(len(x))


def quantized(tool, source, target, kind):
    """Writes the file and sees that every matrix has the type."""
    number = int(gguf.LlamaFileType[TYPES[kind]])
    subprocess.run([tool, source, target, str(number), "1"], check=True)
    for tensor in gguf.GGUFReader(target).tensors:
        if len(tensor.shape) > 1 and tensor.tensor_type.name != kind:
            raise RuntimeError(f"{tensor.name} is {tensor.tensor_type.name}")


def compare(engines, path, prompts):
    """[engine][prompt], and the mean entropy of the reference."""
    model = oracle.Model(path)
    reference = [oracle.logits(model, prompt) for prompt in prompts]
    entropy = np.mean([kl_models.entropy(r) for r in reference])
    return [divergences(reference, engine.logits(path, prompts))
            for engine in engines], entropy


def log_ratios(results):
    """Of ours to each peer's, with standard errors: [peer][2]."""
    ours = results[0]
    return np.array([[math.log(ours.mean() / peer.mean()),
                      standard_error(ours - peer)
                      / math.sqrt(ours.mean() * peer.mean())]
                     for peer in results[1:]])


def verdict(kind, ratios):
    """What to print of the ratio to the best peer, and whether ours is
    worse."""
    ratio, error = max(ratios, key=lambda row: row[0])
    worse = kind != CONTROL and ratio > SIGMAS * error
    note = "control" if kind == CONTROL else "worse" if worse else ""
    return (f"{math.exp(ratio):6.3f} {ratio:+7.3f} +- {error:.3f} {note}"
            .rstrip(), worse)


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
        text, worse = verdict(kind, found[kind])
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
        text, worse = verdict(kind, mean)
        bad += worse
        total += [mean[:, 0]] if kind != CONTROL else []
        print(f"{kind:7} " + " ".join(f"{math.exp(x):11.3f}" for x, _ in mean)
              + "  " + text)
    if total:
        print("mean    " + " ".join(f"{math.exp(x):11.3f}"
                                    for x in np.mean(total, 0)))
    return bad


def write_floats(path, name, library, count):
    """The model in F32. Returns its prompts."""
    if name != "demo":
        kl_models.planted(path, name)
        print(f"\nrandom model, {name}: {kl_models.describe(name)}")
        return random_prompts(count)
    moved = kl_models.demo(path)
    print("\ndemo model, written so that every peer can read it: in float64 "
          f"logits move by {moved:.0e} at most")
    return demo_prompts(library, count)


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
    engines = [Phial(options.library), *build_peers(options.work, options.ik)]
    tables, bad = [], 0
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for name in options.models.split(","):
            source = os.path.join(folder, name)
            prompts = write_floats(source, name, options.library,
                                   options.prompts)
            found, worse = table(engines, tool, source, prompts, kinds)
            tables.append(found)
            bad += worse
    bad += summary([e.name for e in engines[1:]], tables, kinds)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
