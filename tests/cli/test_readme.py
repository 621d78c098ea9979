#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents quote and link is what is in the tree."""
import glob
import os
import re
import unittest

import cli_support

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


class Documents(unittest.TestCase):
    def test_the_quoted_example_is_the_file(self):
        quoted = re.findall(r"<!-- (\S+) -->\n```c\n(.*?)```", read("README.md"),
                            re.S)
        self.assertEqual([path for path, _ in quoted], ["examples/hello.c"])
        for path, code in quoted:
            self.assertEqual(code, read(path))

    def test_links_lead_somewhere(self):
        for path in ["README.md", *glob.glob("doc/*.md", root_dir=ROOT)]:
            for link in re.findall(r"\]\(([^)#]+)", read(path)):
                if "://" not in link:
                    target = os.path.join(ROOT, os.path.dirname(path), link)
                    self.assertTrue(os.path.exists(target), f"{path}: {link}")

    def test_every_option_in_the_readme_exists(self):
        page = read("examples/cli/phial.1").replace("\\-", "-")
        for line in re.findall(r"^\$ (.*phial .*)$", read("README.md"), re.M):
            for option in re.findall(r"(?<=\s)--?[a-z-]+", line):
                self.assertIn(option, page, line)


if __name__ == "__main__":
    cli_support.main()
