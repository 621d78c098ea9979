#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial batch: what a line asks for and what it gets. Answers must be those
that phial run gives alone, whatever runs beside them."""
import json
import os
import re
import subprocess

import cli_support
from cli_support import ENDLESS, FAILED, OK, PROGRAM, TINY, USAGE, Case
from pseudo_terminal import Terminal


def chat(text, **body):
    body.setdefault("max_tokens", 24)
    return {"messages": [{"role": "user", "content": text}], **body}


def request(name, text="Hello", **body):
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions",
            "body": chat(text, **body)}


def lines_of(requests):
    return "".join(json.dumps(r) + "\n" for r in requests)


def mixed(n):
    """Requests that differ in length, in what they share and in choice."""
    texts = ("Hello", "Be brief. " * 12 + "Why?", "naïve 日本語 🙂", "x")
    return [request(f"r{i}", f"{texts[i % 4]} {i // 8}", max_tokens=1 + 9 * i % 31,
                    seed=i, temperature=(0, 1.5, 0.7)[i % 3], ignore_eos=True)
            for i in range(n)]


class BatchCase(Case):
    """Requests are given as lines; results come from standard output."""

    def batch(self, lines, *options, model=TINY, code=OK):
        if not isinstance(lines, (str, bytes)):
            lines = lines_of(lines)
        done = self.run_phial("batch", model, "-", "-o", "-", "--in-order",
                              "--quiet", *options, stdin=lines)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(bool(done.stderr), code != OK, done.stderr)
        return done.stdout

    def results(self, lines, *options, **named):
        text = self.batch(lines, *options, **named).decode("utf-8", "strict")
        self.assertTrue(not text or text.endswith("\n"))
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def answer(self, r, *options, **named):
        (result,) = self.results([r], *options, **named)
        self.assertIsNone(result["error"])
        return result["response"]["body"]

    def refused(self, line, code, *says):
        """The line gets an error; one before and one behind are answered."""
        good = lines_of([request("good")]).encode()
        if not isinstance(line, bytes):
            line = json.dumps(line).encode()
        first, bad, last = self.results(
            good + line + b"\n" + good.replace(b'"good"', b'"last"'),
            code=FAILED)
        self.assertIsNone(bad["response"])
        self.assertEqual(bad["error"].keys(), {"code", "message"})
        self.assertEqual(bad["error"]["code"], code, bad)
        for words in says:
            self.assertIn(words, bad["error"]["message"])
        self.assertIsNone(first["error"] or last["error"])
        return bad


class Answers(BatchCase):
    def same_as_run(self, body, *arguments):
        a = self.json("run", TINY, *arguments)
        body = self.answer({"body": body})
        (choice,) = body["choices"]
        text = choice["message"]["content"] if "message" in choice \
            else choice["text"]
        self.assertEqual(text, a["text"])
        self.assertEqual(body["usage"]["completion_tokens"], a["tokens"])
        self.assertEqual(choice["finish_reason"],
                         "length" if a["stop"] in ("length", "context")
                         else "stop")
        return body

    def test_a_result_has_the_shape_of_openais(self):
        (r,) = self.results([request("my id é")])
        self.assertEqual(list(r), ["id", "custom_id", "response", "error"])
        self.assertEqual((r["custom_id"], r["error"]), ("my id é", None))
        self.assertEqual(r["response"]["status_code"], 200)
        self.assertTrue(r["response"]["request_id"])
        body = r["response"]["body"]
        self.assertEqual(body["object"], "chat.completion")
        self.assertEqual(body["model"], os.path.basename(TINY))
        (choice,) = body["choices"]
        self.assertEqual(choice["index"], 0)
        self.assertEqual(choice["message"]["role"], "assistant")
        usage = body["usage"]
        self.assertEqual(usage["total_tokens"],
                         usage["prompt_tokens"] + usage["completion_tokens"])
        prompt = self.json("run", TINY, "-n", "1", "Hello")["prompt_tokens"]
        self.assertEqual(usage["prompt_tokens"], prompt)

    def test_a_chat_gets_what_run_says(self):
        self.same_as_run(chat("Hello"), "-n", "24", "Hello")
        self.same_as_run(
            {"messages": [{"role": "system", "content": "Be brief."},
                          {"role": "user", "content": "Hi"}],
             "max_completion_tokens": 9},
            "-n", "9", "--system", "Be brief.", "Hi")

    def test_a_prompt_is_continued_as_run_raw_does(self):
        body = self.same_as_run({"prompt": "Once", "max_tokens": 12},
                                "--raw", "-n", "12", "Once")
        self.assertEqual(body["object"], "text_completion")

    def test_tools_are_part_of_the_prompt(self):
        tools = [{"type": "function", "function": {
            "name": "f", "description": "d",
            "parameters": {"type": "object", "properties": {}}}}]
        self.same_as_run(chat("Hello", tools=tools), "-n", "24", "--tools",
                         self.file("t.json", tools), "Hello")

    def test_the_choice_of_tokens_is_that_of_the_options(self):
        (piece,) = self.json("tokenize", TINY, "a")["tokens"]
        text = self.json("run", TINY, "-n", "24", "Hello")["text"]
        for body, options in (
                ({"temperature": 1.5, "seed": 7}, "--temp 1.5 --seed 7"),
                ({"temperature": 2, "seed": 0, "top_p": 0.5},
                 "--temp 2 --seed 0 --top-p 0.5"),
                ({"temperature": 2, "seed": 3, "top_k": 4, "min_p": 0.1},
                 "--temp 2 --seed 3 --top-k 4 --min-p 0.1"),
                ({"presence_penalty": 2, "frequency_penalty": 1},
                 "--presence-penalty 2 --frequency-penalty 1"),
                ({"repeat_penalty": 1.3}, "--repeat-penalty 1.3"),
                ({"logit_bias": {str(piece["id"]): 100}},
                 f"--bias {piece['id']}=100"),
                ({"stop": text[3:5]}, f"--stop={text[3:5]}"),
                ({"stop": ["zzz", text[4:6]]}, f"--stop={text[4:6]}"),
                ({"ignore_eos": True}, "--ignore-eos")):
            with self.subTest(body=body):
                self.same_as_run(chat("Hello", **body), "-n", "24",
                                 *options.split(" "), "Hello")

    def test_the_command_line_holds_where_a_request_says_nothing(self):
        plain = request("a")
        del plain["body"]["max_tokens"]
        a, b = (self.answer(r, "-n", "5", "--ignore-eos")["usage"]
                for r in (plain, request("b", max_tokens=7)))
        self.assertEqual(a["completion_tokens"], 5)
        self.assertEqual(b["completion_tokens"], 7)
        own = self.answer(request("c", stop="zzz"), "--stop", "e")
        self.assertEqual(own["choices"], self.answer(plain, "-n", "24")
                         ["choices"])

    def test_a_full_context_ends_an_answer(self):
        body = self.answer(request("a", max_tokens=1000, ignore_eos=True),
                           "--context", "32")
        self.assertEqual(body["usage"]["total_tokens"], 32)
        self.assertEqual(body["choices"][0]["finish_reason"], "length")

    def test_fields_without_meaning_here_are_allowed(self):
        body = self.answer(request(
            "a", model="gpt-4o", user="u", metadata={"a": "b"}, store=True,
            stream=False, n=1, temperature=None, stop=None, tools=None,
            tool_choice="auto", response_format={"type": "text"}))
        self.assertEqual(body["choices"],
                         self.answer(request("a"))["choices"])

    def test_what_differs_from_run_to_run_is_there_on_demand(self):
        a, b = (r["response"]["body"] for r in self.results(
            [request("a", "word " * 80), request("b", "word " * 80)],
            "--times", "-p", "1"))
        self.assertGreater(a["created"], 1600000000)
        self.assertGreaterEqual(b["seconds"], 0)
        cached = [x["usage"]["prompt_tokens_details"]["cached_tokens"]
                  for x in (a, b)]
        self.assertEqual(cached[0], 0)
        self.assertGreater(cached[1], 0)
        self.assertLess(cached[1], b["usage"]["prompt_tokens"])


class SideBySide(BatchCase):
    def test_the_same_bytes_for_any_number_of_sessions_and_threads(self):
        requests = mixed(40)
        alone = self.batch(requests, "-p", "1", "-t", "1")
        for options in ("-p 3 -t 1", "-p 8 -t 2", "-p 70 -t 2",
                        "-p 3 -t 2 --cache-limit 1"):
            self.assertEqual(self.batch(requests, *options.split()), alone)
        for r, line in list(zip(requests, alone.splitlines()))[:6]:
            body = r["body"]
            a = self.json("run", TINY, "--ignore-eos", "-n",
                          str(body["max_tokens"]), "--seed", str(body["seed"]),
                          "--temp", str(body["temperature"]),
                          body["messages"][0]["content"])
            (choice,) = json.loads(line)["response"]["body"]["choices"]
            self.assertEqual(choice["message"]["content"], a["text"])

    def test_results_come_as_they_are_ready_or_in_order(self):
        requests = [request(f"r{i}", max_tokens=1 if i else 200,
                            ignore_eos=True) for i in range(300)]
        path = self.file("in.jsonl", lines_of(requests))
        ordered = self.batch(requests).splitlines()
        done = self.run_phial("batch", TINY, path, "-o", "-", "-q", "-p", "2")
        ready = done.stdout.splitlines()
        self.assertEqual(sorted(ready), sorted(ordered))
        self.assertEqual([json.loads(x)["custom_id"] for x in ordered],
                         [r["custom_id"] for r in requests])
        self.assertGreater(ready.index(ordered[0]), 0)

    def test_what_the_cache_cannot_hold_waits_or_is_refused(self):
        requests = [request(f"r{i}", f"{i} " * 9, max_tokens=150,
                            ignore_eos=True) for i in range(12)]
        options = ("--cache", "f32", "-p", "12")
        self.assertEqual(
            self.batch(requests, *options, "--cache-limit", "1",
                       model=ENDLESS),
            self.batch(requests, *options, model=ENDLESS))
        requests.insert(3, request("big", max_tokens=2000, ignore_eos=True))
        results = self.results(requests, *options, "--cache-limit", "1",
                               model=ENDLESS, code=FAILED)
        self.assertEqual([r["custom_id"] for r in results if r["error"]],
                         ["big"])
        self.assertEqual(results[3]["error"]["code"], "out_of_memory")

    def test_a_pipe_is_read_as_it_comes(self):
        with subprocess.Popen(
                [PROGRAM, "batch", TINY, "-", "-o", "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE) as p:
            for name in ("a", "b", "a"):
                p.stdin.write(lines_of([request(name)]).encode())
                p.stdin.flush()
                result = json.loads(p.stdout.readline())
                self.assertEqual(result["custom_id"], name)
            self.assertEqual(result["error"]["code"], "duplicate_custom_id")
            p.stdin.close()
            self.assertEqual(p.wait(60), FAILED)


class Lines(BatchCase):
    def test_nothing_asks_for_nothing(self):
        for text in ("", "\n", "\r\n \n\t\n", b"\xef\xbb\xbf"):
            self.assertEqual(self.batch(text), b"")

    def test_line_ends_marks_and_blanks_do_not_matter(self):
        a, b = request("a"), chat("Hello")
        plain = self.batch(lines_of([a]) + "\n" + lines_of([b]))
        self.assertEqual(json.loads(plain.splitlines()[1])["custom_id"], "3")
        text = f"\ufeff {json.dumps(a)}\r\n\r\n{json.dumps(b)} \r"
        self.assertEqual(self.batch(text), plain)

    def test_lines_that_are_not_json(self):
        for line in (b"{", b"oops", b'{"messages": []} 5', b"\0", b'"\xff"',
                     b'{"prompt": "caf\xe9"}', b'{"prompt": "a\0b"}',
                     b'{"prompt": "a", "prompt": "b"}', b"[" * 100000,
                     b'{"prompt": "\\ud800"}'):
            bad = self.refused(line, "invalid_json", "column")
            self.assertEqual(bad["custom_id"], "2")

    def test_a_line_that_is_too_long(self):
        long = b'{"prompt": "' + b"x" * (17 << 20) + b'"}'
        self.refused(long, "line_too_long", "16777216 bytes")

    def test_lines_that_are_no_requests(self):
        messages = [{"role": "user", "content": "Hi"}]
        for line, *says in (
                (5, "JSON"), ([], "object"), ({}, "neither"),
                ({"body": 5}, '"body"'), ({"body": {}}, "neither"),
                ({"messages": 5}, '"messages"', "array"),
                ({"prompt": ["a"]}, '"prompt"', "text"),
                ({"prompt": "a", "messages": messages}, "both"),
                ({"prompt": "a", "tools": []}, '"tools"'),
                ({"messages": [{"role": "king", "content": "a"}]}, "role"),
                ({"messages": messages, "tools": [5]},),
                ({"messages": messages, "answer": 1}, '"answer"'),
                ({"custom_id": 5, "prompt": "a"}, '"custom_id"'),
                ({"custom_id": "x" * 600, "prompt": "a"}, '"custom_id"'),
                (dict(request("a"), method="GET"), '"method"', "POST"),
                (dict(request("a"), url="/v1/embeddings"), '"url"'),
                (dict(request("a"), url="/v1/completions"), "prompt"),
                (dict(request("a"), extra=1), '"extra"')):
            with self.subTest(line=line):
                if line == 5:
                    self.refused(line, "invalid_json")
                else:
                    self.refused(line, "invalid_request", *says)

    def test_fields_out_of_range_are_named(self):
        for key, value, *says in (
                ("temperature", -1, "from 0 to 100"),
                ("temperature", 1e300, "from 0 to 100"),
                ("temperature", "hot", "number"), ("top_p", 1.5),
                ("top_p", 0), ("max_tokens", 0, "from 1"),
                ("max_tokens", 1.5, "whole"), ("max_completion_tokens", "5"),
                ("seed", -1), ("seed", True), ("top_k", 1 << 40),
                ("stop", 5), ("stop", ""), ("stop", ["a", ""]),
                ("stop", ["x"] * 17), ("logit_bias", []),
                ("logit_bias", {"x": 1}, '"x"'), ("logit_bias", {"1": "x"}),
                ("logit_bias", {"1": 1e9}), ("logit_bias", {"99999999": 1}),
                ("presence_penalty", 1000), ("ignore_eos", 1), ("n", 2),
                ("stream", True), ("logprobs", True),
                ("tool_choice", "required"),
                ("response_format", {"type": "json_object"})):
            with self.subTest(key=key, value=value):
                bad = self.refused(request("bad", **{key: value}),
                                   "invalid_request", *says)
                self.assertEqual(bad["custom_id"], "bad")
                self.assertRegex(bad["error"]["message"],
                                 key.replace("logit_", ""))
        self.refused(request("a", max_tokens=1, max_completion_tokens=2),
                     "invalid_request", "differ")

    def test_a_prompt_that_does_not_fit(self):
        self.refused(request("a", "word " * 400), "context_length_exceeded",
                     "256")

    def test_a_name_that_was_used_before(self):
        names = ["a", "a", "b", "3", "a"]
        results = self.results([request(n) for n in names[:4]] +
                               [chat("Hello"), request("a")], code=FAILED)
        self.assertEqual([bool(r["error"]) for r in results],
                         [False, True, False, False, False, True])
        self.assertEqual(results[4]["custom_id"], "5")
        self.assertEqual(results[1]["error"]["code"], "duplicate_custom_id")


class Reports(BatchCase):
    def run_batch(self, requests, *options):
        path = self.file("in.jsonl", lines_of(requests))
        return self.run_phial("batch", TINY, path, "-o", "-", *options)

    def test_totals_go_to_standard_error(self):
        done = self.run_batch([request("a", max_tokens=5, ignore_eos=True),
                               request("b", max_tokens=7, ignore_eos=True)])
        self.assertEqual(done.returncode, OK)
        self.assertRegex(done.stderr.decode(),
                         r"\Arequests: 2 \(0 failed, .*answers: 12 tokens, "
                         r"[\d.]+ tokens/s\n\Z")
        self.assertEqual(self.run_batch([request("a")], "-q").stderr, b"")

    def test_failures_are_counted_and_make_the_exit_code(self):
        done = self.run_batch([request("a"), request("b", n=2)], "-q")
        self.assertEqual(done.returncode, FAILED)
        self.assertRegex(done.stderr.decode(),
                         r"\Aphial: 1 of 2 requests failed[^\n]*\n\Z")

    def test_a_terminal_sees_progress(self):
        path = self.file("in.jsonl", lines_of(
            request(f"r{i}", max_tokens=20000, ignore_eos=True)
            for i in range(3)))
        out = os.path.join(self.folder, "out.jsonl")
        with Terminal("batch", ENDLESS, path, "-o", out) as t:
            t.expect(r"0/3 requests, [\d.]+ tokens/s")
            t.type("\x03")
            t.end()
        self.assertFalse(os.path.exists(out))
        with Terminal("batch", TINY, path, "-q", "-o", out) as t:
            self.assertEqual(t.end(), OK)
            self.assertEqual(re.sub(r"\s", "", t.plain()), "")


class Usage(Case):
    def test_what_is_missing_is_named(self):
        for arguments, says in (((), "model"), ((TINY,), "requests"),
                                ((TINY, "in"), "--output"),
                                ((TINY, "in", "-o", "-", "--resume"),
                                 "--resume"),
                                ((TINY, "in", "-o", "x", "-p", "0"),
                                 "--parallel")):
            self.fails(USAGE, "batch", *arguments, says=says)


if __name__ == "__main__":
    cli_support.main()
