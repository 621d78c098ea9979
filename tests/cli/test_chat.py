#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial chat, from a pipe and at a terminal."""
import json
import os
import shutil

import cli_support
from cli_support import ENDLESS, FAILED, OK, TINY, Case, environment
from pseudo_terminal import PROMPT, Terminal

SHORT = ("chat", TINY, "-n", "8")
LONG = ("chat", ENDLESS, "--ignore-eos")

# The first character of an answer, after progress if there is any.
ANSWERING = r"(?s)Hello\r\n(\rreading[^%]*%.*?\r\x1b\[K)?(?!\rreading)."


class Piped(Case):
    def answers(self, text, *options):
        lines = self.output(*SHORT, "--json", *options, stdin=text)
        return [json.loads(line) for line in lines.splitlines()]

    def test_every_line_is_a_message_and_answers_are_all_there_is(self):
        done = self.run_phial(*SHORT, stdin="Hello\nAnd you?\n")
        self.assertEqual((done.returncode, done.stderr), (OK, b""))
        texts = [a["text"] for a in self.answers("Hello\nAnd you?\n")]
        self.assertEqual(len(texts), 2)
        self.assertEqual(done.stdout.decode(),
                         "".join(t if t.endswith("\n") else t + "\n"
                                 for t in texts))

    def test_turns_build_on_each_other_and_reuse_what_is_computed(self):
        first, second = self.answers("Hello\nAnd you?\n")
        self.assertEqual(first["reused_tokens"], 0)
        self.assertGreaterEqual(second["reused_tokens"],
                                first["prompt_tokens"])
        path = self.file("m.json", [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": first["text"]},
            {"role": "user", "content": "And you?"}])
        again = self.json("run", TINY, "-n", "8", "--messages", path)
        self.assertEqual(again["prompt_tokens"], second["prompt_tokens"])
        self.assertEqual(again["text"], second["text"])

    def test_the_last_line_needs_no_newline_and_empty_ones_are_nothing(self):
        self.assertEqual(len(self.answers("\n\nHello\n\nBye")), 2)
        self.assertEqual(self.answers(""), [])

    def test_a_backslash_continues_a_line(self):
        a, b = (self.answers(text)[0] for text in ("one\\\ntwo\n", "one\n"))
        path = self.file("m.json", [{"role": "user", "content": "one\ntwo"}])
        c = self.json("run", TINY, "-n", "8", "--messages", path)
        self.assertEqual(a["prompt_tokens"], c["prompt_tokens"])
        self.assertGreater(a["prompt_tokens"], b["prompt_tokens"])

    def test_reset_and_regen_and_system(self):
        one, two = self.answers("Hello\n/reset\nHello\n")
        self.assertEqual(one["text"], two["text"])
        self.assertEqual(one["prompt_tokens"], two["prompt_tokens"])
        one, two = self.answers("Hello\n/regen\n")
        self.assertEqual(one["text"], two["text"])
        one, two = self.answers("/system Be brief.\nHello\n/system\nHello\n")
        self.assertGreater(one["prompt_tokens"], two["prompt_tokens"])
        given = self.answers("Hello\n", "--system", "Be brief.")[0]
        self.assertEqual(given["text"], one["text"])

    def test_save_writes_what_run_reads(self):
        path = os.path.join(self.folder, "saved.json")
        (a,) = self.answers(f"Hello\n/save {path}\n/quit\nnever\n",
                            "--system", "Be brief.")
        with open(path, encoding="utf-8") as f:
            messages = json.load(f)
        self.assertEqual([m["role"] for m in messages],
                         ["system", "user", "assistant"])
        self.assertEqual(messages[2]["content"], a["text"])
        self.output("run", TINY, "-n", "4", "--messages", path, "More")

    def test_commands_that_make_no_sense_say_so_and_go_on(self):
        done = self.run_phial(*SHORT, stdin="/nope\n/reset now\n/regen\n/save\n"
                              "/save /nowhere/x\nHello\n")
        self.assertEqual(done.returncode, OK)
        self.assertEqual(done.stderr.count(b"phial: "), 5)
        self.assertIn(b"/nope", done.stderr)

    def test_a_message_that_does_not_fit_is_reported_and_the_chat_goes_on(self):
        done = self.run_phial(*SHORT, "--context", "64", "--json",
                              stdin="word " * 300 + "\nHello\n")
        self.assertEqual(done.returncode, FAILED)
        self.assertRegex(done.stderr.decode(), r"\Aphial: [^\n]+\n\Z")
        self.assertEqual(len(done.stdout.splitlines()), 1)


class Kept(Case):
    """--session FILE"""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "kept")
        self.keep = (*SHORT, "--session", self.path)

    def answers(self, text, *options):
        lines = self.output(*self.keep, "--json", *options, stdin=text)
        return [json.loads(line) for line in lines.splitlines()]

    def messages(self):
        with open(self.path + ".messages.json", encoding="utf-8") as f:
            return json.load(f)

    def test_a_conversation_goes_on_where_it_was_left(self):
        whole = self.output(*SHORT, "--json", stdin="Hello\nAnd you?\nBye\n")
        whole = [json.loads(line) for line in whole.splitlines()]
        parts = [self.answers(line + "\n")[0]
                 for line in ("Hello", "And you?", "Bye")]
        for got, want in zip(parts, whole):
            self.assertEqual(got["text"], want["text"])
            self.assertEqual(got["reused_tokens"], want["reused_tokens"])
            self.assertEqual(got["prompt_tokens"], want["prompt_tokens"])
        self.assertEqual(len(self.messages()), 6)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["kept", "kept.messages.json"])
        for name in os.listdir(self.folder):
            mode = os.stat(os.path.join(self.folder, name)).st_mode
            self.assertEqual(mode & 0o777, 0o600, name)

    def test_what_was_computed_may_be_older_than_the_messages(self):
        whole = self.output(*SHORT, "--json", stdin="Hello\nAnd you?\nBye\n")
        whole = [json.loads(line) for line in whole.splitlines()]
        self.answers("Hello\n")
        shutil.copy(self.path, self.path + ".old")
        self.answers("And you?\n")
        os.replace(self.path + ".old", self.path)
        (last,) = self.answers("Bye\n")
        self.assertEqual(last["text"], whole[2]["text"])
        self.assertEqual(last["prompt_tokens"], whole[2]["prompt_tokens"])
        self.assertEqual(last["reused_tokens"], whole[1]["reused_tokens"])

    def test_commands_work_on_what_was_kept(self):
        (first,) = self.answers("Hello\n", "--system", "Be brief.")
        (again,) = self.answers("/regen\n")
        self.assertEqual(again["text"], first["text"])
        self.answers("/reset\n")
        self.assertEqual([m["role"] for m in self.messages()], ["system"])
        (anew,) = self.answers("Hello\n")
        self.assertEqual(anew["text"], first["text"])
        self.answers("/system\n")
        self.assertEqual(self.messages(), [])

    def test_where_nothing_was_said_nothing_is_written(self):
        self.assertEqual(self.answers(""), [])
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_cannot_be_taken_up_is_said_and_no_chat_begins(self):
        self.answers("Hello\n")
        for options, words in ((("--cache", "f32"), "F16"),
                               (("--context", "5"), "at most 5"),
                               (("--system", "No."), "another system text")):
            self.fails(FAILED, *self.keep, *options, stdin="Hi\n", says=words)
        with open(self.path, "r+b") as f:
            f.seek(1000)
            byte = f.read(1)
            f.seek(1000)
            f.write(bytes([byte[0] ^ 4]))
        self.fails(FAILED, *self.keep, stdin="Hi\n", says="damaged")
        os.remove(self.path)  # costs time and nothing else
        (answer,) = self.answers("And you?\n")
        self.assertEqual(answer["reused_tokens"], 0)
        self.assertEqual(len(self.messages()), 4)
        os.remove(self.path + ".messages.json")
        self.fails(FAILED, *self.keep, stdin="Hi\n", says="messages")
        self.file("kept.messages.json", [{"role": "tool", "content": "x"}])
        self.fails(FAILED, *self.keep, stdin="Hi\n", says="holds no messages")

    def test_what_cannot_be_kept_is_reported_and_the_chat_goes_on(self):
        done = self.run_phial(*SHORT, "--session", "/nowhere/at/all", "--json",
                              stdin="Hello\nBye\n")
        self.assertEqual(done.returncode, FAILED)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertIn(b"cannot write /nowhere/at/all", done.stderr)


class AtATerminal(Case):
    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        with Terminal(*LONG, "--stats") as t:
            t.expect(PROMPT)
            t.type("Hello\r")
            t.expect(ANSWERING)
            t.type("\x03")
            t.expect("stop: interrupted", 5)
            t.expect(PROMPT, 5)
            t.type("/quit\r")
            self.assertEqual(t.end(), OK)

    def test_the_chat_goes_on_after_an_answer_was_stopped(self):
        with Terminal(*LONG, "--stats") as t:
            for _ in range(3):
                t.expect(PROMPT)
                t.type("Hello\r")
                t.expect(ANSWERING)
                t.type("\x03")
                t.expect("answer: [1-9][0-9]* tokens.*interrupted", 5)
                t.type("\x03\x03")
            t.quiet(0.5)
            self.assertEqual(t.leave(), OK)

    def test_ctrl_c_at_the_prompt_gives_up_the_line(self):
        with Terminal(*SHORT, "--stats") as t:
            t.expect(PROMPT)
            t.type("rubbish")
            t.expect("rubbish")
            t.type("\x03")
            t.expect(r"\^C")
            t.type("/stats\r")
            t.expect("figures after each answer: off")
            t.type("\x03\x03")
            t.quiet(0.5)
            self.assertEqual(t.leave(), OK)

    def test_lines_are_edited_and_called_back(self):
        with Terminal(*SHORT) as t:
            t.expect(PROMPT)
            t.type("/statz\x7fs\r")
            t.expect("figures after each answer: on")
            t.expect(PROMPT)
            t.type("\x1b[A\r")
            t.expect("figures after each answer: off")
            t.expect(PROMPT)
            self.assertEqual(t.leave(), OK)

    def test_letters_beyond_ascii_can_be_typed(self):
        path = os.path.join(self.folder, "saved.json")
        for locale in ("C.UTF-8", "C"):
            env = environment(LC_ALL=locale)
            with Terminal(*SHORT, env=env) as t:
                t.expect(PROMPT)
                t.type("naïve 日本\r")
                t.expect("日本\r\n")
                t.expect(PROMPT)
                t.type(f"/save {path}\r")
                t.expect("saved.json\r\n")
                t.expect(PROMPT)
                self.assertEqual(t.leave(), OK)
            with open(path, encoding="utf-8") as f:
                self.assertEqual(json.load(f)[0]["content"], "naïve 日本")

    def test_colour_obeys_no_color_and_a_dumb_terminal(self):
        for changes, coloured in (({}, True), ({"NO_COLOR": "1"}, False),
                                  ({"NO_COLOR": ""}, True),
                                  ({"TERM": "dumb"}, False)):
            with Terminal(*SHORT, env=environment(**changes)) as t:
                t.expect(PROMPT)
                self.assertEqual(t.leave(), OK)
                self.assertEqual("\x1b[1m" in t.text, coloured, changes)


class RunAtATerminal(Case):
    def test_ctrl_c_ends_the_program_by_the_signal(self):
        with Terminal("run", ENDLESS, "--ignore-eos", "Hello") as t:
            t.quiet(0.5)
            t.type("\x03")
            self.assertEqual(t.end(5), -2)
            self.assertNotIn("phial:", t.text)

    def test_control_characters_of_an_answer_do_not_reach_the_terminal(self):
        with Terminal("tokenize", TINY, "--decode", self.escape_ids()) as t:
            self.assertEqual(t.end(), OK)
            self.assertNotIn("\x1b", t.text)
            self.assertIn("\ufffd", t.text)

    def escape_ids(self):
        t = self.json("tokenize", TINY, "-", stdin="a\x1b[31mb")
        return ",".join(str(p["id"]) for p in t["tokens"])


if __name__ == "__main__":
    cli_support.main()
