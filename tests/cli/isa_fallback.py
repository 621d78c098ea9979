#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Processors without AVX-512 or without AVX, emulated by qemu-user, which ends
a program at an instruction that the processor lacks: the kernels' tests pass,
the program answers as it does here, and asking for what is missing is refused.
Arguments: phial, test-kernels, a model. Exit status 77 without qemu."""
import json
import os
import shutil
import subprocess
import sys

QEMU = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
PORTABLE, AVX2, AVX512 = 1, 2, 3  # PHIAL_ISA_*
PROCESSORS = {  # and their instruction sets
    "Nehalem": {PORTABLE},
    "Haswell": {PORTABLE, AVX2},
}
NAMES = {AVX2: "avx2", AVX512: "avx512"}
CASES = ["golden", "matmul", "elementwise", "rope"]
SKIPPED = 77


def run(*command, **env):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, CK_TIMEOUT_MULTIPLIER="20", **env))
    # What the processor has and the emulator lacks.
    errors = [line for line in done.stderr.decode().splitlines()
              if "TCG doesn't support" not in line]
    return done.returncode, done.stdout.decode(), "\n".join(errors)


def check(what, condition, *details):
    print("ok" if condition else "FAILED", what)
    if not condition:
        sys.exit("\n".join(map(str, details)))


def answer(*command):
    status, out, errors = run(*command, "--json", "-n", "16", "Hello")
    check("an answer", status == 0, status, errors)
    return json.loads(out)["text"]


def main(phial, test_kernels, model):
    if not QEMU:
        print("skipped: no qemu-x86_64")
        return SKIPPED
    here = answer(phial, "run", model)
    for processor, sets in PROCESSORS.items():
        emulate = [QEMU, "-cpu", processor]
        print(f"== {processor}", flush=True)
        _, out, _ = run(*emulate, phial, "version", "--json")
        tiers = json.loads(out)["cpu_tiers"]
        check("instruction sets", tiers == sum(1 << i for i in sets), tiers)
        there = answer(*emulate, phial, "run", model)
        check("the same answer", there == here, there, here)
        for case in CASES:
            status, out, errors = run(*emulate, test_kernels,
                                      PHIAL_TEST_ISA="best", CK_RUN_CASE=case)
            check(case, status == 0, status, out, errors)
        for isa in NAMES.keys() - sets:
            name = NAMES[isa]
            status, _, _ = run(*emulate, test_kernels, PHIAL_TEST_ISA=name)
            check(f"no {name} kernels", status == SKIPPED, status)
            status, _, errors = run(*emulate, phial, "run", "--isa", name,
                                    model, "Hello")
            check(f"--isa {name} is refused", status > 0 and "does not have" in errors, status, errors)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
