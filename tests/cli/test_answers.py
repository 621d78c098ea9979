#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial run on a tiny random model: what it says is nonsense, but the same
nonsense every time, and the text, the figures and the options must agree."""
import json
import os
import subprocess
import unittest

import cli_support
from cli_support import DEMO, OK, PROGRAM, TINY, Case, environment

KEYS = {"text", "tokens", "stop", "prompt_tokens", "reused_tokens",
        "prefill_tokens_per_second", "decode_tokens_per_second"}


class Run(Case):
    def answer(self, *arguments, **options):
        return self.json("run", TINY, "-n", "24", *arguments, **options)

    def test_json_holds_the_text_and_the_figures(self):
        a = self.answer("Hello")
        self.assertLessEqual(KEYS, a.keys())
        self.assertIn(a["stop"], ("eos", "length", "context"))
        self.assertLessEqual(a["tokens"], 24)
        self.assertGreater(a["prompt_tokens"], 0)
        # an answer that has all read again does not make the prompt longer
        long = self.answer("Hello", "--max-tokens", "150", "--ignore-eos")
        self.assertEqual(long["prompt_tokens"], a["prompt_tokens"])
        self.assertEqual(a["reused_tokens"], 0)

    def test_plain_output_is_the_text_and_a_newline(self):
        text = self.answer("Hello")["text"]
        plain = self.output("run", TINY, "-n", "24", "Hello")
        self.assertEqual(plain, text if text.endswith("\n") else text + "\n")

    def test_the_prompt_can_come_from_standard_input(self):
        a = self.answer("Hello there")
        self.assertEqual(self.answer("-", stdin="Hello there")["text"],
                         a["text"])
        self.assertEqual(self.answer(stdin="Hello there")["text"], a["text"])

    def test_messages_are_a_prompt(self):
        a = self.answer("Hello", "--system", "Be brief.")
        messages = [{"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hello"}]
        for document in (messages, {"messages": messages},
                         {"messages": messages, "tools": None, "other": 1}):
            path = self.file("m.json", document)
            b = self.answer("--messages", path)
            self.assertEqual(b["text"], a["text"])
            self.assertEqual(b["prompt_tokens"], a["prompt_tokens"])
        path = self.file("m.json", messages[:1])
        self.assertEqual(self.answer("--messages", path, "Hello")["text"],
                         a["text"])

    def test_the_same_text_for_every_number_of_threads(self):
        texts = {self.answer("One two three", "--threads", n)["text"]
                 for n in ("1", "2", "3")}
        self.assertEqual(len(texts), 1)

    def test_a_seed_fixes_the_text_and_another_changes_it(self):
        def draw(seed):
            return self.answer("Hello", "--temp", "1.5", "--seed", seed)["text"]
        self.assertEqual(draw("7"), draw("7"))
        self.assertGreater(len({draw(str(n)) for n in range(5)}), 1)

    def test_a_stop_text_ends_the_answer_and_is_not_shown(self):
        text = self.answer("Hello")["text"]
        stop = text[3:5]
        a = self.answer("Hello", "--stop", stop)
        self.assertEqual(a["text"], text[:text.index(stop)])
        self.assertEqual(a["stop"], "text")

    def test_a_limit_on_the_tokens(self):
        a = self.json("run", TINY, "--ignore-eos", "-n", "5", "Hello")
        self.assertEqual((a["tokens"], a["stop"]), (5, "length"))

    def test_a_bias_forces_or_bans_a_token(self):
        (piece,) = self.json("tokenize", TINY, "a")["tokens"]
        forced = self.answer("Hello", "--bias", f"{piece['id']}=1000")
        self.assertEqual(forced["text"], "a" * 24)
        banned = self.answer("Hello", "--bias", f"{piece['id']}=1000",
                             "--bias", f"{piece['id']}=-1000")
        self.assertEqual(banned["text"], self.answer("Hello")["text"])

    def test_raw_text_is_continued_without_a_chat_format(self):
        raw = self.answer("Hello", "--raw")
        self.assertLess(raw["prompt_tokens"],
                        self.answer("Hello")["prompt_tokens"])
        plain = self.answer("<|end|>Hello", "--raw")
        special = self.answer("<|end|>Hello", "--raw", "--special")
        self.assertLess(special["prompt_tokens"], plain["prompt_tokens"])

    def test_figures_go_to_standard_error(self):
        done = self.run_phial("run", TINY, "-n", "4", "--stats", "Hello")
        self.assertEqual(done.returncode, OK)
        self.assertRegex(done.stderr.decode(), r"\Aprompt: \d+ tokens .*\n\Z")
        self.assertNotIn(b"\x1b", done.stderr + done.stdout)

    def test_figures_follow_the_answer_where_both_go_to_one_place(self):
        done = self.run_phial("run", TINY, "-n", "4", "--stats", "Hello",
                              merged=True)
        self.assertRegex(done.stdout.decode(), r"(?s).+\nprompt: [^\n]+\n\Z")

    def test_a_pipe_sees_no_progress_and_no_colour(self):
        done = self.run_phial("run", TINY, "-n", "4", "Hello " * 50)
        self.assertEqual(done.stderr, b"")
        self.assertNotIn(b"\x1b", done.stdout)

    def test_a_reader_that_leaves_ends_the_program_quietly(self):
        command = f'"$0" run "$1" --ignore-eos -n 2000 --stop "\n" x | head -c1'
        done = subprocess.run(["sh", "-c", command, PROGRAM, TINY],
                              env=environment(), capture_output=True,
                              timeout=60, check=False)
        self.assertEqual(done.stderr, b"")

    def test_a_full_disk_is_reported(self):
        for option in ([], ["--json"]):
            with open("/dev/full", "wb") as full:
                done = self.run_phial("run", TINY, "-n", "8", *option, "Hello",
                                      stdout=full)
            self.assertEqual(done.returncode, cli_support.FAILED)
            self.assertIn(b"No space left", done.stderr)

    def test_the_example_answers_as_the_program_does(self):
        hello = os.path.join(os.path.dirname(PROGRAM), "..", "hello")
        done = subprocess.run([hello, TINY, "Hello"], capture_output=True,
                              timeout=120, check=True)
        whole = self.json("run", TINY, "Hello")["text"]
        self.assertEqual(done.stdout.decode(), whole + "\n")


@unittest.skipUnless(os.path.exists(DEMO), "the demo model is not here")
class Demo(Case):
    def test_the_demo_model_says_what_it_is(self):
        a = self.json("run", DEMO, "-n", "80", "Who are you?")
        self.assertIn("toy", a["text"].lower())
        self.assertEqual(a["stop"], "eos")

    def test_the_demo_model_does_a_sum_the_same_way_twice(self):
        path = self.file("m.json", [{"role": "user", "content": "3 + 4 = ?"}])
        texts = [json.loads(self.output("run", DEMO, "--json", "--temp", "0",
                                        "--max-tokens", "40", "--messages",
                                        path))["text"] for _ in range(2)]
        self.assertEqual(texts[0], texts[1])
        self.assertTrue(texts[0])


if __name__ == "__main__":
    cli_support.main()
