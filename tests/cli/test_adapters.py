#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--adapter of run, chat, batch and score: files and folders, scales, several."""
import json
import os
import subprocess

import cli_support
from cli_support import FAILED, NO_MODEL, TINY, USAGE, Case

MAKE = os.environ.get("PHIAL_TINY_ADAPTER", "")
ANSWER = ("hi", "-n", "9", "--ignore-eos")


class Adapters(Case):
    def adapter(self, name, seed, *options):
        path = os.path.join(self.folder, name)
        if "peft" in options:
            os.mkdir(path)
        subprocess.run([MAKE, path, "phi-4-mini", "5", str(seed), *options],
                       check=True)
        return path

    def run_with(self, *adapters):
        options = [o for a in adapters for o in ("--adapter", a)]
        return self.output("run", TINY, *ANSWER, *options)

    def test_a_folder_is_a_file(self):
        file, folder = self.adapter("a.gguf", 5), self.adapter("a", 5, "peft")
        self.assertEqual(self.run_with(file), self.run_with(folder))
        self.assertNotEqual(self.run_with(file), self.run_with())

    def test_scales_and_several(self):
        a, b = self.adapter("a.gguf", 5), self.adapter("b=1.gguf", 6)
        plain = self.run_with()
        self.assertEqual(self.run_with(a + "=0"), plain)
        self.assertEqual(self.run_with(a + "=1"), self.run_with(a))
        self.assertNotEqual(self.run_with(a + "=-1.5"), self.run_with(a))
        both = self.run_with(a, b + "=1")
        self.assertNotEqual(both, self.run_with(a))
        self.assertEqual(self.run_with(a, b + "=0"), self.run_with(a))

    def test_chat_and_batch(self):
        a = self.adapter("a.gguf", 5)
        want = self.run_with(a)
        self.assertEqual(self.output("chat", TINY, "--adapter", a, "-n", "9",
                                     "--ignore-eos", stdin="hi\n"), want)
        requests = self.file("in.jsonl", "".join(
            json.dumps({"messages": [{"role": "user", "content": "hi"}]}) + "\n"
            for _ in range(3)))
        lines = self.output("batch", TINY, requests, "-o", "-", "-q", "-n", "9",
                            "--ignore-eos", "--adapter", a).splitlines()
        self.assertEqual(len(lines), 3)
        for line in lines:
            body = json.loads(line)["response"]["body"]
            text = body["choices"][0]["message"]["content"]
            self.assertEqual(text + "\n", want)

    def test_score(self):
        a = self.adapter("a.gguf", 5)
        text = self.file("text", "The quick brown fox jumps over the dog.")
        lines = self.file("lines", json.dumps(
            {"prompt": "The quick", "completion": " brown fox"}) + "\n")

        def score(*options):
            return json.loads(self.output("score", TINY, *options, "--json"))

        plain, changed = score(text), score(text, "--adapter", a)
        self.assertNotEqual(plain["nll"], changed["nll"])
        self.assertEqual(score(text, "--adapter", a + "=0")["nll"],
                         plain["nll"])
        beside = score(text, "--adapter", a, "--reference", TINY)
        self.assertEqual(beside["nll"], changed["nll"])
        self.assertGreater(beside["reference"]["kl"], 0)
        self.assertNotEqual(score("--lines", lines)["logprob"],
                            score("--lines", lines, "--adapter", a)["logprob"])

    def test_a_kept_conversation_needs_its_adapters(self):
        a, kept = self.adapter("a.gguf", 5), os.path.join(self.folder, "kept")
        options = ("-n", "3", "--ignore-eos", "--session", kept)
        self.output("chat", TINY, *options, "--adapter", a, stdin="hi\n")
        self.output("chat", TINY, *options, "--adapter", a, stdin="more\n")
        self.fails(FAILED, "chat", TINY, *options, stdin="more\n",
                   says="adapters")

    def test_what_is_wrong_is_said(self):
        a = self.adapter("a.gguf", 5)
        self.fails(NO_MODEL, "run", TINY, *ANSWER, "--adapter", "/nonexistent",
                   says="/nonexistent")
        self.fails(NO_MODEL, "run", TINY, *ANSWER, "--adapter", TINY,
                   says="general.type")
        self.fails(NO_MODEL, "run", TINY, *ANSWER, "--adapter", self.folder,
                   says="adapter_config.json")
        for value in (a + "=", a + "=x", a + "=1001", "=1", "", a + "=nan"):
            with self.subTest(value=value):
                self.fails(USAGE, "run", TINY, *ANSWER, "--adapter", value,
                           says="--adapter")
        self.fails(FAILED, "run", TINY, *ANSWER,
                   *["--adapter", a] * 17, says="at most 16")


if __name__ == "__main__":
    cli_support.main()
