#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What doc/rust.md and README.md quote are the examples, and the examples do
what they say. Arguments: build directory, models of the tests."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

import rust_crates
from rust_facts import ROOT

DEMO = os.path.join(ROOT, "examples/demo/phial-demo.gguf")
EXAMPLES = os.path.join(ROOT, "examples/rust")
SUM = "17 + 25 = 42."


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


class Examples(unittest.TestCase):
    cargo = None
    endless = None

    def start(self, name, *arguments):
        program = os.path.join(self.cargo.env["CARGO_TARGET_DIR"],
                               "debug/examples", name)
        return subprocess.Popen([program, *arguments], env=self.cargo.env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True)

    def output(self, name, *arguments, stdin=""):
        process = self.start(name, *arguments)
        out, _ = process.communicate(stdin)
        self.assertEqual(process.returncode, 0)
        return out

    def test_complete(self):
        out = self.output("complete", DEMO, "Once upon a time")
        self.assertTrue(out.startswith("Once upon a time"))
        self.assertGreater(len(out), 40)
        self.assertEqual(out, self.output("complete", DEMO, "Once upon a time"))

    def test_chat(self):
        out = self.output("chat", DEMO, stdin="What is 17 + 25?\nWho are you?\n")
        first, second = out.splitlines()
        self.assertEqual(first, SUM)
        self.assertIn("demo", second)

    def test_stream(self):
        self.assertEqual(self.output("stream", DEMO, "What is 17 + 25?"),
                         SUM + "\n")

    def test_stream_is_stopped(self):
        process = self.start("stream", self.endless, "Go on")
        out, _ = process.communicate("\n")
        self.assertEqual(process.returncode, 0)
        self.assertTrue(out.endswith(" [stopped]\n"))

    def test_many(self):
        question = "What is 17 + 25?"
        out = self.output("many", DEMO, question, "Who are you?", question)
        first, second, third = out.splitlines()
        self.assertEqual(first, f"{question} {SUM}")
        self.assertIn("demo", second)
        self.assertEqual(third, first)

    def test_resume(self):
        story = "Tell me a story about an owl named Greta."
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "session")
            parts = [self.output("resume", DEMO, file, story)
                     for _ in range(3)]
        text = "".join(part[:-1] for part in parts)
        self.assertEqual(len(set(parts)), 3)
        whole = self.output("stream", DEMO, story)
        self.assertTrue(whole.startswith(text), (whole, text))

    def test_tools(self):
        call, answer = self.output("tools", DEMO,
                                   "What is the weather in Oslo?").splitlines()
        self.assertIn('"name": "get_weather"', call)
        self.assertIn('"city": "Oslo"', call)
        self.assertIn("7", answer)

    def test_errors(self):
        first, second = self.output("errors", DEMO).splitlines()
        self.assertIn("cannot be read: no-such-model.gguf", first)
        self.assertEqual(second, "2 tokens")

    def test_threads(self):
        lines = self.output("threads", DEMO).splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(self.output("threads", DEMO).splitlines(), lines)

    def test_what_is_quoted_are_the_examples(self):
        quoted = {}
        for document in ("doc/rust.md", "README.md"):
            text = read(document)
            blocks = re.findall(r"<!-- (\S+) -->\n```rust\n(.*?)```", text, re.S)
            self.assertEqual(text.count("```rust"), len(blocks), document)
            quoted.update(blocks)
        for path, code in quoted.items():
            self.assertEqual(code, read(path))
        self.assertEqual(sorted(map(os.path.basename, quoted)),
                         sorted(os.listdir(EXAMPLES)))


def main(build, endless):
    cargo = rust_crates.Cargo("examples", build)
    cargo.env["PHIAL_LIB_DIR"] = cargo.library
    rust_crates.skip_without_tools(cargo)
    cargo.must("build", "--offline", "--examples")
    Examples.cargo, Examples.endless = cargo, endless
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main(*sys.argv[1:])
