#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial embed: a vector for each line, and what is no text."""
import json
import os
import unittest

import cli_support
from cli_support import DEMO, FAILED, NO_MODEL, TINY, USAGE, Case

TEXTS = ["What is 17 + 25?", "Tell me a story about a fox.", " a \u00e9\t"]


def product(a, b):
    return sum(x * y for x, y in zip(a, b))


class Embed(Case):
    def vectors(self, texts, *arguments):
        out = self.output("embed", TINY, *arguments,
                          stdin="".join(t + "\n" for t in texts))
        return [json.loads(line) for line in out.splitlines()]

    def test_a_line_each(self):
        vectors = self.vectors(TEXTS)
        self.assertEqual(len(vectors), len(TEXTS))
        for v in vectors:
            self.assertAlmostEqual(product(v, v), 1, places=5)
        self.assertEqual(self.vectors(TEXTS[1:2]), vectors[1:2])
        self.assertNotEqual(self.vectors(TEXTS, "--pool", "last"), vectors)
        self.assertEqual(self.vectors(TEXTS, "--pool", "mean", "-t", "3"),
                         vectors)

    def test_from_a_file_as_one_object(self):
        path = self.file("texts", "\n".join(TEXTS))
        said = self.json("embed", TINY, path)
        self.assertEqual(said["pool"], "mean")
        self.assertEqual(said["embeddings"], self.vectors(TEXTS))
        self.assertEqual(said["n_embedding"], len(said["embeddings"][0]))
        last = self.json("embed", TINY, "-", "--pool", "last", stdin="a")
        self.assertEqual(last["pool"], "last")
        self.assertEqual(self.json("embed", TINY, "-")["embeddings"], [])

    def test_lines_that_are_no_texts(self):
        done = self.run_phial("embed", TINY, stdin="a\n\nb\n")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"line 2 is empty", done.stderr)
        self.assertEqual(done.stdout.count(b"\n"), 1)
        done = self.run_phial("embed", TINY, stdin="a\n" + "a b " * 2000)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"line 2: the text has", done.stderr)
        self.fails(FAILED, "embed", TINY, "/nowhere/at-all", says="cannot open")
        self.fails(NO_MODEL, "embed", "/nowhere/at-all", "-")
        self.fails(USAGE, "embed", TINY, "-", "--pool", "max", says="max")

    @unittest.skipUnless(os.path.exists(DEMO), "no demo model")
    def test_weights_of_another_type(self):
        a, b, c = (self.json("embed", DEMO, "-", *w, stdin=TEXTS[0])
                   ["embeddings"][0]
                   for w in ([], ["--weights", "q4_0"], ["--weights", "same"]))
        self.assertEqual(a, c)
        self.assertNotEqual(a, b)
        self.assertGreater(product(a, b), 0.9)


if __name__ == "__main__":
    cli_support.main()
