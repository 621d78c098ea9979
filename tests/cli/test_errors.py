#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every class of bad input: the exit code, and one sentence that names what is
wrong. Uses the tiny model."""
import os
import struct

import cli_support
from cli_support import FAILED, NO_MODEL, TINY, USAGE, Case

WITH_MODEL = (["run"], ["inspect"], ["estimate"], ["tokenize"], ["bench"],
              ["chat"])


def with_model(command, path):
    """A command line that is complete, but for what is wrong with path."""
    text = {"run": ["hi"], "tokenize": ["hi"]}.get(command[0], [])
    return [*command, path, *text]


def gguf_of(architecture):
    """A GGUF header with one key, no tensors."""
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()
    return (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) +
            text("general.architecture") + struct.pack("<I", 8) +
            text(architecture))


class Models(Case):
    def refused(self, path, *says):
        for command in WITH_MODEL:
            with self.subTest(command=command[0]):
                self.fails(NO_MODEL, *with_model(command, path),
                           says=[os.path.basename(path), *says])

    def test_a_missing_file(self):
        self.refused(os.path.join(self.folder, "nowhere.gguf"),
                     "no such file")

    def test_a_directory(self):
        self.refused(self.folder, "directory")

    def test_an_empty_file(self):
        self.refused(self.file("empty.gguf", b""))

    def test_a_file_of_another_kind(self):
        self.refused(self.file("notes.txt", b"Dear diary, today " * 100))
        self.refused(self.file("zeros.bin", bytes(4096)))

    def test_a_file_without_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        path = self.file("secret.gguf", b"GGUF")
        os.chmod(path, 0)
        self.refused(path, "denied")

    def test_a_model_of_another_architecture_is_named(self):
        for name in ("llama", "phi2", "phimoe"):
            path = self.file("other.gguf", gguf_of(name))
            for command in (["run"], ["inspect"], ["estimate"], ["bench"]):
                self.fails(NO_MODEL, *with_model(command, path), says=name)

    def test_a_truncated_model(self):
        with open(TINY, "rb") as f:
            whole = f.read()
        for n in (3, 23, 200, len(whole) // 2, len(whole) - 64):
            path = self.file("cut.gguf", whole[:n])
            for command in (["run"], ["inspect"], ["bench"]):
                self.fails(NO_MODEL, *with_model(command, path),
                           says="cut.gguf")

    def test_a_name_with_control_characters_stays_on_one_line(self):
        self.fails(NO_MODEL, "inspect", os.path.join(self.folder, "a\nb\x1b"))


class Messages(Case):
    def refused(self, content, *says, option="--messages"):
        path = self.file("input.json", content)
        self.fails(FAILED, "run", TINY, option, path, "hi", says=says)

    def test_a_missing_file_of_messages(self):
        self.fails(FAILED, "run", TINY, "--messages", "/nowhere.json",
                   says=["/nowhere.json", "No such file"])
        self.fails(FAILED, "run", TINY, "--messages", self.folder,
                   says=[self.folder, "directory"])

    def test_malformed_json_is_located(self):
        self.refused('[{"role": "user",\n  "content": }]', "input.json",
                     "line 2")
        self.refused("", "input.json")
        self.refused('[{"role": "user", "role": "user"}]', "input.json")
        self.refused(b'["\xff"]', "input.json")
        self.refused("[" * 100000, "input.json")

    def test_json_of_another_shape(self):
        for content in ("5", '"text"', "{}", '{"messages": 5}', "null"):
            self.refused(content, "messages")

    def test_messages_that_break_the_format(self):
        for content in ([5], [{}], [{"role": "king", "content": "hi"}],
                        [{"role": "user", "content": 5}],
                        [{"content": "hi"}]):
            self.refused(content)

    def test_tools_that_break_the_format(self):
        for content in ("{", "5", [5], {"a": 1}):
            self.refused(content, option="--tools")


class Prompts(Case):
    def test_a_prompt_that_is_not_utf8(self):
        self.fails(FAILED, "run", TINY, "-", stdin=b"caf\xe9", says="UTF-8")

    def test_a_prompt_that_does_not_fit(self):
        self.fails(FAILED, "run", TINY, "--context", "16", "-n", "4",
                   "word " * 200, says="16")

    def test_a_prompt_that_cannot_be_read(self):
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        self.fails(FAILED, "run", TINY, "-", stdin=None, says="cannot read",
                   preexec_fn=lambda: os.dup2(folder, 0))

    def test_token_ids_that_are_none(self):
        for ids in ("x", "1,,x", "-1", "1.5", "99999999999", "1 2 three"):
            self.fails(USAGE, "tokenize", TINY, "--decode", ids,
                       says="token id")
        self.fails(FAILED, "tokenize", TINY, "--decode", "2147483646")

    def test_a_bias_for_a_token_that_is_not_in_the_vocabulary(self):
        self.fails(FAILED, "run", TINY, "hi", "--bias", "2000000000=1",
                   says="2000000000")


if __name__ == "__main__":
    cli_support.main()
