#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial imatrix, and quantize --imatrix: a file that helps, and none left
behind."""
import os
import struct
import unittest

import cli_support
from cli_support import DEMO, FAILED, NO_MODEL, TINY, USAGE, Case

TEXT = "A fox met an owl. They had tea.\n" * 9


class Imatrix(Case):
    def matrix(self, *arguments, model=TINY, name="i.gguf", text=TEXT):
        path = os.path.join(self.folder, name)
        self.output("imatrix", model, self.file("text", text), "-o", path,
                    "-f", *arguments)
        return path

    def quantize(self, *arguments, model=TINY):
        path = os.path.join(self.folder, "out.gguf")
        self.output("quantize", model, path, "-f", *arguments)
        return path

    def read(self, path):
        with open(path, "rb") as f:
            return f.read()

    def test_threads_do_not_change_the_file(self):
        first = self.read(self.matrix("-t", "1"))
        self.assertEqual(self.read(self.matrix("-t", "3")), first)
        self.assertNotEqual(self.read(self.matrix("-c", "16")), first)
        self.assertNotEqual(
            self.read(self.matrix("-c", "16", "--chunks", "1")),
            self.read(self.matrix("-c", "16")))

    def test_the_file_is_as_llama_imatrix_writes_it(self):
        data = self.read(self.matrix())
        for name in (b"general.type", b"imatrix.datasets",
                     b"imatrix.chunk_count", b"imatrix.chunk_size",
                     b"blk.0.attn_qkv.weight.in_sum2",
                     b"blk.0.attn_output.weight.counts",
                     b"blk.1.ffn_up.weight.in_sum2",
                     b"blk.1.ffn_down.weight.counts"):
            self.assertEqual(data.count(struct.pack("<Q", len(name)) + name),
                             1, name)

    def test_from_standard_input_as_one_object(self):
        path = os.path.join(self.folder, "i.gguf")
        done = self.json("imatrix", TINY, "-", "-o", path, stdin=TEXT)
        self.assertEqual(done["file"], path)
        self.assertGreaterEqual(done["seconds"], 0)
        from_file = self.read(self.matrix(name="j.gguf"))
        self.assertEqual(len(self.read(path)) // 64, len(from_file) // 64)

    def test_the_quantiser_heeds_it(self):
        matrix = self.matrix()
        plain = self.read(self.quantize("--type", "q4_0"))
        self.assertNotIn(b"quantize.imatrix", plain)
        path = self.quantize("--type", "q4_0", "--imatrix", matrix)
        heeded = self.read(path)
        self.assertIn(b"quantize.imatrix.entries_count", heeded)
        self.assertNotEqual(heeded[-4096:], plain[-4096:])
        self.assertEqual(self.json("run", path, "--verify", "hi", "-n", "3",
                                   "--ignore-eos")["tokens"], 3)
        self.assertEqual(self.read(self.quantize("--type", "q4_0")), plain)

    @unittest.skipUnless(os.path.exists(DEMO), "no demo model")
    def test_few_bits_lose_less_with_it(self):
        stories = "".join(
            f"<|user|>Tell me a story about {who}.<|end|><|assistant|>"
            for who in ("an owl named Greta", "a fox", "a mouse and a lantern")
        ) + "<|user|>What is 17 + 25?<|end|><|assistant|>17 + 25 = 42.<|end|>"
        matrix = self.matrix("--special", model=DEMO, text=stories)
        text = self.file("other", stories.replace("fox", "bear"))
        lost = [self.json("score", self.quantize("--type", "q2_k", *more,
                                                 model=DEMO), text,
                          "--special", "--reference", DEMO)["reference"]["kl"]
                for more in ([], ["--imatrix", matrix])]
        self.assertLess(lost[1], lost[0])

    def test_a_file_is_not_overwritten_unasked(self):
        path = self.file("i.gguf", b"dear")
        self.fails(FAILED, "imatrix", TINY, self.file("text", TEXT), "-o",
                   path, says=[path, "--force"])
        self.assertEqual(self.read(path), b"dear")

    def test_mistakes_are_named(self):
        path = os.path.join(self.folder, "i.gguf")
        text = self.file("text", TEXT)
        self.fails(USAGE, "imatrix", TINY, says="text is missing")
        self.fails(USAGE, "imatrix", TINY, text, says="--output")
        self.fails(FAILED, "imatrix", TINY, "/nowhere/at-all", "-o", path,
                   says="cannot open")
        self.fails(NO_MODEL, "imatrix", "/nowhere/at-all", text, "-o", path)
        self.fails(FAILED, "imatrix", TINY, self.file("none", ""), "-o", path,
                   says="text is empty")
        self.fails(FAILED, "imatrix", TINY, text, "-o", path, "-c", "1",
                   says="n_context is 1")
        self.assertFalse(os.path.exists(path))

    def test_what_is_no_matrix_is_named(self):
        out = os.path.join(self.folder, "out.gguf")
        old = self.file("old.dat", struct.pack("<ii", 1, 21)
                        + b"blk.0.ffn_down.weight" + bytes(64))
        for path, says in ((old, "old format (.dat)"),
                           (TINY, "expected \"imatrix\""),
                           ("/nowhere/at-all", "/nowhere/at-all")):
            done = self.run_phial("quantize", TINY, out, "--imatrix", path)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(says.encode(), done.stderr)
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    cli_support.main()
