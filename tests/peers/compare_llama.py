#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Phial beside llama.cpp on the same files: greedy tokens and logits.

usage: compare_llama.py LIBPHIAL WORK_FOLDER MODEL.gguf...

The llama.cpp build is npm's node-llama-cpp, which ships libraries and the
sources they were built from; it is installed into WORK_FOLDER, with an adapter
compiled there. Nothing of it is kept in the repository. For each model: the
relative squared difference (NMSE) and the Kullback-Leibler divergence of the
logits after random prompts, and whether the greedy continuations agree; where
they part, how far apart our two best logits are there.

llama.cpp picks LongRoPE factors by the size of its context, at least 256, and
has no sliding window for this architecture. So ours are fixed to the factors
that it takes, and prompts stay inside a window.
"""
import argparse
import glob
import math
import os
import random
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import phial_logits  # noqa: E402

PACKAGE = "node-llama-cpp@3.22.1"
CONTEXT, LONGEST, GREEDY = 256, 48, 16
ROPE_SHORT, ROPE_LONG = 1, 2


def run(*command, **options):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


def install(folder):
    """Installs the peer once and returns (headers' folders, libraries)."""
    os.makedirs(folder, exist_ok=True)
    package = os.path.join(folder, "node_modules/node-llama-cpp")
    if not os.path.isdir(package):
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
            "--prefix", folder, PACKAGE)
    sources = os.path.join(folder, "sources")
    if not os.path.isdir(sources):
        run("git", "clone", "-q",
            os.path.join(package, "llama/gitRelease.bundle"), sources)
    libraries = os.path.join(
        folder, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
    return ([os.path.join(sources, "include"),
             os.path.join(sources, "ggml/include")], libraries)


def compile_tool(source, target, headers, libraries):
    """One of the C files here, with the libraries that the folder has."""
    shared = [path for pattern in
              ("libllama.*so", "libggml.*so", "libggml-base.so")
              for path in glob.glob(os.path.join(libraries, pattern))]
    run("gcc", "-O2", os.path.join(HERE, source), "-o", target,
        *("-I" + folder for folder in headers), *shared,
        "-Wl,-rpath," + os.path.abspath(libraries))


def build_adapter(folder):
    """(adapter, libraries)"""
    headers, libraries = install(folder)
    adapter = os.path.join(folder, "llama_logits")
    compile_tool("llama_logits.c", adapter, headers, libraries)
    return adapter, libraries


class Peer:
    """One process that answers prompts with logits."""

    def __init__(self, adapter, libraries, model, n_context, cache, n_vocab):
        self.bytes = 4 * n_vocab
        self.process = subprocess.Popen(
            [adapter, model, libraries, str(n_context), cache, "2"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def logits(self, tokens):
        line = " ".join(map(str, tokens)) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        data = self.process.stdout.read(self.bytes)
        if len(data) != self.bytes:
            raise RuntimeError("the peer gave up")
        return struct.unpack(f"{self.bytes // 4}f", data)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def nmse(a, b):
    return (sum((x - y) ** 2 for x, y in zip(a, b)) /
            sum(x * x for x in a))


def log_softmax(logits):
    top = max(logits)
    total = math.log(sum(math.exp(x - top) for x in logits)) + top
    return [x - total for x in logits]


def divergence(a, b):
    p, q = log_softmax(a), log_softmax(b)
    return sum(math.exp(x) * (x - y) for x, y in zip(p, q))


def best(logits):
    return max(range(len(logits)), key=lambda i: (logits[i], -i))


def continuation(ours, peer, prompt, count):
    """Tokens on which both agree, and the gap between our two best logits
    where they first do not."""
    tokens = list(prompt)
    for step in range(count):
        logits = ours.logits(tokens)
        mine, theirs = best(logits), best(peer.logits(tokens))
        if mine != theirs:
            return step, logits[mine] - logits[theirs]
        tokens.append(mine)
    return count, 0.0


def matching(library, model, cache):
    """Context of the peer, our rotary factors, and the longest prompt."""
    probe = phial_logits.Engine(library, model, cache)
    numbers = probe.describe()["hyper_parameters"]
    probe.close()
    rope = ROPE_LONG if (numbers["longrope"] and
                         numbers["original_context"] < CONTEXT) else ROPE_SHORT
    window = numbers["sliding_window"]
    room = min(window or CONTEXT, CONTEXT) - GREEDY
    return rope if numbers["longrope"] else 0, min(room, LONGEST)


def prompts_for(ours, longest, options):
    if options.prompt:
        return [ours.encode(text) for text in options.prompt]
    rng = random.Random(1)
    return [[rng.randrange(256) for _ in range(rng.randint(1, longest))]
            for _ in range(options.prompts)]


def compare(library, adapter, libraries, model, options):
    rope, longest = matching(library, model, options.cache)
    ours = phial_logits.Engine(library, model, options.cache, CONTEXT, rope)
    peer = Peer(adapter, libraries, model, CONTEXT, options.cache,
                ours.n_vocab)
    errors, kls, agreed, gaps = [], [], 0, []
    for prompt in prompts_for(ours, longest, options):
        a, b = ours.logits(prompt), peer.logits(prompt)
        errors.append(nmse(a, b))
        kls.append(divergence(a, b))
        same, gap = continuation(ours, peer, prompt, GREEDY)
        agreed += same == GREEDY
        gaps += [gap] if same < GREEDY else []
    peer.close()
    ours.close()
    print(f"{os.path.basename(model):30} NMSE mean "
          f"{sum(errors) / len(errors):.2e} max {max(errors):.2e}  "
          f"KL mean {sum(kls) / len(kls):.2e} max {max(kls):.2e}  "
          f"same {GREEDY} greedy tokens {agreed}/{len(kls)}"
          + (f", parted at gaps up to {max(gaps):.1e}" if gaps else ""),
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("work")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--prompts", type=int, default=20,
                        help="how many random prompts")
    parser.add_argument("--prompt", action="append",
                        help="a text instead, control tokens recognised")
    parser.add_argument("--cache", choices=["f32", "f16"], default="f32")
    options = parser.parse_args()
    adapter, libraries = build_adapter(options.work)
    for model in options.models:
        compare(options.library, adapter, libraries, model, options)


if __name__ == "__main__":
    main()
