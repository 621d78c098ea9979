#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial synth: random models that open and run, and no file lost or left."""
import os
import resource
import signal
import subprocess
import time

import cli_support
from cli_support import FAILED, Case

SHAPES = ("tiny", "tiny-phi-4", "tiny-phi-3")
TYPES = ("q4_k_m", "q4_k_s", "q4_0", "q5_k_m", "q6_k", "q8_0", "iq4_xs",
         "bf16", "f16")


def limit_file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))


class Synth(Case):
    def path(self, name="out.gguf"):
        return os.path.join(self.folder, name)

    def synth(self, *arguments, shape="tiny"):
        return self.json("synth", self.path(), "-f", "--shape", shape,
                         *arguments)

    def read(self):
        with open(self.path(), "rb") as f:
            return f.read()

    def test_every_shape_and_type_runs(self):
        for shape in SHAPES:
            for kind in TYPES:
                with self.subTest(shape=shape, type=kind):
                    done = self.synth("--type", kind, shape=shape)
                    self.assertEqual(done["bytes"],
                                     os.path.getsize(self.path()))
                    answer = self.json("run", self.path(), "--verify", "hi",
                                       "-n", "3", "--ignore-eos")
                    self.assertEqual(answer["tokens"], 3)

    def test_the_totals_are_what_the_library_finds(self):
        done = self.synth("--untied", "--full-rotary", "--layers", "3")
        found = self.json("inspect", self.path())
        numbers = found["hyper_parameters"]
        self.assertEqual(done["parameters"], found["parameters"])
        self.assertEqual(numbers["layers"], 3)
        self.assertEqual(numbers["rotary_dimension"],
                         numbers["head_dimension"])
        self.assertFalse(numbers["tied_embedding"])

    def test_a_mix_has_its_formats_where_real_files_have_them(self):
        self.synth("--layers", "8")
        types = {name: entry["tensors"] for name, entry in
                 self.json("inspect", self.path())["tensor_types"].items()}
        # 8 of attn_qkv; the head, and ffn_down of layers 0, 3, 6 and 7
        self.assertEqual(types, {"F32": 19, "Q5_K": 8, "Q6_K": 5, "Q4_K": 20})

    def test_text_survives_the_vocabulary(self):
        text = "the quick brown fox, naïve 12!"
        for shape in SHAPES:
            self.synth(shape=shape)
            tokens = self.json("tokenize", self.path(), text)["tokens"]
            ids = ",".join(str(t["id"]) for t in tokens)
            back = self.json("tokenize", self.path(), "--decode", ids)["text"]
            self.assertEqual(back.strip(" "), text)
            self.assertLess(len(tokens), len(text))

    def test_a_seed_names_a_file(self):
        self.synth("--seed", "7")
        first = self.read()
        self.synth("--seed", "7")
        self.assertEqual(self.read(), first)
        self.synth("--seed", "8")
        self.assertNotEqual(self.read(), first)

    def test_a_file_is_not_overwritten_unasked(self):
        path = self.file("out.gguf", b"dear")
        self.fails(FAILED, "synth", path, "--shape", "tiny",
                   says=[path, "--force"])
        self.assertEqual(self.read(), b"dear")

    def test_a_full_disk_leaves_nothing(self):
        self.fails(FAILED, "synth", self.path(), "--shape", "tiny",
                   says=[self.path(), "File too large"],
                   preexec_fn=limit_file_size)
        self.assertFalse(os.path.exists(self.path()))
        self.fails(FAILED, "synth", "/dev/full", "-f", "--shape", "tiny",
                   says="No space left")
        self.assertTrue(os.path.exists("/dev/full"))

    def test_a_folder_that_is_not_there(self):
        self.fails(FAILED, "synth", self.path("no/where.gguf"),
                   says=["where.gguf", "No such file"])

    def test_an_interrupt_leaves_nothing(self):
        process = subprocess.Popen(
            [cli_support.PROGRAM, "synth", "--shape", "phi-4", self.path()])
        while not (os.path.exists(self.path()) or process.poll()):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), -signal.SIGINT)
        self.assertFalse(os.path.exists(self.path()))

    def test_people_get_one_line(self):
        line = self.output("synth", self.path(), "--shape", "tiny")
        self.assertRegex(line, r"\A\S+out.gguf: shape of tiny, q4_k_m, "
                               r"1.4 million parameters, [\d.]+ KiB, [^\n]+\n\Z")


if __name__ == "__main__":
    cli_support.main()
