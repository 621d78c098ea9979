#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes lib/api/phial-0.abi.xml, what abidiff.py compares with: the ABI of a
library that has phial.h's functions and nothing else, so that no internal type
gets into the description. Run once for each new ABI, never to make a
complaint of abidiff go away. Argument: source root."""
import os
import subprocess
import sys
import tempfile


def stub(header, c_type):
    lines = ["#include <phial/phial.h>"]
    for f in header.functions:
        params = ", ".join(f"{c_type(p.type)} {p.name}" for p in f.params)
        lines.append(f"{c_type(f.result)} {f.name}({params or 'void'}) {{")
        lines += [f"    (void){p.name};" for p in f.params]
        if c_type(f.result) != "void":
            lines.append("    return 0;")
        lines.append("}")
    return "\n".join(lines) + "\n"


def main(root):
    sys.path.insert(0, os.path.join(root, "bindings/gen"))
    import emit_abi
    from header import read_header

    header = read_header(os.path.join(root, "include/phial/phial.h"))
    out = os.path.join(root, "lib/api/phial-0.abi.xml")
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "libphial.so")
        subprocess.run(
            ["gcc", "-g", "-shared", "-fPIC", "-x", "c", "-",
             "-I", os.path.join(root, "include"), "-o", library,
             "-Wl,-soname,libphial.so.0",
             "-Wl,--version-script=" + os.path.join(root,
                                                    "lib/api/phial.map")],
            input=stub(header, emit_abi.c_type), text=True, check=True)
        subprocess.run(["abidw", "--no-corpus-path", "--no-show-locs",
                        "--no-comp-dir-path", "--out-file", out, library],
                       check=True)
    print("wrote", out)


if __name__ == "__main__":
    main(sys.argv[1])
