#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line itself; needs no model."""
import json
import subprocess

import cli_support
from cli_support import FAILED, OK, USAGE, Case

COMMANDS = ("run", "chat", "batch", "score", "tokenize", "inspect",
            "estimate", "imatrix", "quantize", "merge", "bench", "synth",
            "completion", "version")


class Help(Case):
    def test_every_command_explains_itself_on_standard_output(self):
        for command in COMMANDS:
            text = self.output(command, "--help")
            self.assertTrue(text.startswith(f"usage: phial {command} "), text)
            self.assertEqual(self.output("help", command), text)
            self.assertEqual(self.output(command, "-h"), text)

    def test_the_program_lists_every_command(self):
        text = self.output("--help")
        self.assertEqual(self.output("-h"), text)
        for command in COMMANDS:
            self.assertRegex(text, rf"\n  {command} +\S")

    def test_help_fits_a_terminal_and_has_no_trailing_blanks(self):
        for command in COMMANDS:
            for line in self.output(command, "--help").splitlines():
                self.assertLess(len(line), 80)
                self.assertEqual(line, line.rstrip())

    def test_help_is_for_people_even_where_an_option_is_wrong(self):
        self.output("run", "--temp", "0.5", "--help", "--nonsense")


class Version(Case):
    def test_version_is_the_librarys_and_the_build_is_json(self):
        first, build = self.output("--version").splitlines()
        self.assertRegex(first, r"^phial \d+\.\d+\.\d+$")
        self.assertEqual(json.loads(build), self.json("version"))
        self.assertEqual(self.output("version"), self.output("--version"))


class Mistakes(Case):
    def test_a_missing_or_unknown_command_is_a_usage_error(self):
        self.fails(USAGE, says="phial --help")
        self.fails(USAGE, "frobnicate", says=["frobnicate", "phial --help"])
        self.fails(USAGE, "help", "frobnicate", says="frobnicate")

    def test_an_unknown_option_is_named(self):
        for option in ("--tmp", "--temperature=1", "-z", "--", "-nn"):
            if option != "--":
                self.fails(USAGE, "run", option, "m",
                           says=[option.split("=")[0], "phial run --help"])

    def test_a_value_out_of_range_is_named_with_what_is_allowed(self):
        for option, value, allowed in (
                ("--temp", "hot", "a number from 0 to 100"),
                ("--temp", "-1", "a number from 0 to 100"),
                ("--temp", "nan", "a number from 0 to 100"),
                ("--temp", "inf", "a number from 0 to 100"),
                ("--temp", "0x1", "a number from 0 to 100"),
                ("--temp", " 1", "a number from 0 to 100"),
                ("--temp", "1,5", "a number from 0 to 100"),
                ("--temp", "", "a number from 0 to 100"),
                ("--top-p", "1.5", "a number from 0 to 1"),
                ("--top-k", "-3", "a whole number from 0 to 4294967295"),
                ("--top-k", "4294967296", "from 0 to 4294967295"),
                ("--seed", "99999999999999999999", "a whole number"),
                ("--threads", "5000", "from 0 to 4096"),
                ("--cache", "f64", "auto|f32|f16|q8"),
                ("--cache", "f", "auto|f32|f16|q8"),
                ("--rope", "", "auto|short|long"),
                ("--isa", "sse", "best|portable|avx2|avx512|neon"),
                ("--bias", "5", "a token id"),
                ("--bias", "x=5", "a token id"),
                ("--bias", "5=", "a token id"),
                ("--bias", "99999999999=1", "a token id"),
                ("--stop", "", "empty")):
            for form in ([option, value], [f"{option}={value}"]):
                self.fails(USAGE, "run", *form, "m", "hi",
                           says=[f"{option}:", f'"{value}"' if value else "",
                                 allowed, "phial run --help"])

    def test_a_missing_value_operand_or_one_too_many_is_named(self):
        self.fails(USAGE, "run", "m", "--temp", says="--temp needs a value")
        self.fails(USAGE, "run", "--json=yes", "m", says="takes no value")
        self.fails(USAGE, "run", says="model")
        self.fails(USAGE, "run", "m", "hi", "there", says='"there"')
        self.fails(USAGE, "version", "now", says='"now"')

    def test_options_that_exclude_each_other_are_named(self):
        self.fails(USAGE, "run", "m", "hi", "--raw", "--system", "x",
                   says=["--raw", "--system"])
        self.fails(USAGE, "run", "m", "hi", "--special", says="--raw")
        self.fails(USAGE, "tokenize", "m", "hi", "--decode", "1",
                   says="--decode")

    def test_sentences_do_not_carry_control_characters(self):
        error = self.fails(USAGE, "run", "--\x1b[31mred\n", "m")
        self.assertNotIn("\x1b", error)


class Output(Case):
    def test_a_full_disk_is_reported(self):
        for arguments in (["--help"], ["version"], ["version", "--json"]):
            with open("/dev/full", "wb") as full:
                done = self.run_phial(*arguments, stdout=full)
            self.assertEqual(done.returncode, FAILED)
            self.assertIn(b"No space left", done.stderr)

    def test_a_closed_standard_output_is_reported(self):
        done = subprocess.run(
            ["sh", "-c", '"$0" version >&-', cli_support.PROGRAM],
            capture_output=True, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertRegex(done.stderr.decode(), r"\Aphial: cannot write [^\n]+")

    def test_a_reader_that_leaves_early_is_not_an_error(self):
        done = subprocess.run(
            ["sh", "-c", '"$0" run --help | head -1', cli_support.PROGRAM],
            capture_output=True, check=False)
        self.assertEqual(done.returncode, OK)
        self.assertEqual(done.stderr, b"")


if __name__ == "__main__":
    cli_support.main()
