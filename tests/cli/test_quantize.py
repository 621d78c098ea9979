#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial quantize: files that open and run, and no file lost or left."""
import os
import resource
import signal
import unittest

import cli_support
from cli_support import DEMO, FAILED, NO_MODEL, TINY, USAGE, Case

TYPES = ("same", "f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s",
         "q5_1", "q5_0", "q4_k_m", "q4_k_s", "q4_1", "q4_0", "iq4_nl",
         "iq4_xs", "q3_k_l", "q3_k_m", "q3_k_s", "q2_k")


def limit_file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))


class Quantize(Case):
    def path(self):
        return os.path.join(self.folder, "out.gguf")

    def quantize(self, *arguments, model=TINY):
        return self.json("quantize", model, self.path(), "-f", *arguments)

    def read(self):
        with open(self.path(), "rb") as f:
            return f.read()

    def test_every_type_runs(self):
        for kind in TYPES:
            with self.subTest(type=kind):
                done = self.quantize("--type", kind)
                self.assertEqual(done["bytes"], os.path.getsize(self.path()))
                answer = self.json("run", self.path(), "--verify", "hi", "-n",
                                   "3", "--ignore-eos")
                self.assertEqual(answer["tokens"], 3)

    @unittest.skipUnless(os.path.exists(DEMO), "no demo model")
    def test_the_demo_still_knows_sums(self):
        for kind in ("f16", "q8_0", "q6_k", "q4_k_m", "q4_0"):
            with self.subTest(type=kind):
                self.quantize("--type", kind, model=DEMO)
                self.assertEqual(self.output("run", self.path(),
                                             "What is 17 + 25?"),
                                 "17 + 25 = 42.\n")

    def test_floats_change_nothing(self):
        done = self.quantize("--type", "f32")
        self.assertAlmostEqual(done["bits_per_weight"], 32, places=2)
        self.assertEqual(self.output("run", self.path(), "hi", "-n", "9"),
                         self.output("run", TINY, "hi", "-n", "9"))

    def test_threads_do_not_change_the_file(self):
        self.quantize("-t", "1")
        first = self.read()
        self.quantize("-t", "3")
        self.assertEqual(self.read(), first)

    def test_a_tensor_may_have_a_type_of_its_own(self):
        self.quantize("--type", "q8_0", "--tensor", "*.ffn_down.weight=f16")
        types = self.json("inspect", self.path())["tensor_types"]
        self.assertIn("F16", types)
        self.assertIn("Q8_0", types)

    def test_a_file_is_not_overwritten_unasked(self):
        path = self.file("out.gguf", b"dear")
        self.fails(FAILED, "quantize", TINY, path, says=[path, "--force"])
        self.assertEqual(self.read(), b"dear")

    def test_a_full_disk_leaves_nothing(self):
        self.fails(FAILED, "quantize", TINY, self.path(), "--type", "f32",
                   says=[self.path(), "too large"],
                   preexec_fn=limit_file_size)
        self.assertEqual(os.listdir(self.folder), [])

    def test_mistakes_are_named(self):
        self.fails(FAILED, "quantize", TINY, self.path(), "--tensor",
                   "blk.99.*=q8_0", says="blk.99.*=q8_0")
        self.fails(NO_MODEL, "quantize",
                   self.file("no.gguf", b"GGUF and then nothing"),
                   self.path(), says="no.gguf")
        done = self.run_phial("quantize", TINY, self.path(), "--type", "q9")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"q4_k_m", done.stderr)
        self.assertFalse(os.path.exists(self.path()))


if __name__ == "__main__":
    cli_support.main()
