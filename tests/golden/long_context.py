#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Phial at the full context of the real models, 131 072 tokens, against the
float64 oracle, and what it says of its memory against what it takes.

    ninja -C build all tests/support/tiny-model
    python3 tests/golden/long_context.py build [--length N] [--caches f32,q8]
                                         [--memory MODEL.gguf]

The model has one layer, so that float64 needs the last row of attention alone,
two heads, and Phi-4-mini's contexts. Its queries and keys are large enough for
some keys to stand out among all. For every cache format the logits behind 4096
to N tokens are compared with float64; short factors are tried as well, to see
that the measure notices. Then everything is read again with other numbers of
threads, other chunks, and factors fixed to the long ones: each logit must have
the same bits.

Memory is compared, in processes of their own, between phial_estimate(),
phial_model_get_memory() with phial_session_get_memory(), and the resident set,
for that model, for a wider one, and for others that are named.

Fails if an NMSE exceeds its limit, a bit differs, or estimate and session
disagree; the resident set is reported. Needs numpy and gguf from PyPI, and some
minutes."""
import argparse
import ctypes
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../peers"))

import kl_models  # noqa: E402
import phial_logits  # noqa: E402

AUTO, LONG = 0, 2  # PHIAL_ROPE_*
LENGTHS = [4096, 16384, 32768, 65536, 131072]
LIMITS = {"f32": 1e-11, "f16": 2e-6, "q8": 5e-4}  # as in the test of the engine
# Threads, tokens in a pass, factors: the first is compared with float64.
WAYS = [(2, 512, AUTO), (1, 64, LONG), (8, 509, AUTO)]
SHAPE = dict(n_layers=1, n_embd=64, n_ff=64, n_heads=2, n_kv_heads=1,
             n_context=131072, n_context_original=4096)
WIDE = dict(n_layers=4, n_embd=1024, n_ff=2048, n_heads=8, n_kv_heads=8,
            head_dim=128, n_rot=96, n_context=8192, n_context_original=4096)
SHARPNESS = 1.4  # of queries and keys; of their products the square


def write(build, path, kind, shape):
    subprocess.run([os.path.join(build, "tests/support/tiny-model"), path,
                    "phi-4-mini", kind, "1",
                    *(f"{key}={value}" for key, value in shape.items())],
                   check=True)


def sharpen(source, path):
    fields, tensors = kl_models.read(source)
    name = "blk.0.attn_norm.weight"
    tensors[name] = tensors[name] * SHARPNESS
    kl_models.write(path, fields, tensors)


def run(build, path, cache, way, tokens, lengths):
    """[length][vocabulary]"""
    n_threads, chunk, rope = way
    begin = time.monotonic()
    engine = phial_logits.Engine(library(build), path, cache, rope=rope,
                                 n_threads=n_threads, n_prefill=chunk)
    logits = [np.array(engine.logits(tokens[:n]), np.float32) for n in lengths]
    engine.close()
    print(f"# {cache}: {lengths[-1]} tokens, {n_threads} threads, {chunk} at a "
          f"time, factors {rope}: {time.monotonic() - begin:.0f} s", flush=True)
    return logits


def library(build):
    return os.path.join(build, "lib/libphial.so")


def truths(path, tokens, lengths):
    """{(length, long): logits} of float64, with either kind of factors."""
    m = oracle.Model(path)
    return {(n, long): oracle.logits(m, tokens[:n], long, last=True)[-1]
            for n in lengths for long in (False, True)}


def accuracy(build, path, cache, tokens, lengths, truth):
    """Prints the errors. Returns how many things are wrong."""
    first = run(build, path, cache, WAYS[0], tokens, lengths)
    bad = 0
    for n, got in zip(lengths, first):
        long = n > SHAPE["n_context_original"]
        error = oracle.nmse(got, truth[n, long])
        other = oracle.nmse(got, truth[n, not long])
        bad += error > LIMITS[cache]
        print(f"{cache}: {n:6} keys: NMSE {error:.2e} to float64, {other:.0e} "
              "to float64 with the other factors"
              + (" TOO LARGE" if error > LIMITS[cache] else ""), flush=True)
    for way in WAYS[1:]:
        again = run(build, path, cache, way, tokens, lengths)
        for n, a, b in zip(lengths, first, again):
            if way[2] == LONG and n <= SHAPE["n_context_original"]:
                error = oracle.nmse(b, truth[n, True])
                bad += error > LIMITS[cache]
                print(f"{cache}: {n:6} keys: NMSE {error:.2e} with long "
                      "factors")
            elif a.tobytes() != b.tobytes():
                bad += 1
                print(f"{cache}: {n} keys: other bits with {way}")
    return bad


def resident():
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(build, path, cache, tokens):
    """Bytes: (estimate, model, session), and how much the process grew. What is
    loaded once, and is no model, is loaded before."""
    engine = phial_logits.Engine(library(build), path, cache, n_context=64)
    engine.logits(tokens[:64])
    engine.close()
    array = (ctypes.c_int32 * len(tokens))(*tokens)
    left = ctypes.c_size_t()
    ctypes.CDLL(None).malloc_trim(0)
    before = resident()
    engine = phial_logits.Engine(library(build), path, cache, rope=LONG,
                                 n_context=len(tokens))
    engine.check(engine.lib.phial_session_add_tokens(engine.session, array,
                                                     len(tokens)))
    engine.check(engine.lib.phial_session_prefill(engine.session, len(tokens),
                                                  ctypes.byref(left)))
    grown = resident() - before
    return [{key: getattr(m, key) for key in
             ("weights", "cache", "cache_max", "scratch")}
            for m in engine.memory()], grown


def memory(build, path, what, cache, tokens):
    """Prints a row. Returns how many things are wrong."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (estimate, model, session), grown = pool.apply(
            measure, (build, path, cache, tokens))
    bad = (estimate["weights"] != model["weights"]
           or estimate["cache_max"] != session["cache_max"]
           or session["cache"] != session["cache_max"]
           or estimate["scratch"] != session["scratch"])
    total = model["weights"] + session["cache"] + session["scratch"]
    print(f"{what:16} {cache:5} {len(tokens):6} {model['weights']:10} "
          f"{session['cache']:10} {session['scratch']:9} {total:10} "
          f"{grown:10} {100 * (grown / total - 1):+6.2f} %"
          + (f"  ESTIMATED {estimate}" if bad else ""), flush=True)
    return bad


def memories(build, path, tokens, folder, options):
    print("model            cache tokens    weights      cache   scratch "
          "     total   resident difference", flush=True)
    bad, caches = 0, options.caches.split(",")
    for cache in caches:
        bad += memory(build, path, "one layer F32", cache, tokens)
    for kind in ("F32", "Q8_0", "Q4_K"):
        wide = os.path.join(folder, kind)
        write(build, wide, kind, WIDE)
        for cache in caches:
            bad += memory(build, wide, f"wide {kind}", cache, tokens[:4096])
        os.remove(wide)
    for model in options.memory:
        bad += memory(build, model, os.path.basename(model), caches[-1],
                      tokens[:256])
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--length", type=int, default=LENGTHS[-1])
    parser.add_argument("--caches", default="f32,f16,q8")
    parser.add_argument("--memory", action="append", default=[])
    options = parser.parse_args()
    lengths = [n for n in LENGTHS if n <= options.length]
    tokens = np.random.default_rng(1).integers(0, 300, lengths[-1]).tolist()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        write(options.build, path + ".plain", "F32", SHAPE)
        sharpen(path + ".plain", path)
        truth = truths(path, tokens, lengths)
        for cache in options.caches.split(","):
            bad += accuracy(options.build, path, cache, tokens, lengths,
                            truth)
        bad += memories(options.build, path, tokens, folder, options)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
