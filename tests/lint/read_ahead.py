#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""That what the sources of the kernels ask memory for is still in their
objects. GCC drops calls of functions that do nothing but prefetch, where it has
not inlined them before it looks for functions without effect.
Arguments: source root, archive of the library."""
import pathlib
import re
import subprocess
import sys

ASKS = re.compile(r"\b(_mm_prefetch|__builtin_prefetch|read_lines\w*)\s*\(")
INSTRUCTION = re.compile(r"\s(prefetch\w+|prfu?m)\s")


def asking(kernels):
    return {path.name for path in kernels.glob("*.c")
            if ASKS.search(path.read_text())}


def prefetches(archive):
    """By source file, the number of prefetch instructions."""
    out = subprocess.run(["objdump", "-d", "--no-show-raw-insn", archive],
                         check=True, capture_output=True, text=True).stdout
    counts, name = {}, None
    for line in out.splitlines():
        member = re.match(r"(?:.*[/(])?kernels_(\w+\.c)\.o\)?:\s+file format", line)
        if member:
            name = member.group(1)
            counts[name] = 0
        elif name and INSTRUCTION.search(line):
            counts[name] += 1
    return counts


def main():
    root, archive = pathlib.Path(sys.argv[1]), sys.argv[2]
    sources = asking(root / "lib" / "kernels")
    counts = prefetches(archive)
    lost = sorted(n for n in sources & counts.keys() if counts[n] == 0)
    for name in lost:
        print(f"{name} asks for memory ahead, its object does not")
    checked = sorted(n for n in sources & counts.keys() if counts[n] > 0)
    print("prefetches:", ", ".join(f"{n} {counts[n]}" for n in checked))
    return 1 if lost or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
