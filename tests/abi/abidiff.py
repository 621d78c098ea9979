#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shared library against the committed description of its ABI.
Arguments: baseline XML, suppressions, shared library with debug information.

abidiff returns 0 for a real break when debug information is missing, so that
is checked first; and without --no-added-syms it fails for a mere addition."""
import shutil
import subprocess
import sys

SKIPPED = 77


def main(baseline, suppressions, shared):
    if not shutil.which("abidiff"):
        print("skipped: abidiff (abigail-tools) is not installed")
        return SKIPPED
    sections = subprocess.run(["readelf", "-S", shared], check=True,
                              capture_output=True, text=True).stdout
    if ".debug_info" not in sections:
        print("skipped: the library was built without -g")
        return SKIPPED
    return subprocess.run(["abidiff", "--no-added-syms", "--suppressions",
                           suppressions, baseline, shared]).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
