#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of corpus/session, in the language of fuzz_session.c: every
state in every format as it is, and one change to each field of the header and
to each kind of data. Argument: output folder."""
import os
import struct
import sys

STATES, FORMATS, HEADER, IN_HEADER = 12, 3, 160, 0x8000
FIELDS = [0, 8, 12, 16, 24, 32, 40, 44, 48, 52, 56, 60, 64, 72, 76, 80, 84, 85,
          88, 96, 104, 112, 116, 120, 127, 128, 152]


def seed(folder, name, state, form, repair=1, cut=0, changes=()):
    data = bytes([state, form, repair, cut])
    data += b"".join(struct.pack("<HB", *c) for c in changes)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def main(folder):
    for state in range(STATES):
        for form in range(FORMATS):
            seed(folder, f"good-{state}-{form}", state, form)
    for at in FIELDS:
        for bits in 1, 0x80, 0xff:
            seed(folder, f"header-{at}-{bits}", 11, 2,
                 changes=[(IN_HEADER | at, bits)])
    for at in HEADER, HEADER + 3, 700, 760, 1200, 3000, 6000, 9000:
        seed(folder, f"data-{at}", 11, 1, changes=[(at, 0x7f)])
    for cut in 1, 8, 200:
        seed(folder, f"cut-{cut}", 8, 2, cut=cut)
    seed(folder, "long-rope", 2, 0, changes=[(IN_HEADER | 48, 1)])


main(sys.argv[1])
