#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ctypes and the C compiler agree on the layout of every public struct.
Arguments: source root, C compiler."""
import ctypes
import os
import subprocess
import sys


def main(root, cc):
    sys.path.insert(0, os.path.join(root, "bindings/gen"))
    sys.path.insert(0, os.path.join(root, "bindings/python/phial"))
    import _ffi
    import emit_abi
    from header import read_header

    header = read_header(os.path.join(root, "include/phial/phial.h"))
    layouts = {}
    for struct in header.structs:
        kind = getattr(_ffi, struct.name)
        layouts[struct.name] = (ctypes.sizeof(kind), {
            f.name: getattr(kind, f.name).offset for f in struct.fields})
    source = emit_abi.layout_asserts(header, layouts)
    print({name: size for name, (size, _) in layouts.items()})
    return subprocess.run(
        [cc, "-std=c11", "-x", "c", "-fsyntax-only",
         "-I", os.path.join(root, "include"), "-"],
        input=source, text=True).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
