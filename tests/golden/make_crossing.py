#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes crossing.bin: logits on both sides of the LongRoPE switch of the real
models, at 4096 tokens. Run it from the source directory after
`ninja -C build tests/api/tiny-crossing.gguf`:

    python3 tests/golden/make_crossing.py build/tests/api/tiny-crossing.gguf

Needs what make_goldens.py needs. README.md describes the file."""
import sys

import numpy as np

import oracle
import records
import reference

LENGTHS = [4095, 4096, 4097, 4160]
FIRST, END = 10, 210  # tokens that may be generated


def main(path):
    m = oracle.Model(path)
    assert m.original == 4096 and m.longrope
    theirs = reference.build(m)
    out = records.Records()
    rng = np.random.default_rng(4096)
    tokens = rng.integers(FIRST, END, max(LENGTHS) + 1).astype(np.int32)
    out.put("tokens", tokens)
    for n in LENGTHS:
        long = n > m.original
        truth, other = (oracle.logits(m, tokens[:n], factors, last=True)[-1]
                        for factors in (long, not long))
        hf = reference.logits(theirs, tokens[:n])[-1]
        print(f"{n} tokens: NMSE to float64 of transformers "
              f"{oracle.nmse(hf, truth):.2e}, of float64 with the other "
              f"factors {oracle.nmse(other, truth):.2e}")
        out.put(f"{n}/float64", truth[::records.STEP])
        out.put(f"{n}/other", other[::records.STEP])
        out.put(f"{n}/transformers", hf[::records.STEP])
    out.write("crossing.bin")


if __name__ == "__main__":
    main(sys.argv[1])
