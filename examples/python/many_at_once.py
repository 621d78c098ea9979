#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Answers several questions side by side, with one pass over the weights for a
token of each: many_at_once.py MODEL QUESTION..."""
import sys

import phial


def main(path, *questions):
    answers = [""] * len(questions)
    with phial.Model(path) as model:
        turns = [model.session().generate([{"role": "user", "content": q}])
                 for q in questions]
        for index, piece in phial.together(*turns):
            answers[index] += piece
    for question, answer in zip(questions, answers):
        print(f"> {question}\n{answer}")


if __name__ == "__main__":
    main(*sys.argv[1:])
