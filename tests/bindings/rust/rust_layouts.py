#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Rust and the C compiler agree on the layout of every public struct.
Argument: C compiler."""
import os
import subprocess
import sys

import rust_facts

import emit_abi
from emit_rust import identifier
from header import read_header


def main(cc):
    rust_facts.need("rustc")
    header = read_header(rust_facts.HEADER)
    facts = rust_facts.numbers(header, rust_facts.COMMITTED, identifier)
    layouts = {}
    for struct in header.structs:
        layouts[struct.name] = (facts[struct.name], {
            f.name: facts[f"{struct.name}.{f.name}"] for f in struct.fields})
    print({name: size for name, (size, _) in layouts.items()})
    return subprocess.run(
        [cc, "-std=c11", "-x", "c", "-fsyntax-only",
         "-I", os.path.join(rust_facts.ROOT, "include"), "-"],
        input=emit_abi.layout_asserts(header, layouts), text=True).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
