#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phial score, beside the same rules written down once more here, over logits
that the library (PHIAL_LIBRARY) gives one token at a time. Under a sanitizer
Python cannot load the library, and what needs it is skipped."""
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import cli_support
from cli_support import DEMO, FAILED, NO_MODEL, PROGRAM, TINY, USAGE, Case
from pseudo_terminal import Terminal

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../peers"))

import phial_logits  # noqa: E402

LIBRARY = os.environ.get("PHIAL_LIBRARY", "")
ENDLESS = cli_support.ENDLESS
OTHER = os.environ.get("PHIAL_OTHER", "")  # TINY with other weights
TEXT = ("What is 17 + 25? It is 42. The quick brown fox jumps over the lazy "
        "dog; na\u00efve caf\u00e9s serve 3 kinds of tea.\n") * 4
ROPE = {"auto": 0, "long": 2}


def stride_windows(n, context, stride):
    """(begin, first, end), as Hugging Face's page on perplexity has it."""
    windows, previous = [], 0
    for begin in range(0, n, stride):
        end = min(begin + context, n)
        first = max(previous, begin + 1)
        if first < end:
            windows.append((begin, first, end))
        previous = end
        if end == n:
            return windows
    return windows


def llama_windows(n, context):
    return [(i * context, i * context + context // 2 + 1, (i + 1) * context)
            for i in range(n // context)]


def log_softmax(x):
    top = max(x)
    total = top + math.log(sum(math.exp(v - top) for v in x))
    return [v - total for v in x]


class Scores:
    """Rows of log probabilities of one model."""

    def __init__(self, path, cache="f16"):
        self.path, self.cache, self.engines = path, cache, {}
        engine = self.engine(0)
        self.first_context = (
            engine.describe()["hyper_parameters"]["original_context"])
        self.longrope = engine.describe()["hyper_parameters"]["longrope"]

    def engine(self, rope):
        if rope not in self.engines:
            self.engines[rope] = phial_logits.Engine(
                LIBRARY, self.path, self.cache, rope=rope)
        return self.engines[rope]

    def encode(self, text):
        return self.engine(0).encode(text)

    def window(self, tokens, first):
        """Of each token from first on: the log softmax it is taken from."""
        crosses = self.longrope and len(tokens) > self.first_context
        engine = self.engine(ROPE["long" if crosses else "auto"])
        return [log_softmax(engine.logits(tokens[:i]))
                for i in range(first, len(tokens))]

    def all(self, tokens, windows, bos=None):
        """[(window, index, row)] of what is scored."""
        rows = []
        for w, (begin, first, end) in enumerate(windows):
            piece = list(tokens[begin:end])
            if bos is not None:
                piece[0] = bos
            for i, row in enumerate(self.window(piece, first - begin)):
                rows.append((w, first + i, row))
        return rows

    def close(self):
        for engine in self.engines.values():
            engine.close()


class Scored(Case):
    def setUp(self):
        super().setUp()
        self.text = self.file("text.txt", TEXT)

    def model(self, path, cache="f16"):
        if not LIBRARY:
            self.skipTest("no library that Python can load")
        scores = Scores(path, cache)
        self.addCleanup(scores.close)
        return scores

    def score(self, *options, model=TINY, text=None):
        """The figures, and the lines of the tokens."""
        lines = self.output("score", model, text or self.text, "--json",
                            "--tokens", "--bos", "no", *options).splitlines()
        values = [json.loads(line) for line in lines]
        return values[-1], values[:-1]

    def check_tokens(self, lines, tokens, rows):
        self.assertEqual([t["index"] for t in lines], [r[1] for r in rows])
        for line, (_, index, row) in zip(lines, rows):
            self.assertEqual(line["token"], tokens[index])
            self.assertAlmostEqual(line["logprob"], row[tokens[index]],
                                   delta=1e-6)


class Windows(Scored):
    def check(self, figures, lines, tokens, rows):
        self.check_tokens(lines, tokens, rows)
        nll = [-row[tokens[index]] for _, index, row in rows]
        mean = statistics.fmean(nll)
        error = statistics.stdev(nll) / math.sqrt(len(nll))
        self.assertEqual(figures["tokens"], len(tokens))
        self.assertEqual(figures["scored"], len(rows))
        self.assertAlmostEqual(figures["nll"], mean, delta=1e-6)
        self.assertAlmostEqual(figures["nll_error"], error, delta=1e-6)
        perplexity = math.exp(mean)
        self.assertAlmostEqual(figures["perplexity"] / perplexity, 1, delta=1e-6)
        self.assertAlmostEqual(figures["perplexity_error"] / perplexity, error,
                               delta=1e-6)
        bits = mean / math.log(2) * len(tokens) / len(TEXT.encode())
        self.assertAlmostEqual(figures["bits_per_byte"], bits, delta=1e-6)
        self.check_windows(figures, rows, nll, mean)

    def check_windows(self, figures, rows, nll, mean):
        sums = {}
        for (window, _, _), x in zip(rows, nll):
            sums[window] = sums.get(window, 0) + x - mean
        k = len(sums)
        self.assertEqual(figures["windows"], k)
        if k < 2:
            self.assertIsNone(figures["nll_error_by_windows"])
            return
        error = math.sqrt(k / (k - 1) * sum(x * x for x in sums.values()))
        self.assertAlmostEqual(figures["nll_error_by_windows"],
                               error / len(nll), delta=1e-6)

    def test_a_window_every_stride(self):
        model = self.model(TINY)
        tokens = model.encode(TEXT)
        for context, stride in ((50, 20), (40, 40), (256, 100), (9, 1)):
            with self.subTest(context=context, stride=stride):
                figures, lines = self.score("--context", str(context),
                                            "--stride", str(stride))
                windows = stride_windows(len(tokens), context, stride)
                self.check(figures, lines, tokens, model.all(tokens, windows))
                self.assertEqual((figures["context"], figures["stride"]),
                                 (context, stride))

    def test_half_a_window_unless_told_otherwise(self):
        n = self.score()[0]["tokens"]
        figures, lines = self.score("--context", "40")
        self.assertEqual(figures["stride"], 20)
        self.assertEqual([t["index"] for t in lines], list(range(1, n)))
        self.assertEqual(self.score("--context", "41")[0]["stride"], 21)
        self.assertEqual(self.score()[0]["context"], 256)

    def test_llama_perplexitys_windows(self):
        model = self.model(TINY)
        tokens = model.encode(TEXT)
        for context in (32, 33):
            figures, lines = self.score("--context", str(context),
                                        "--windows", "llama")
            windows = llama_windows(len(tokens), context)
            self.check(figures, lines, tokens, model.all(tokens, windows))
            self.assertIsNone(figures["stride"])

    def test_bos_stands_before_the_text_or_in_each_window(self):
        plain = [t["token"] for t in self.score("--context", "64")[1]]
        lines = self.output("score", TINY, self.text, "--json", "--tokens",
                            "--bos", "yes", "--context", "64").splitlines()
        shifted = [json.loads(line) for line in lines[:-1]]
        self.assertEqual([t["token"] for t in shifted][1:], plain)
        model = self.model(TINY)
        tokens = model.encode(TEXT)
        bos = model.engine(0).describe()["metadata"][
            "tokenizer.ggml.bos_token_id"]
        lines = self.output("score", TINY, self.text, "--json", "--tokens",
                            "--bos", "yes", "--context", "32", "--windows",
                            "llama").splitlines()
        tokens = [bos, *tokens]
        rows = model.all(tokens, llama_windows(len(tokens), 32), bos)
        self.check_tokens([json.loads(x) for x in lines[:-1]], tokens, rows)

    def test_the_pieces_of_a_window_do_not_show(self):
        one = self.score("--context", "200", "--stride", "200", "-t", "1")
        self.assertEqual(one, self.score("--context", "200", "--stride", "200",
                                         "-t", "3"))

    def test_a_text_shorter_than_a_window_is_one(self):
        model = self.model(DEMO)
        tokens = model.encode("What is 17 + 25?")
        path = self.file("short.txt", "What is 17 + 25?")
        figures, lines = self.score(model=DEMO, text=path)
        rows = model.all(tokens, [(0, 1, len(tokens))])
        self.check_tokens(lines, tokens, rows)
        self.assertEqual(figures["windows"], 1)

    def test_standard_input_and_plain_text(self):
        text = self.output("score", TINY, "-", "--context", "64", stdin=TEXT)
        figures = self.json("score", TINY, self.text, "--context", "64")
        self.assertIn(f"{figures['scored']} scored of {figures['tokens']}",
                      text)
        shown = re.search(r"^perplexity +(\S+) \+- (\S+)$", text, re.M)
        for i, key in enumerate(("perplexity", "perplexity_error")):
            self.assertAlmostEqual(float(shown.group(i + 1)), figures[key],
                                   delta=1e-3)

    def test_control_tokens_are_text_unless_asked_for(self):
        path = self.file("special.txt", "Hello<|end|> you<|end|>")
        plain = self.json("score", TINY, path)["tokens"]
        self.assertLess(self.json("score", TINY, path, "--special")["tokens"],
                        plain)


class Reference(Scored):
    def test_a_model_is_no_distance_from_itself(self):
        figures, lines = self.score("--reference", TINY, "--context", "64")
        other = figures["reference"]
        self.assertEqual(other["kl_max"], 0)
        self.assertEqual((other["ratio"], other["ratio_error"]), (1, 0))
        self.assertEqual((other["same_top"], other["same_top_error"]), (1, 0))
        self.assertEqual(other["perplexity"], figures["perplexity"])
        self.assertTrue(all(t["same_top"] for t in lines))

    def test_figures_are_those_of_both_distributions(self):
        model, other = self.model(TINY), self.model(OTHER)
        tokens = model.encode(TEXT)
        windows = stride_windows(len(tokens), 60, 30)
        q, p = (m.all(tokens, windows) for m in (model, other))
        kl, same, ratio = [], [], []
        for (_, index, a), (_, _, b) in zip(p, q):
            kl.append(sum(math.exp(x) * (x - y) for x, y in zip(a, b)))
            same.append(float(a.index(max(a)) == b.index(max(b))))
            ratio.append(a[tokens[index]] - b[tokens[index]])
        figures, lines = self.score("--reference", OTHER,
                                    "--context", "60", "--stride", "30")
        got = figures["reference"]
        for line, x in zip(lines, kl):
            self.assertAlmostEqual(line["kl"], x, delta=1e-6)
        order = sorted(kl)
        place = 0.99 * (len(kl) - 1)
        i = int(place)
        near = order[i] + (place - i) * (order[i + 1] - order[i])
        factor = math.exp(statistics.fmean(ratio))
        root = math.sqrt(len(kl))
        for key, want in (
                ("kl", statistics.fmean(kl)), ("kl_max", order[-1]),
                ("kl_error", statistics.stdev(kl) / root),
                ("kl_median", statistics.median(kl)), ("kl_99", near),
                ("same_top", statistics.fmean(same)),
                ("same_top_error", statistics.stdev(same) / root),
                ("ratio", factor),
                ("ratio_error", factor * statistics.stdev(ratio) / root)):
            self.assertAlmostEqual(got[key], want, delta=1e-5 * max(1, want),
                                   msg=key)
        self.assertLessEqual(got["kl_99"], got["kl_99_9"])
        self.assertLessEqual(got["kl_99_9"], got["kl_max"])

    def test_models_of_different_vocabularies_are_refused(self):
        self.fails(FAILED, "score", TINY, self.text, "--reference", DEMO,
                   says=["vocabulary", os.path.basename(DEMO)])
        self.fails(NO_MODEL, "score", TINY, self.text, "-r", "/nowhere.gguf",
                   says="nowhere.gguf")


class Lines(Scored):
    def lines(self, requests, *options, code=0, model=TINY):
        text = "\n".join(r if isinstance(r, str) else json.dumps(r)
                         for r in requests)
        done = self.run_phial("score", model, "--lines", "-", *options,
                              stdin=text)
        self.assertEqual(done.returncode, code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_the_log_probability_of_each_completion(self):
        model = self.model(DEMO)
        asked = [("What is 17 + 25? ", "It is 42."),
                 ("What is 17 + 25? ", "Nobody knows."),
                 ("What", " is"), ("A sto", "ry of a fox"), ("What", " is")]
        got = self.lines([{"prompt": p, "completion": c, "id": i}
                          for i, (p, c) in enumerate(asked)], "--bos", "no",
                         model=DEMO)
        for i, (prompt, completion) in enumerate(asked):
            before, tokens = model.encode(prompt), model.encode(
                prompt + completion)
            first = len(os.path.commonprefix([before, tokens]))
            rows = model.window(tokens, first)
            want = sum(r[t] for r, t in zip(rows, tokens[first:]))
            self.assertEqual((got[i]["line"], got[i]["id"]), (i + 1, i))
            self.assertEqual(got[i]["tokens"], len(rows))
            self.assertAlmostEqual(got[i]["logprob"], want, delta=1e-4)
            self.assertAlmostEqual(got[i]["mean"], want / len(rows), delta=1e-4)

    def test_what_came_before_does_not_show(self):
        asked = [{"prompt": f"Question {i % 3}: what is it? ",
                  "completion": f"Answer {i}."} for i in range(9)]
        together = self.lines(asked)
        for i, request in enumerate(asked):
            alone = self.lines([request])[0]
            self.assertEqual(alone["logprob"], together[i]["logprob"])

    def test_lines_that_cannot_be_scored_say_why(self):
        good = {"prompt": "Hello", "completion": " you"}
        got = self.lines(
            [good, "{", "[]", {"prompt": "a"}, {"prompt": "a", "completion": 5},
             {"prompt": "a", "completion": ""}, {"prompt": "", "completion":
                                                 "a"},
             {"prompt": "word " * 400, "completion": "a"}, "", good],
            "--bos", "no", code=FAILED)
        self.assertEqual([x["line"] for x in got],
                         [1, 2, 3, 4, 5, 6, 7, 8, 10])
        self.assertEqual(got[0]["logprob"], got[-1]["logprob"])
        for i, word in ((1, "JSON"), (2, "completion"), (3, "completion"),
                        (4, "completion"), (5, "no tokens"), (6, "BOS"),
                        (7, "256")):
            self.assertIn(word, got[i]["error"])


class Errors(Scored):
    def test_texts_that_cannot_be_scored(self):
        for content, words in ((b"", "empty"), (b"caf\xe9 au lait", "byte 3"),
                               (b"ab\xe2\x82", "byte 2"), (b"a", "1 token")):
            path = self.file("bad.txt", content)
            self.fails(FAILED, "score", TINY, path, "--bos", "no", says=words)
        self.fails(FAILED, "score", TINY, "/nowhere.txt", says="/nowhere.txt")
        path = self.file("short.txt", "One two three.")
        self.fails(FAILED, "score", TINY, path, "--windows", "llama",
                   says=["whole windows", "256"])

    def test_windows_that_make_no_sense(self):
        for options, words in (
                (["--stride", "41", "--context", "40"], "41"),
                (["--context", "3"], "too short"),
                (["--stride", "9", "--windows", "llama"], "--stride"),
                (["--tokens"], "--json"),
                (["--lines", "x"], "--lines")):
            self.fails(USAGE, "score", TINY, self.text, *options, says=words)
        self.fails(USAGE, "score", TINY, says="missing")
        self.fails(USAGE, "score", TINY, "--lines", "x", "--stride", "3")
        self.fails(FAILED, "score", TINY, self.text, "--context", "257",
                   says="257")


class Interrupted(Scored):
    def test_ctrl_c_leaves_the_figures_of_what_was_scored(self):
        path = self.file("long.txt", "Some words that go on and on. " * 40000)
        with subprocess.Popen(
                [PROGRAM, "score", ENDLESS, path, "--json", "--tokens",
                 "--bos", "no"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=cli_support.environment()) as p:
            first = json.loads(p.stdout.readline())
            self.assertEqual(first["index"], 1)
            time.sleep(0.01)
            p.send_signal(signal.SIGINT)
            rest = p.stdout.read().splitlines()
            error = p.stderr.read().decode()
            self.assertEqual(p.wait(60), -signal.SIGINT)
        figures = json.loads(rest[-1])
        self.assertTrue(figures["interrupted"])
        self.assertEqual(figures["scored"], len(rest))
        self.assertIn(f"interrupted: {len(rest)} of", error)
        nll = -statistics.fmean([json.loads(x)["logprob"] for x in rest[:-1]]
                                + [first["logprob"]])
        self.assertAlmostEqual(figures["nll"], nll, delta=1e-6)

    def test_a_terminal_shows_how_far_it_is_and_how_long_it_takes(self):
        path = self.file("long.txt", "Some words that go on and on. " * 40000)
        with Terminal("score", ENDLESS, path) as t:
            t.expect(r"\d+/\d+ tokens scored, perplexity [0-9.e+]+, "
                     r"[0-9.]+ tokens/s, (\d+:)?\d+:\d\d left")
            t.type("\x03")
            t.expect(r"interrupted: \d+ of \d+ tokens are scored")
            t.expect(r"perplexity +\d")
            self.assertEqual(t.end(), -signal.SIGINT)

    def test_lines_end_where_they_stand(self):
        path = self.file("lines.jsonl", (json.dumps(
            {"prompt": "Some words", "completion": " that go on"})
            + "\n") * 100000)
        with subprocess.Popen([PROGRAM, "score", TINY, "--lines", path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=cli_support.environment()) as p:
            p.stdout.readline()
            p.send_signal(signal.SIGINT)
            lines = p.stdout.read()
            self.assertEqual(p.wait(60), -signal.SIGINT)
            self.assertIn(b"interrupted: ", p.stderr.read())
        self.assertTrue(all(json.loads(x) for x in lines.splitlines()))


if __name__ == "__main__":
    cli_support.main()
