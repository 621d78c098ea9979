#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tokenize, inspect, estimate and bench on a tiny model."""
import json

import cli_support
from cli_support import FAILED, TINY, Case


class Tokenize(Case):
    TEXTS = ("Hello world", " two  spaces ", "naïve café 12345", "日本語 🙂",
             "a\nb\tc", "<|end|>")

    def test_ids_and_pieces_make_up_the_text(self):
        for text in self.TEXTS:
            t = self.json("tokenize", TINY, text)
            self.assertEqual(t["count"], len(t["tokens"]))
            pieces = "".join(p["text"] for p in t["tokens"])
            if "\ufffd" not in pieces:
                self.assertEqual(pieces.strip(" "), text.strip(" "))
            ids = ",".join(str(p["id"]) for p in t["tokens"])
            back = self.json("tokenize", TINY, "--decode", ids)["text"]
            self.assertEqual(back.strip(" "), text.strip(" "))
            self.assertEqual(self.output("tokenize", TINY, "--count", text),
                             f"{t['count']}\n")

    def test_lines_hold_what_the_json_holds(self):
        t = self.json("tokenize", TINY, "Hello world")
        lines = self.output("tokenize", TINY, "Hello world").splitlines()
        self.assertEqual([(int(a), json.loads(b)) for a, b in
                          (line.split(None, 1) for line in lines)],
                         [(p["id"], p["text"]) for p in t["tokens"]])

    def test_control_tokens_are_text_unless_asked_for(self):
        plain = self.json("tokenize", TINY, "<|end|>")["count"]
        special = self.json("tokenize", TINY, "<|end|>", "--special")["count"]
        self.assertGreater(plain, 1)
        self.assertEqual(special, 1)

    def test_nothing_has_no_tokens(self):
        self.assertEqual(self.json("tokenize", TINY, ""),
                         {"count": 0, "tokens": []})
        self.assertEqual(self.output("tokenize", TINY, stdin=""), "")

    def test_standard_input_may_hold_any_character(self):
        text = "a\0b"
        t = self.json("tokenize", TINY, "-", stdin=text)
        self.assertEqual("".join(p["text"] for p in t["tokens"]).strip(" "),
                         text)


class Inspect(Case):
    def test_the_description_is_an_object_and_readable(self):
        description = self.json("inspect", TINY)
        self.assertIsInstance(description, dict)
        text = self.output("inspect", TINY)
        for key in description:
            self.assertIn(key, text)
        for line in text.splitlines():
            self.assertLess(len(line), 200)


class Estimate(Case):
    def test_the_parts_make_up_the_total(self):
        m = self.json("estimate", TINY)
        self.assertEqual(m["total"],
                         m["weights"] + m["cache"] + m["scratch"])
        self.assertGreater(m["weights"], 0)

    def test_the_cache_grows_with_the_context_and_its_format(self):
        def cache(context, form):
            return self.json("estimate", TINY, "--context", context,
                             "--cache", form)["cache"]
        self.assertLess(cache("64", "f16"), cache("128", "f16"))
        self.assertLess(cache("128", "f16"), cache("128", "f32"))
        self.assertLess(cache("128", "q8"), cache("128", "f16"))

    def test_people_get_units(self):
        text = self.output("estimate", TINY)
        self.assertRegex(text, r"(?m)^weights +[\d.]+ (bytes|[KMG]iB) ")
        self.assertRegex(text, r"(?m)^total ")


class Bench(Case):
    QUICK = ("-p", "8", "-n", "4", "-r", "1")

    def check_series(self, series):
        self.assertGreater(series["min"], 0)
        self.assertLessEqual(series["min"], series["median"])
        self.assertLessEqual(series["median"], series["max"])

    def test_every_figure_has_a_median_and_a_spread(self):
        b = self.json("bench", TINY, "--prompt", "16", "--decode", "8",
                      "--repeat", "3")
        self.assertEqual(b["rounds"], 3)
        engine, = b["engines"]
        for name in ("load_seconds", "first_token_seconds",
                     "read_bytes_per_second"):
            self.check_series(engine[name])
        self.assertGreater(engine["peak_resident_bytes"], 100000)
        self.assertGreaterEqual(engine["threads"], 1)
        self.assertEqual([(r["work"], r["tokens"]) for r in b["results"]],
                         [("prefill", 16), ("decode", 8), ("generate", 8)])
        for result in b["results"]:
            self.check_series(result["tokens_per_second"])

    def test_every_combination_is_measured(self):
        b = self.json("bench", TINY, "-p", "8,12", "-n", "4", "-r", "1",
                      "--depth", "0,20", "--threads", "1,2", "--isa",
                      "portable,best", "--cache", "f32,f16")
        self.assertEqual([(e["isa"], e["threads"]) for e in b["engines"]],
                         [("portable", 1), ("portable", 2), ("best", 1),
                          ("best", 2)])
        found = {(r["isa"], r["threads"], r["cache"], r["depth"], r["work"],
                  r["tokens"]) for r in b["results"]}
        self.assertEqual(len(found), 2 * 2 * 2 * 2 * 4)
        self.assertIn(("best", 2, "f16", 20, "prefill", 12), found)

    def test_work_is_counted_from_the_shape(self):
        # 2 layers, width 192, 6 heads and 2 of keys of 32, inner width 256
        b = self.json("bench", TINY, "--cache", "f32", "--depth", "10",
                      *self.QUICK)
        vocabulary = self.json(
            "inspect", TINY)["hyper_parameters"]["vocabulary"]
        layer = 192 * (192 + 2 * 64) + 192 * 192 + 3 * 192 * 256
        prefill, decode, _ = b["results"]
        self.assertAlmostEqual(
            prefill["macs_per_token"],
            2 * (layer + 2 * 192 * (10 + 4.5)) + vocabulary * 192 / 8)
        weights = self.json("inspect", TINY)["weight_bytes"]
        per_token = 2 * 2 * 64 * 4 + 320 / 64  # pages of 64 have a head of 320
        self.assertAlmostEqual(decode["bytes_per_token"],
                               weights + per_token * 12.5, delta=10)

    def test_several_sessions_at_once(self):
        b = self.json("bench", TINY, "--batch", "1,3", *self.QUICK)
        batches = [r for r in b["results"] if r["work"] == "batch"]
        self.assertEqual([r["sessions"] for r in batches], [1, 3])
        self.assertNotIn("longest_wait_seconds", batches[0])
        self.assertGreater(batches[1]["longest_wait_seconds"]["median"], 0)
        for result in batches:
            self.check_series(result["tokens_per_second"])
            self.assertGreater(result["share_of_int8_macs"], 0)

    def test_words_are_written_with_and_without_guesses(self):
        words = self.file("words", "a few words that come again " * 10)
        b = self.json("bench", TINY, "--text", words, *self.QUICK)
        text = [r for r in b["results"] if "plain" in r]
        self.assertEqual([r["work"] for r in text], ["prose", "edit"])
        for result in text:
            self.check_series(result["plain"]["ratio"])
        self.assertIn("without guesses",
                      self.output("bench", TINY, "--text", words, *self.QUICK))
        self.fails(FAILED, "bench", TINY, "--text", self.file("few", "one two"),
                   *self.QUICK, says=["few", "2 words"])
        self.fails(FAILED, "bench", TINY, "--text", "absent", *self.QUICK,
                   says="cannot read absent")
        self.fails(FAILED, "bench", TINY, "--text", words, "-n", "31", "-p",
                   "8", "-r", "1", says="twice as many")

    def test_it_says_that_it_measures(self):
        text = self.output("bench", TINY, *self.QUICK)
        self.assertTrue(text.startswith("Measured "), text)
        for name in ("prefill", "decode", "generate"):
            self.assertRegex(text, rf"(?m)^best +\d+ auto +0  {name} +\d")

    def test_a_context_that_is_too_short_is_an_error(self):
        self.fails(cli_support.FAILED, "bench", TINY, "--depth", "256",
                   *self.QUICK, says="256")

    def test_a_bad_list_is_named(self):
        for option, value in (("--prompt", "1,,2"), ("--prompt", "0"),
                              ("--depth", "1,x"), ("--isa", "best,sse"),
                              ("--cache", "f16,"),
                              ("--threads", ",".join("1" * 17))):
            self.fails(cli_support.USAGE, "bench", "m", option, value,
                       says=option)


if __name__ == "__main__":
    cli_support.main()
