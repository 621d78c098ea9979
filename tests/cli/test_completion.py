#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial completion: what the scripts propose, in the shells themselves."""
import functools
import os
import re
import shutil
import subprocess

import cli_support
from cli_support import USAGE, Case, environment

# Names of values in help texts. A new one that is no file goes into OTHERS; one
# that is has to begin like file_names in completion_values.c.
FILES = r"(ADAPTER|DIR|FILE|IN\.|MODEL|OUT|PATH).*"
WORDS = r"[a-z0-9_.-]+(\|[a-z0-9_.-]+)+"
OTHERS = {"N", "N,...", "T", "P", "X", "ID=X", "TEXT", "TEXT|-", "PROMPT|-",
          "PATTERN=TYPE", "IDS", "NAME", "URL", "MIB", "SECONDS",
          "ORG/NAME[/FILE]"}

# Prints what bash would propose: the words of the line are separate arguments,
# cut as bash cuts them.
IN_BASH = r"""
set -u
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_phial
for word in "${COMPREPLY[@]+"${COMPREPLY[@]}"}"; do printf '%s\n' "$word"; done
"""


@functools.lru_cache(maxsize=None)
def printed(*arguments):
    return subprocess.run([cli_support.PROGRAM, *arguments], check=True,
                          capture_output=True, text=True).stdout


class Scripts(Case):
    def script(self, shell):
        return self.file("script", printed("completion", shell))

    def commands(self):
        listed = printed("--help").split("Commands:\n")[1].split("\n\n")[0]
        return re.findall(r"(?m)^  (\w+)", listed)

    def options(self, command):
        """(option, name of its value or None), and operands, of a help text."""
        text = printed(command, "--help")
        found = re.findall(r"(?m)^  (?:-\w, )?--([\w-]+)(?: (\S+))?", text)
        operands = text.split("\n")[0].split("[OPTION]...")[1].split()
        return ([(name, value or None) for name, value in found],
                [re.sub(r"^\[(.*)\]$", r"\1", word) for word in operands])


class Names(Scripts):
    def test_names_of_values_tell_files_from_other_things(self):
        for command in self.commands():
            options, operands = self.options(command)
            for value in [v for _, v in options if v] + operands:
                if not re.fullmatch(f"{FILES}|{WORDS}|CHOICE", value):
                    self.assertIn(value, OTHERS, command)

    def test_a_shell_without_a_script_is_named(self):
        self.fails(USAGE, "completion", says="bash|zsh|fish")
        self.fails(USAGE, "completion", "tcsh", says=["tcsh", "bash|zsh|fish"])

    def test_zsh_takes_the_script(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not here")
        subprocess.run(["zsh", "-n", self.script("zsh")], check=True)


class Bash(Scripts):
    def setUp(self):
        super().setUp()
        self.bash = shutil.which("bash")
        if not self.bash:
            self.skipTest("bash is not here")
        self.path = self.script("bash")
        self.work = os.path.join(self.folder, "work")
        os.mkdir(self.work)
        for name in ("model.gguf", "two words.gguf", "text"):
            open(os.path.join(self.work, name), "w", encoding="utf-8").close()
        os.mkdir(os.path.join(self.work, "folder"))

    def proposed(self, *words):
        done = subprocess.run(
            [self.bash, "-c", IN_BASH, "bash", self.path, "phial", *words],
            capture_output=True, text=True, cwd=self.work, check=True,
            env=environment())
        self.assertEqual(done.stderr, "")
        return sorted(done.stdout.splitlines())

    def files(self):
        return sorted(os.listdir(self.work))

    def test_commands(self):
        everything = self.commands() + ["help", "--help", "--version"]
        self.assertEqual(self.proposed(""), sorted(everything))
        self.assertEqual(self.proposed("qu"), ["quantize"])
        self.assertEqual(self.proposed("help", "ver"), ["version"])

    def test_the_options_of_every_command_are_those_of_its_help_text(self):
        for command in self.commands():
            names = [f"--{name}" for name, _ in self.options(command)[0]]
            self.assertEqual(self.proposed(command, "--"), sorted(names))
        self.assertEqual(self.proposed("run", "m", "--ca"), ["--cache"])

    def test_every_choice_of_every_option(self):
        for command in self.commands():
            for name, value in self.options(command)[0]:
                if value and re.fullmatch(WORDS, value):
                    self.assertEqual(self.proposed(command, "--" + name, ""),
                                     sorted(value.split("|")))
        self.assertIn("q4_k_m", self.proposed("quantize", "--type", "q4"))
        self.assertNotIn("q8_0", self.proposed("quantize", "--type", "q4"))

    def test_choices_behind_an_equals_sign(self):
        self.assertEqual(self.proposed("run", "--cache", "=", "f"),
                         ["f16", "f32"])
        self.assertEqual(self.proposed("run", "--cache", "="),
                         ["auto", "f16", "f32", "q8"])
        # COMP_WORDBREAKS without "=".
        self.assertEqual(self.proposed("run", "--cache=f"),
                         ["--cache=f16", "--cache=f32"])

    def test_lists_go_on_behind_their_last_comma(self):
        self.assertEqual(self.proposed("bench", "--isa", "avx2,b"),
                         ["avx2,best"])

    def test_files_are_proposed_where_files_are_taken(self):
        for line in (["run", ""], ["run", "--raw", ""],
                     ["run", "--temp", "1", ""],
                     ["run", "--temp", "=", "1", ""],
                     ["run", "-s", "be kind", ""], ["run", "--tools", ""],
                     ["run", "--adapter", "text", "=", "0.5", ""],
                     ["merge", "model.gguf", "text", "=", "2", "text", ""],
                     ["batch", "text", ""], ["quantize", "--", "--odd", ""]):
            self.assertEqual(self.proposed(*line), self.files(), line)
        self.assertEqual(self.proposed("run", "two"), ["two words.gguf"])

    def test_nothing_is_proposed_for_numbers_texts_and_too_many_operands(self):
        for line in (["run", "--temp", ""], ["run", "model.gguf", ""],
                     ["run", "--adapter", "text", "=", ""],
                     ["inspect", "model.gguf", ""], ["pull", ""],
                     ["nonsense", ""], ["nonsense", "--"]):
            self.assertEqual(self.proposed(*line), [], line)

    def test_shells_are_words(self):
        self.assertEqual(self.proposed("completion", ""),
                         ["bash", "fish", "zsh"])


class Fish(Scripts):
    def setUp(self):
        super().setUp()
        if not shutil.which("fish"):
            self.skipTest("fish is not here")
        self.path = self.script("fish")

    def proposed(self, line):
        """Words without their descriptions."""
        done = subprocess.run(
            ["fish", "--no-config", "-c",
             'source $argv[1]; complete -C "$argv[2]"', self.path, line],
            capture_output=True, text=True, cwd=self.folder, check=True,
            env=environment(HOME=self.folder, XDG_CONFIG_HOME=self.folder))
        self.assertEqual(done.stderr, "")
        return sorted(row.split("\t")[0] for row in done.stdout.splitlines())

    def test_commands_options_choices_and_files(self):
        self.assertEqual(self.proposed("phial "),
                         sorted(self.commands() + ["help"]))
        names = [f"--{name}" for name, _ in self.options("run")[0]]
        self.assertEqual(self.proposed("phial run --"), sorted(names))
        self.assertEqual(self.proposed("phial run --cache "),
                         ["auto", "f16", "f32", "q8"])
        self.assertIn("avx2,best", self.proposed("phial bench --isa avx2,"))
        self.assertEqual(self.proposed("phial run --temp 1 scr"), ["script"])
        self.assertEqual(self.proposed("phial run m scr"), [])
        self.assertEqual(self.proposed("phial merge m a b scr"), ["script"])
        self.assertEqual(self.proposed("phial completion z"), ["zsh"])


if __name__ == "__main__":
    cli_support.main()
