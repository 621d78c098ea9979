#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Encoding speed against tiktoken, and time on text without a break.

    bench.py TOOL DIRECTORY [ROUNDS]

TOOL is tokenize-time; DIRECTORY is what fetch_vocab.py filled. The same text
goes to both in turns, one thread each; the best round counts, in processor
time. Texts: English (the help texts of this Python), code (its library), and
words of eleven languages in random order."""
import os
import pathlib
import random
import subprocess
import sys
import sysconfig
import tempfile
import time

import generate
import references

SIZE = 2_000_000


def texts():
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    code = "".join(p.read_text(errors="replace")
                   for p in sorted(library.glob("*.py")))
    topics = {}
    source = (library / "pydoc_data" / "topics.py").read_text()
    exec(source, topics)  # one dictionary of the Python distribution
    english = "".join(v for _, v in sorted(topics["topics"].items()))
    rng = random.Random(1)
    words = generate.TEXT.split()
    many = "".join(rng.choice(words) + rng.choice("    \n.,")
                   for _ in range(SIZE // 8))
    return {"English": english[:SIZE], "code": code[:SIZE],
            "many languages": many[:SIZE]}


class Ours:
    def __init__(self, tool, path):
        self.process = subprocess.Popen([tool, path], text=True,
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.load_ms = int(self.process.stdout.readline()) / 1e6

    def encode(self, path):
        """(bytes, tokens, seconds)"""
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        n, tokens, ns = map(int, self.process.stdout.readline().split())
        return n, tokens, ns / 1e9


def best(ours, other, path, text, rounds):
    mine = theirs = float("inf")
    for _ in range(rounds):
        size, tokens, seconds = ours.encode(path)
        mine = min(mine, seconds)
        start = time.thread_time()
        ids = other(text)
        theirs = min(theirs, time.thread_time() - start)
        assert len(ids) == tokens
    return size / mine / 1e6, size / theirs / 1e6


def no_break(ours, name, folder):
    path = os.path.join(folder, "long")
    for unit in ("a", " ", "ab", "的", "1", "\n"):
        seconds = []
        for size in (1 << 20, 2 << 20, 10_000_000):
            with open(path, "w", encoding="utf-8") as f:
                f.write(unit * (size // len(unit.encode())))
            seconds.append(min(ours.encode(path)[2] for _ in range(2)))
        print(f"{name}: {unit!r} repeated: 1 MiB {seconds[0]:.3f} s, 2 MiB "
              f"{seconds[1] / seconds[0]:.2f} times that, 10 MB "
              f"{seconds[2]:.2f} s")


def main(tool, directory, rounds=5):
    with tempfile.TemporaryDirectory() as folder:
        cases = texts()
        for name, text in cases.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        for name, build in (("phi-4", references.phi4),
                            ("phi-4-mini", references.phi4_mini),
                            ("phi-3", references.phi3)):
            tiktoken, _, hf = build(directory)
            ours = Ours(tool, os.path.join(directory, name + ".gguf"))
            other = tiktoken.encode_ordinary if tiktoken else (
                lambda text: hf.encode(text, add_special_tokens=False).ids)
            what = "tiktoken" if tiktoken else "tokenizers"
            print(f"{name}: loaded in {ours.load_ms:.0f} ms")
            for case, text in cases.items():
                a, b = best(ours, other, os.path.join(folder, case), text,
                            int(rounds))
                print(f"{name}: {case}: {a:.1f} MB/s, {what} {b:.1f} MB/s, "
                      f"{a / b:.2f} times as fast", flush=True)
            no_break(ours, name, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
