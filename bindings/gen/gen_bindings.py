#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes everything that is derived from include/phial/phial.h: bindings,
symbols, and the functions in the page libphial(3).

  gen_bindings.py            rewrite the generated files; refuses a header that
                             breaks a fact of lib/api/phial.abi
  gen_bindings.py --check    fail if one of them is not current
  gen_bindings.py --new-abi  begin a new ABI: accept broken facts. Only with a
                             new minor version before 1.0, a new soname after
"""
import os
import re
import sys

import emit_abi
import emit_man
import emit_python
import emit_rust
from header import HERE, read_header

ROOT = os.path.dirname(os.path.dirname(HERE))
HEADER = os.path.join(ROOT, "include/phial/phial.h")
ABI = os.path.join(ROOT, "lib/api/phial.abi")
PAGE = os.path.join(ROOT, "lib/api/libphial.3")
EXAMPLE = os.path.join(ROOT, "examples/hello.c")


def version_node():
    """Until 1.0 each minor version is an ABI of its own."""
    with open(HEADER, encoding="utf-8") as f:
        text = f.read()
    major, minor = (re.search(rf"PHIAL_VERSION_{part} (\d+)", text).group(1)
                    for part in ("MAJOR", "MINOR"))
    return f"PHIAL_{major}.{minor}"


def outputs(header):
    return {
        "bindings/python/phial/_ffi.py": emit_python.emit(header),
        "bindings/rust/phial-sys/src/ffi.rs": emit_rust.emit(header),
        "lib/api/libphial.3": emit_man.emit(read(PAGE), read(HEADER),
                                            read(EXAMPLE)),
        "lib/api/phial.map": emit_abi.version_script(header, version_node()),
        "lib/api/phial.abi": "\n".join(emit_abi.dump(header)) + "\n",
    }


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def refuse_broken(header):
    bad = emit_abi.broken(read(ABI).splitlines(), emit_abi.dump(header))
    if bad:
        sys.exit("\n".join(f"broken: {fact}" for fact in bad))


def check(header):
    stale = [path for path, text in outputs(header).items()
             if read(os.path.join(ROOT, path)) != text]
    if stale:
        sys.exit("\n".join(f"{path} is not current: run "
                           "bindings/gen/gen_bindings.py" for path in stale))


def write(header):
    for path, text in outputs(header).items():
        full = os.path.join(ROOT, path)
        if read(full) == text:
            continue
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        print("wrote", path)


def main(arguments):
    header = read_header(HEADER)
    if arguments != ["--new-abi"]:
        refuse_broken(header)
    if arguments == ["--check"]:
        check(header)
    elif arguments in ([], ["--new-abi"]):
        write(header)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
