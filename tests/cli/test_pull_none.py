#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial pull in a build without libcurl: it says what to fetch instead."""
import cli_support
from cli_support import FAILED, USAGE, Case, environment


class Without(Case):
    def says(self, *arguments, words, **changes):
        env = {k: v for k, v in environment().items()
               if not k.startswith("HF_")}
        self.fails(FAILED, "pull", *arguments, env={**env, **changes},
                   says=["-Dpull=enabled", words])

    def test_addresses_are_given(self):
        self.says("org/name", "--revision", "refs/pr/1",
                  words="https://huggingface.co/org/name/tree/refs%2Fpr%2F1")
        self.says("hf:org/name/a b/m.gguf",
                  words="curl -fLO https://huggingface.co/org/name/resolve/"
                        "main/a%20b/m.gguf")
        self.says("org/name/m.gguf", HF_ENDPOINT="http://127.0.0.1:9/hub/",
                  words=" http://127.0.0.1:9/hub/org/name/resolve/main/m.gguf")

    def test_mistakes_are_named(self):
        self.fails(USAGE, "pull", "../name", says="ORG/NAME")


if __name__ == "__main__":
    cli_support.main()
