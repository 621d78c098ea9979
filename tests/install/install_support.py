# SPDX-License-Identifier: MIT
"""What the tests of the installed library share: an installation in a folder
of its own, and the program that a user would write. The environment names the
build folder (PHIAL_BUILD) and the source (PHIAL_SOURCE)."""
import json
import os
import re
import shlex
import subprocess
import tempfile
import unittest

BUILD = os.path.abspath(os.environ.get("PHIAL_BUILD", "build"))
SOURCE = os.path.abspath(os.environ.get("PHIAL_SOURCE", "."))
CC = shlex.split(os.environ.get("CC", "cc"))
DEMO = os.path.join(SOURCE, "examples/demo/phial-demo.gguf")
QUESTION, ANSWER = "What is 17 + 25?", "17 + 25 = 42.\n"


def run(*command, **options):
    """Standard output; a failure shows all that was printed."""
    done = subprocess.run(command, capture_output=True, text=True,
                          check=False, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: exit code "
                             f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def example(page):
    """The program in the man page at this path."""
    with open(page, encoding="utf-8") as f:
        text = f.read().split(".EX\n")[1].split(".EE\n")[0]
    return re.sub(r"(?m)^\\&", "", text).replace("\\-", "-").replace(
        "\\e", "\\")


def documented(language):
    """The block in this language in doc/installing.md, of which there is
    one."""
    with open(os.path.join(SOURCE, "doc/installing.md"),
              encoding="utf-8") as f:
        block, = re.findall(rf"```{language}\n(.*?)```", f.read(), re.S)
    return block


def libraries(program):
    """Names of what a program or a library needs."""
    dynamic = run("readelf", "-d", program)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)


class Installation:
    """The build folder, installed below a folder that it does not know."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = os.path.join(self.folder.name, "root")
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir",
            self.root)
        listed = json.loads(run("meson", "introspect", BUILD,
                                "--buildoptions"))
        self.option = {o["name"]: o["value"] for o in listed}
        self.version = json.loads(run("meson", "introspect", BUILD,
                                      "--projectinfo"))["version"]

    def path(self, *names):
        """A path in the prefix."""
        return os.path.join(self.root, self.option["prefix"].lstrip("/"),
                            *names)

    def lib(self, *names):
        return self.path(self.option["libdir"], *names)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.installed = Installation()
        cls.addClassCleanup(cls.installed.folder.cleanup)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def write_example(self):
        page = self.installed.path(self.installed.option["mandir"], "man3",
                                   "libphial.3")
        return self.write("hello.c", example(page))

    def answers(self, program, folder=None):
        """The program answers with the library in the folder, if it needs
        one."""
        env = dict(os.environ)
        env.pop("LD_LIBRARY_PATH", None)
        if folder:
            env["LD_LIBRARY_PATH"] = folder
        self.assertEqual(run(program, DEMO, QUESTION, env=env), ANSWER)
