#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Goes on with a text: complete_text.py MODEL TEXT"""
import sys

import phial


def main(path, text):
    with phial.Model(path) as model, model.session() as session:
        print(text + session.complete(text, max_tokens=40))


if __name__ == "__main__":
    main(*sys.argv[1:])
