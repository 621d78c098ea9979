#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial merge: files and folders, scales, several; what a model keeps."""
import os
import subprocess

import cli_support
from cli_support import FAILED, NO_MODEL, OK, TINY, USAGE, Case

MAKE = os.environ.get("PHIAL_TINY_ADAPTER", "")
ANSWER = ("hi", "-n", "9", "--ignore-eos")


class Merge(Case):
    def setUp(self):
        super().setUp()
        self.out = self.path("out.gguf")
        self.base = self.path("base.gguf")
        self.json("quantize", TINY, self.base, "--type", "f32")

    def path(self, name):
        return os.path.join(self.folder, name)

    def adapter(self, name, seed, *options, family="phi-4-mini"):
        path = self.path(name)
        if "peft" in options:
            os.mkdir(path)
        subprocess.run([MAKE, path, family, "5", str(seed), *options],
                       check=True)
        return path

    def merge(self, *arguments, model=None):
        done = self.json("merge", model or self.base, *arguments, self.out,
                         "-f")
        self.assertEqual(done["bytes"], os.path.getsize(self.out))
        with open(self.out, "rb") as f:
            return f.read(), done

    def test_a_folder_is_a_file(self):
        file, folder = self.adapter("a.gguf", 5), self.adapter("a", 5, "peft")
        merged, done = self.merge(file)
        self.assertEqual(self.merge(folder)[0], merged)
        self.assertAlmostEqual(done["bits_per_weight"], 32, places=2)
        self.assertEqual(
            self.output("run", self.out, *ANSWER),
            self.output("run", self.base, *ANSWER, "--adapter", file))

    def test_scales_several_and_threads(self):
        a, b = self.adapter("a.gguf", 5), self.adapter("b=1.gguf", 6)
        plain = self.merge(a + "=0")[0]
        with open(self.base, "rb") as f:
            self.assertEqual(plain, f.read())
        once = self.merge(a)[0]
        self.assertEqual(self.merge(a + "=1", "-t", "1")[0], once)
        self.assertEqual(self.merge(a + "=1", "-t", "3")[0], once)
        self.assertEqual(self.merge(a, b + "=0")[0], once)
        both = self.merge(a + "=0.5", b + "=-2")[0]
        self.assertEqual(len({plain, once, both}), 3)
        self.assertEqual(
            self.output("run", self.out, *ANSWER),
            self.output("run", self.base, *ANSWER, "--adapter", a + "=0.5",
                        "--adapter", b + "=-2"))

    def test_a_type_is_that_of_the_result(self):
        a = self.adapter("a.gguf", 5)
        self.merge(a)
        other = self.path("quantised.gguf")
        self.json("quantize", self.out, other, "--type", "q4_k_m")
        with open(other, "rb") as f:
            self.assertEqual(self.merge(a, "--type", "q4_k_m")[0], f.read())
        done = self.merge(a, "--type", "q8_0", "--tensor",
                          "*.ffn_down.weight=f16")[1]
        self.assertTrue(8.5 < done["bits_per_weight"] < 16, done)
        types = self.json("inspect", self.out)["tensor_types"]
        self.assertIn("F16", types)
        self.assertIn("Q8_0", types)

    def test_a_quantised_model_needs_a_type(self):
        a, blocks = self.adapter("a.gguf", 5), self.path("blocks.gguf")
        self.json("quantize", self.base, blocks, "--type", "q8_0")
        self.fails(FAILED, "merge", blocks, a, self.out,
                   says=["quantised", ".weight", "type"])
        self.assertFalse(os.path.exists(self.out))
        self.merge(a, "--type", "f32", model=blocks)
        again = self.merge(a, "--type", "same", model=blocks)[0]
        self.assertEqual(len(again), os.path.getsize(blocks))
        self.merge(a + "=0", model=blocks)

    def test_people_are_told_the_size(self):
        text = self.output("merge", self.base, self.adapter("a.gguf", 5),
                           self.out)
        self.assertIn("32.00 bits per weight", text)

    def test_what_is_wrong_is_said(self):
        a = self.adapter("a.gguf", 5)
        other = self.adapter("other.gguf", 5, family="phi-4")
        self.fails(FAILED, "merge", self.base, other, self.out,
                   says=["other.gguf", "another model"])
        self.fails(NO_MODEL, "merge", self.base, TINY, self.out,
                   says="general.type")
        self.fails(FAILED, "merge", self.base, "/nonexistent", self.out,
                   says="/nonexistent")
        for value in (a + "=", a + "=x", a + "=1001", "=1", a + "=nan"):
            with self.subTest(value=value):
                self.fails(USAGE, "merge", self.base, value, self.out,
                           says="ADAPTER")
        self.fails(USAGE, "merge", self.base, *[a] * 17, self.out,
                   says="one argument too many")
        self.fails(USAGE, "merge", self.base, a, says="OUT.gguf")
        self.fails(USAGE, "merge", says="model")
        self.assertFalse(os.path.exists(self.out))

    def test_a_file_is_not_overwritten_unasked(self):
        a, dear = self.adapter("a.gguf", 5), self.file("dear.gguf", b"dear")
        self.fails(FAILED, "merge", self.base, a, dear, says="--force")
        done = self.run_phial("merge", self.base, a, self.base, "--force")
        self.assertEqual(done.returncode, OK, done.stderr)


if __name__ == "__main__":
    cli_support.main()
