#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shared library exports exactly the functions of phial.h, the static one
defines no global outside our prefixes, and neither refers to anything that can
end, print from or reconfigure somebody else's process.
Arguments: source root, shared library, static library."""
import os
import re
import subprocess
import sys

# Reachable from compiler instrumentation only, which is not ours to judge.
ALLOWED = re.compile(r"__(stack_chk|asan|ubsan|tsan|msan|sanitizer|lsan)")
FORBIDDEN = {
    "abort", "__assert_fail", "exit", "_exit", "_Exit", "quick_exit", "atexit",
    "printf", "vprintf", "puts", "putchar", "perror", "fprintf", "stdout",
    "stderr", "fputs", "fwrite", "setlocale", "uselocale", "signal",
    "sigaction", "raise", "kill", "fork", "vfork", "execve", "execvp",
    "system", "popen", "getenv", "secure_getenv", "setenv", "putenv", "chdir",
    "umask", "srand", "rand", "srandom", "random", "longjmp", "siglongjmp",
    "json_set_alloc_funcs", "json_set_alloc_funcs2", "socket", "connect",
    "dlopen",
}
LIBRARIES = {"libc.so.6", "libm.so.6", "libjansson.so.4", "libutf8proc.so.2",
             "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
             "libpthread.so.0"}


def nm(path, *flags):
    out = subprocess.run(["nm", *flags, path], check=True,
                         capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return [row for row in rows if len(row) >= 2]


def exported(shared):
    rows = nm(shared, "-D", "--defined-only")
    return sorted(row[2].split("@")[0] for row in rows
                  if len(row) == 3 and row[1] in "TDBRW")


def undefined(path):
    return {row[1].split("@")[0] for row in nm(path, "--undefined-only")
            if row[0] == "U" and not ALLOWED.search(row[1])}


def needed(shared):
    out = subprocess.run(["readelf", "-d", shared], check=True,
                         capture_output=True, text=True).stdout
    libraries = set(re.findall(r"\(NEEDED\).*\[(.*)\]", out))
    return {name for name in libraries
            if not re.match(r"lib(asan|ubsan|tsan|clang_rt)", name)}


def main(root, shared, static):
    sys.path.insert(0, os.path.join(root, "bindings/gen"))
    import emit_abi
    from header import read_header

    bad = []
    wanted = emit_abi.symbols(
        read_header(os.path.join(root, "include/phial/phial.h")))
    found = [s for s in exported(shared) if not s.startswith("PHIAL_")]
    for name in sorted(set(wanted) ^ set(found)):
        where = "header only" if name in wanted else "library only"
        bad.append(f"exported symbols: {name} is in the {where}")
    for row in nm(static, "--defined-only"):
        if len(row) == 3 and row[1] in "TDBRVWC" and not re.match(
                r"(phial|ph)_|__(odr|asan)", row[2]):
            bad.append(f"static library: global {row[2]} lacks our prefix")
    for name in sorted(undefined(shared) & FORBIDDEN):
        bad.append(f"the library refers to {name}")
    for name in sorted(needed(shared) - LIBRARIES):
        bad.append(f"the library needs {name}")
    print(f"{len(found)} symbols exported, {len(wanted)} in the header; "
          f"needs {', '.join(sorted(needed(shared)))}")
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
