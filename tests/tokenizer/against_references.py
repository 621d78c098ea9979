#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The quick comparison of compare.py as a test: fetches the vocabularies if
they are not there, and is skipped where the references are not installed
(tests/requirements.txt) or no registry can be reached.

    against_references.py TOOL DIRECTORY VECTORS"""
import importlib.util
import os
import subprocess
import sys

import fetch_vocab

SKIPPED = 77
HERE = os.path.dirname(os.path.abspath(__file__))


def main(tool, directory, vectors):
    for package in ("tiktoken", "tokenizers"):
        if not importlib.util.find_spec(package):
            print(f"skipped: {package} is not installed")
            return SKIPPED
    try:
        fetch_vocab.main(directory)
    except OSError as error:
        print(f"skipped: no vocabularies: {error}")
        return SKIPPED
    return subprocess.run(
        [sys.executable, os.path.join(HERE, "compare.py"), tool, directory,
         "--strings", "5000", "--vectors", vectors]).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
