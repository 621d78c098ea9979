#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random small shapes against the float64 oracle: layers, ratios of heads,
head sizes, partial rotary, windows, tied and untied, odd vocabularies.

    ninja -C build tests/support/tiny-model tests/support/model-logits
    python3 tests/golden/random_shapes.py build/tests/support [COUNT [SEED]]

Fails if the NMSE of any shape with float weights exceeds 1e-11. Needs numpy
and gguf from PyPI. Not part of the test suite: fifty shapes take a minute."""
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

import oracle

FAMILIES = ["phi-4", "phi-4-mini", "phi-3.5", "phi-3-4k"]
LIMIT = 1e-11


def shape(r):
    """Arguments of tiny-model."""
    head_dim = r.choice([32, 64, 96, 128])
    kv_heads = r.choice([1, 2, 3])
    heads = kv_heads * r.choice([1, 2, 3, 4])
    rot = r.choice([head_dim, head_dim * 3 // 4, head_dim // 2])
    embd = heads * head_dim
    if r.random() < 0.2:  # a head that is not n_embd / n_heads
        embd = r.choice([40, 72, 160])
    fields = {"n_layers": r.randint(1, 4), "n_embd": embd,
              "n_ff": r.choice([48, 100, 256, 333]), "n_heads": heads,
              "n_kv_heads": kv_heads, "head_dim": head_dim, "n_rot": rot,
              "n_context": 512, "n_context_original": r.choice([16, 64, 512]),
              "window": r.choice([0, 0, 1, 5, 33, 64, 65]),
              "n_extra": r.randint(0, 9), "tied": r.randint(0, 1),
              "longrope": r.randint(0, 1),
              "rope_theta": r.choice([10000, 250000, 500000])}
    return r.choice(FAMILIES), r.choice(["F32", "F16", "BF16"]), fields


def measure(tools, path, r, number):
    family, dtype, fields = shape(r)
    arguments = [f"{k}={v}" for k, v in fields.items()]
    subprocess.run([os.path.join(tools, "tiny-model"), path, family, dtype,
                    str(number)] + arguments, check=True)
    m = oracle.Model(path)
    n = r.choice([1, 15, 64, 65, 100])
    tokens = np.array([r.randrange(len(m.embedding)) for _ in range(n)],
                      np.int32)
    long = m.longrope and n > m.original
    run = subprocess.run(
        [os.path.join(tools, "model-logits"), path,
         "long" if long else "short", "f32", str(r.choice([1, 2, 3])),
         str(r.choice([1, 7, 32, n]))],
        input=tokens.tobytes(), stdout=subprocess.PIPE, check=True)
    got = np.frombuffer(run.stdout, np.float32).reshape(n, -1)
    error = oracle.nmse(got, oracle.logits(m, tokens, long))
    print(f"{error:.1e} {family} {dtype} {n} tokens", *arguments, flush=True)
    return error


def main(tools, count=50, seed=1):
    r = random.Random(int(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        errors = [measure(tools, path, r, i) for i in range(int(count))]
    print(f"{len(errors)} shapes, largest NMSE {max(errors):.2e}, median "
          f"{np.median(errors):.2e}")
    return 0 if max(errors) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
