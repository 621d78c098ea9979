#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dequantisation bit for bit against the gguf package (PyPI), for blocks of
random bytes of every type. Arguments: the tool, and the number of blocks of
each type (4096). All NaNs count as equal. Exit status 77 without the package."""
import subprocess
import sys

try:
    import gguf
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K",
         "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
CHUNK = 16384  # blocks


def expected(blocks, kind):
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(
            gguf.quants.dequantize(blocks, kind), dtype=np.float32).ravel()


def ours(tool, blocks, kind):
    run = subprocess.run([tool, str(int(kind))], input=blocks.tobytes(),
                         stdout=subprocess.PIPE, check=True)
    return np.frombuffer(run.stdout, dtype=np.float32)


def differences(got, want):
    same = got.view(np.uint32) == want.view(np.uint32)
    return int(np.count_nonzero(~(same | (np.isnan(got) & np.isnan(want)))))


def main(tool, count=4096):
    rng = np.random.default_rng(20240229)
    bad = 0
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        wrong = elements = 0
        for start in range(0, count, CHUNK):
            n = min(CHUNK, count - start)
            blocks = rng.integers(0, 256, (n, size), dtype=np.uint8)
            if name == "F32":  # the package wants floats as floats
                want = blocks.view(np.float32).ravel()
            elif name == "F16":
                want = blocks.view(np.float16).astype(np.float32).ravel()
            else:
                want = expected(blocks, kind)
            got = ours(tool, blocks, kind)
            if got.size != want.size:
                sys.exit(f"{name}: {got.size} elements, not {want.size}")
            wrong += differences(got, want)
            elements += got.size
        print(f"{name:7} {count} blocks, {elements} elements, "
              f"{wrong} different")
        bad += wrong
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
