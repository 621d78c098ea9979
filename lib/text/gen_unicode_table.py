#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes unicode_table.c: the classes of text.h for every code point, from
unicodedata2 16.0.0 (PyPI), whose version is that of the Unicode data.

    pip install unicodedata2==16.0.0
    python3 gen_unicode_table.py > unicode_table.c

Why 16.0.0 and pinned: it is what all reference tokenizers hold (tiktoken
0.14.0 from PyPI, tiktoken 1.0.22 from npm, tokenizers 0.21.4 from PyPI agree
on all 1,112,064 scalar values and seven categories). A later version assigns
letters in scripts that the models never saw; taking it would change ids."""
import sys

import unicodedata2

LETTER, UPPER, LOWER, NUMBER, SPACE, BREAK = (1 << i for i in range(6))
BLOCK = 128
WHITE_SPACE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
               0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def class_of(code_point):
    category = unicodedata2.category(chr(code_point))
    bits = 0
    if category[0] == "L":
        bits |= LETTER
    if category in ("Lu", "Lt", "Lm", "Lo") or category[0] == "M":
        bits |= UPPER
    if category in ("Ll", "Lm", "Lo") or category[0] == "M":
        bits |= LOWER
    if category[0] == "N":
        bits |= NUMBER
    if code_point in WHITE_SPACE:
        bits |= SPACE
    if code_point in (0x0A, 0x0D):
        bits |= BREAK
    return bits


def rows(values, width):
    for at in range(0, len(values), width):
        yield "    " + ", ".join(map(str, values[at:at + width])) + ","


def main():
    assert unicodedata2.unidata_version == "16.0.0"
    classes = [class_of(c) for c in range(0x110000)]
    blocks, index = [], []
    for at in range(0, len(classes), BLOCK):
        block = classes[at:at + BLOCK]
        if block not in blocks:
            blocks.append(block)
        index.append(blocks.index(block))
    assert len(blocks) <= 256
    out = sys.stdout
    out.write("/* SPDX-License-Identifier: MIT\n"
              " * Character classes of Unicode 16.0.0 in two stages. Generated "
              "by\n * gen_unicode_table.py, which says why that version: do not "
              "edit. */\n"
              '#include "text/text.h"\n\n'
              "/* clang-format off */\n"
              "const uint8_t ph_unicode_index[PH_UNICODE_INDEX] = {\n")
    out.write("\n".join(rows(index, 15)))
    out.write("\n};\n\nconst uint8_t ph_unicode_blocks[][PH_UNICODE_BLOCK] = "
              "{\n")
    for block in blocks:
        out.write("{\n" + "\n".join(rows(block, 24)) + "\n},\n")
    out.write("};\n/* clang-format on */\n")


main()
