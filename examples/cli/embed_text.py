#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files as C arrays, each by its name: a_file.c becomes a_file_c.
usage: embed_text.py OUT.c IN..."""
import os
import sys


def array(path):
    with open(path, "rb") as f:
        data = f.read()
    name = os.path.basename(path).replace(".", "_")
    rows = [", ".join(map(str, data[i:i + 16])) + ",\n"
            for i in range(0, len(data), 16)]
    return (f"extern const char {name}[];\n"
            f"const char {name}[] = {{\n{''.join(rows)}0}};\n")


def main(out, *sources):
    with open(out, "w", encoding="ascii") as f:
        f.writelines(map(array, sources))


if __name__ == "__main__":
    main(*sys.argv[1:])
