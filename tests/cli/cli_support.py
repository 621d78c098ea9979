# SPDX-License-Identifier: MIT
"""What the tests of the program share: running it, at a pipe or a terminal.
The environment names the program (PHIAL), a small random model (PHIAL_TINY),
one whose answers can go on for hours (PHIAL_ENDLESS) and, where it is there,
the demo model (PHIAL_DEMO)."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("PHIAL", "build/examples/cli/phial")
TINY = os.environ.get("PHIAL_TINY", "")
ENDLESS = os.environ.get("PHIAL_ENDLESS", "")
DEMO = os.environ.get("PHIAL_DEMO", "")

OK, FAILED, USAGE, NO_MODEL = 0, 1, 2, 3


def environment(**changes):
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm")
    env.pop("NO_COLOR", None)
    env.update(changes)
    return env


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        with open(path, "wb") as f:
            f.write(content)
        return path

    def run_phial(self, *arguments, stdin=b"", env=None, **options):
        errors = (subprocess.STDOUT if options.pop("merged", False)
                  else subprocess.PIPE)
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run([PROGRAM, *arguments], input=stdin,
                              stdout=options.pop("stdout", subprocess.PIPE),
                              stderr=errors, timeout=120,
                              env=env or environment(), **options)

    def output(self, *arguments, **options):
        """Standard output of a run that succeeds, in UTF-8."""
        done = self.run_phial(*arguments, **options)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout.decode("utf-8", "strict")

    def json(self, *arguments, **options):
        text = self.output(*arguments, "--json", **options)
        self.assertEqual(text.count("\n"), 1, "one line")
        return json.loads(text)

    def fails(self, code, *arguments, says=(), **options):
        """One line on standard error, nothing on standard output."""
        done = self.run_phial(*arguments, **options)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, code, error)
        self.assertEqual(done.stdout, b"")
        self.assertRegex(error, r"\Aphial: [^\n]+\n\Z")
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, error)
        return error


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=1)
