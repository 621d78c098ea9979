# SPDX-License-Identifier: MIT
"""Engines that give logits after every token of prompts, for compare_kl.py and
compare_cache.py: Phial, and builds of llama.cpp and ik_llama.cpp."""
import os
import subprocess

import numpy as np

import compare_llama
import phial_logits

CONTEXT = compare_llama.CONTEXT  # of a session, and the longest prompt


class Peer:
    """One process for each model and cache; computes batch tokens at a time.
    flash: the caches that are read by flash attention; settings: of the
    environment; halves: in its F32 cache values are F16."""

    def __init__(self, name, adapter, libraries, batch, flash=(),
                 settings=None, halves=False):
        self.name = f"{name} {1 if batch == 1 else 'n'}"
        self.adapter, self.libraries, self.batch = adapter, libraries, batch
        self.flash, self.settings = flash, settings or {}
        self.halves = halves

    def logits(self, path, prompts, cache="f32"):
        lines = "".join(" ".join(map(str, p)) + "\n" for p in prompts)
        out = subprocess.run(
            [self.adapter, path, self.libraries, str(CONTEXT), cache, "1",
             str(self.batch), *(["flash"] if cache in self.flash else [])],
            input=lines.encode(), stdout=subprocess.PIPE, check=True,
            env={**os.environ, **self.settings}).stdout
        return by_prompt(np.frombuffer(out, np.float32), prompts)


class Phial:
    name, halves = "phial", False

    def __init__(self, library):
        self.library = library

    def logits(self, path, prompts, cache="f32"):
        rope, _ = compare_llama.matching(self.library, path, cache)
        engine = phial_logits.Engine(self.library, path, cache, CONTEXT, rope)
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


def build_adapters(work, ik):
    """[(name, adapter, libraries)]; ik: a build of ik_llama.cpp, or None."""
    found = [("llama.cpp", *compare_llama.build_adapter(work))]
    if ik:
        adapter = os.path.join(work, "ik_logits")
        libraries = os.path.join(ik, "lib")
        compare_llama.compile_tool("llama_logits.c", adapter,
                                   [os.path.join(ik, "include")], libraries)
        found.append(("ik_llama", adapter, libraries))
    return found
