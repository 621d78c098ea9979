#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a text once and keeps what was computed in a file; later runs go on
from that: resume_session.py MODEL FILE TEXT QUESTION"""
import os
import sys

import phial


def main(path, file, text, question):
    with phial.Model(path) as model, model.session() as session:
        if os.path.exists(file):
            session.load(file)
        else:
            session.set_chat([{"role": "system", "content": text}])
            session.prefill()
            session.save(file)
        print(session.complete([{"role": "system", "content": text},
                                {"role": "user", "content": question}]))
        print(f"{session.stats.n_prompt} tokens were read")


if __name__ == "__main__":
    main(*sys.argv[1:])
