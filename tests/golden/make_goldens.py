#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes logits.bin: what the test of the engine compares with. Run it from
the source directory after `ninja -C build tests/support/tiny-model`:

    python3 tests/golden/make_goldens.py build/tests/support/tiny-model

Needs numpy, gguf, torch 2.6.0 and transformers 4.51.3 from PyPI. README.md
describes the file."""
import os
import subprocess
import sys
import tempfile

import numpy as np

import oracle
import records
import reference

FAMILIES = ["phi-4", "phi-4-mini", "phi-3.5", "phi-3-4k"]
LENGTHS = [1, 63, 64, 65, 66, 130]
HALVES = ["F16", "BF16"]
QUANTISED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K",
             "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
N_PROMPT, N_GREEDY = 50, 32

out = records.Records()


def make(tool, folder, family, dtype):
    path = os.path.join(folder, f"{family}-{dtype}.gguf")
    subprocess.run([tool, path, family, dtype, "1"], check=True)
    return oracle.Model(path)


def is_long(m, n):
    return m.longrope and n > m.original


def greedy(forward, prompt):
    tokens = list(prompt)
    for _ in range(N_GREEDY):
        tokens.append(int(np.argmax(forward(tokens)[-1])))
    return np.array(tokens[len(prompt):], np.int32)


def float_weights(m, family, tokens):
    theirs = reference.build(m)
    for n in LENGTHS:
        truth = oracle.logits(m, tokens[:n], is_long(m, n))
        hf = reference.logits(theirs, tokens[:n])
        print(f"{family} F32 {n}: NMSE of transformers to float64 "
              f"{oracle.nmse(hf, truth):.2e}")
        out.put(f"{family}/F32/{n}/float64", truth[-1, ::records.STEP])
        out.put(f"{family}/F32/{n}/transformers", hf[-1, ::records.STEP])
    prompt = tokens[:N_PROMPT]
    ours = greedy(lambda t: oracle.logits(m, t, is_long(m, len(t))), prompt)
    hf = greedy(lambda t: reference.logits(theirs, t), prompt)
    for kind in ("eager", "sdpa"):
        text = reference.generate(reference.build(m, kind), prompt, N_GREEDY)
        print(f"{family}: generate() with {kind} attention agrees for "
              f"{int(np.cumprod(text == hf).sum())} of {N_GREEDY} tokens")
    assert (ours == hf).all()
    out.put(f"{family}/greedy", hf)


def vectors(m, family, tokens):
    """What phial_model_embed() gives, by the oracle."""
    theirs = reference.build(m)
    for n in LENGTHS:
        states = oracle.states(m, tokens[:n], is_long(m, n))
        hf = reference.states(theirs, tokens[:n])
        print(f"{family} F32 {n}: NMSE of transformers' states to float64 "
              f"{oracle.nmse(hf, states):.2e}")
        for pool, x in (("mean", states.sum(0)), ("last", states[-1])):
            out.put(f"{family}/F32/{n}/{pool}",
                    oracle.direction(x)[::records.STEP])


def other_weights(tool, folder, family, dtype, tokens, lengths):
    m = make(tool, folder, family, dtype)
    for n in lengths:
        truth = oracle.logits(m, tokens[:n], is_long(m, n))
        out.put(f"{family}/{dtype}/{n}/float64", truth[-1, ::records.STEP])


def main(tool):
    with tempfile.TemporaryDirectory() as folder:
        for family in FAMILIES:
            m = make(tool, folder, family, "F32")
            rng = np.random.default_rng(FAMILIES.index(family))
            tokens = rng.integers(0, len(m.embedding), max(LENGTHS))
            tokens = tokens.astype(np.int32)
            out.put(f"{family}/tokens", tokens)
            float_weights(m, family, tokens)
            vectors(m, family, tokens)
            for dtype in HALVES:
                other_weights(tool, folder, family, dtype, tokens, [65])
            if family == "phi-4":
                for dtype in QUANTISED:
                    other_weights(tool, folder, family, dtype, tokens,
                                  [1, 8, 40])
    out.write("logits.bin")


if __name__ == "__main__":
    main(sys.argv[1])
