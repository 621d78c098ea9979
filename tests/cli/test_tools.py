#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tokenize, inspect, estimate and bench on a tiny model."""
import json

import cli_support
from cli_support import TINY, Case


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

    def test_people_get_units(self):
        text = self.output("estimate", TINY)
        self.assertRegex(text, r"(?m)^weights +[\d.]+ (bytes|[KMG]iB) ")
        self.assertRegex(text, r"(?m)^total ")


class Bench(Case):
    def test_every_figure_has_a_median_and_a_spread(self):
        b = self.json("bench", TINY, "--prompt", "16", "--decode", "8",
                      "--repeat", "3")
        self.assertEqual((b["prompt"], b["decode"], b["repeat"]), (16, 8, 3))
        for name in ("load_seconds", "prefill_tokens_per_second",
                     "decode_tokens_per_second"):
            series = b[name]
            self.assertGreater(series["min"], 0)
            self.assertLessEqual(series["min"], series["median"])
            self.assertLessEqual(series["median"], series["max"])
        self.assertGreater(b["peak_resident_bytes"], 100000)
        self.assertGreaterEqual(b["threads"], 1)

    def test_it_says_that_it_measures(self):
        text = self.output("bench", TINY, "-p", "8", "-n", "4", "-r", "1")
        self.assertTrue(text.startswith("Measured "), text)
        for name in ("load", "prefill", "decode", "peak memory", "threads"):
            self.assertRegex(text, rf"(?m)^{name} +\d")

    def test_a_context_that_is_too_short_is_an_error(self):
        self.fails(cli_support.FAILED, "bench", TINY, "--json", "--context",
                   "16", "--prompt", "32")


if __name__ == "__main__":
    cli_support.main()
