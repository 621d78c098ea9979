#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A file as a C array. usage: embed_text.py NAME IN OUT.c"""
import sys


def main(name, source, out):
    with open(source, "rb") as f:
        data = f.read()
    rows = [", ".join(map(str, data[i:i + 16])) + ",\n"
            for i in range(0, len(data), 16)]
    with open(out, "w", encoding="ascii") as f:
        f.write(f"extern const char {name}[];\n"
                f"const char {name}[] = {{\n{''.join(rows)}0}};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
