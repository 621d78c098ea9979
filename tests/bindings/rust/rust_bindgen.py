#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The committed declarations say what bindgen, which reads the header with
libclang, says of it: layouts, constants, signatures, types of fields, and
nothing left out."""
import os
import re
import subprocess
import sys
import tempfile

import rust_facts

from emit_rust import KEYWORDS, identifier
from header import read_header

# Macros, of which phial-sys writes the last by hand.
MACROS = {"PHIAL_VERSION_MAJOR", "PHIAL_VERSION_MINOR", "PHIAL_VERSION_PATCH",
          "PHIAL_NO_TOKEN"}


def bindgen(path):
    subprocess.run(
        ["bindgen", "--no-layout-tests", "--allowlist-file", r".*phial\.h",
         "-o", path, rust_facts.HEADER],
        check=True)


def spell(name):
    return f"{name}_" if name in KEYWORDS else name


def differences(kind, ours, theirs):
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name, "nothing"), theirs.get(name, "nothing")
        if a != b:
            yield f"{kind} of {name}: committed {a}, bindgen {b}"


def left_out(path, header):
    with open(path, encoding="utf-8") as f:
        named = set(re.findall(r"pub const (PHIAL_\w+)", f.read()))
    for name in sorted(named - {c.name for c in header.constants} - MACROS):
        yield f"constant {name} is not in the committed declarations"


def main():
    rust_facts.need("rustc", "bindgen")
    header = read_header(rust_facts.HEADER)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bindgen.rs")
        bindgen(path)
        ours = rust_facts.numbers(header, rust_facts.COMMITTED, identifier)
        theirs = rust_facts.numbers(header, path, spell)
        types = rust_facts.types(rust_facts.COMMITTED), rust_facts.types(path)
        bad = [*differences("number", ours, theirs),
               *differences("type", *types), *left_out(path, header)]
    print("\n".join(bad) or f"{len(ours)} numbers and {len(types[0])} types "
                            "are the same")
    functions = {f.name for f in header.functions}
    return 1 if bad or not functions <= types[0].keys() else 0


if __name__ == "__main__":
    sys.exit(main())
