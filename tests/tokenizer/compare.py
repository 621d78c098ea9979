#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares our tokenizer with the references, id for id.

    compare.py TOOL DIRECTORY [--strings N] [--full] [--seed S]
               [--vectors FILE] [--only VOCABULARY]

TOOL is tokenize-pipe; DIRECTORY is what fetch_vocab.py filled. Per vocabulary:
N random and adversarial strings, every code point between neighbours, every
tenth token (with --full every one, and every code point as its own string),
added tokens with PHIAL_TEXT_SPECIAL, decoding, and that the tokens of
arbitrary bytes spell those bytes. Prints one line per comparison; the exit
status is 1 if anything differs. Where both references are at hand, tokenizers,
the slower, sees every eighth batch of strings, and tiktoken all."""
import argparse
import json
import os
import struct
import subprocess
import sys

import fetch_vocab as data
import generate
import references

SPECIAL, SPELL, DECODE = 1, 1 << 30, 1 << 31
BATCH = 4000


class Ours:
    def __init__(self, tool, path):
        self.command = [tool, path]

    def ask(self, flags, requests):
        blob = b"".join(struct.pack("<II", flags, len(r)) + r
                        for r in requests)
        out = subprocess.run(self.command, input=blob, check=True,
                             stdout=subprocess.PIPE).stdout
        at, answers = 0, []
        for _ in requests:
            size, = struct.unpack_from("<I", out, at)
            answers.append(out[at + 4:at + 4 + size])
            at += 4 + size
        return answers

    def encode(self, strings, flags=0):
        return [list(struct.unpack(f"<{len(a) // 4}i", a))
                for a in self.ask(flags, [s.encode() for s in strings])]

    def decode(self, lists, flags=0):
        return [a.decode() for a in self.ask(
            DECODE | flags, [struct.pack(f"<{len(i)}i", *i) for i in lists])]


class Compare:
    def __init__(self, name, ours, build, folder, added):
        self.name, self.ours, self.added = name, ours, added
        self.tiktoken, self.hf, self.plain = build(folder)
        self.differences = 0
        # tokenizers gives added tokens ids of its own choice.
        self.to_ours = {self.hf.token_to_id(t): i for i, t in added.items()}

    def note(self, what, count, bad):
        self.differences += len(bad)
        print(f"{self.name}: {what}: {count} strings, {len(bad)} differences",
              flush=True)
        for text, got, want in bad[:5]:
            print(f"  {text!r:.200}\n    got  {str(got):.200}\n"
                  f"    want {str(want):.200}")

    def hf_ids(self, tok, strings):
        return [[self.to_ours.get(i, i) for i in e.ids] for e in
                tok.encode_batch(strings, add_special_tokens=False)]

    def run(self, what, strings):
        """strings is an iterable: it may be long."""
        bad, batch, count = [], [], 0

        def flush():
            got = self.ours.encode(batch)
            sides = []
            if not self.tiktoken or count // BATCH % 8 == 1:
                sides.append(self.hf_ids(self.plain, batch))
            if self.tiktoken:
                sides.append(self.tiktoken.encode_ordinary_batch(
                    batch, num_threads=2))
            for want in sides:
                bad.extend(x for x in zip(batch, got, want) if x[1] != x[2])

        for text in strings:
            batch.append(text)
            count += 1
            if len(batch) == BATCH:
                flush()
                batch.clear()
        if batch:
            flush()
        self.note(what, count, bad)

    def special(self, strings):
        got = self.ours.encode(strings, SPECIAL)
        want = self.hf_ids(self.hf, strings)
        self.note("added tokens recognised", len(strings),
                  [x for x in zip(strings, got, want) if x[1] != x[2]])
        from_ours = {i: h for h, i in self.to_ours.items()}
        for flags, skip in ((0, True), (SPECIAL, False)):
            text = self.ours.decode(got, flags)
            want = self.hf.decode_batch(
                [[from_ours.get(i, i) for i in ids] for ids in got],
                skip_special_tokens=skip)
            self.note(f"decoding, special tokens {'left out' if skip else 'in'}",
                      len(strings),
                      [x for x in zip(strings, text, want) if x[1] != x[2]])

    def no_control(self, strings):
        """Text never gives an added token, whatever it spells."""
        got = self.ours.encode(strings)
        self.note("no added token without being asked", len(strings),
                  [(s, i, "none of them") for s, i in zip(strings, got)
                   if any(t in self.added for t in i)])

    def identity(self, blobs):
        got = self.ours.ask(SPELL, blobs)
        want = blobs
        if self.name == "phi-3":  # by its own rules a space in front, U+2581
            want = [b and b" " + b.replace(b"\xe2\x96\x81", b" ")
                    for b in blobs]
        self.note("tokens spell the bytes encoded", len(blobs),
                  [x for x in zip(blobs, got, want) if x[1] != x[2]])


def code_points(full):
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    frames = ["{}", "a{}b", " {} ", "A{}B", "1{}1", ".{}.", "{0}{0}'s", "中{}a"]
    for frame in frames[:3] if full else []:
        yield from map(frame.format, points)
    for frame in frames:
        for at in range(0, len(points), 97):
            yield "\n".join(map(frame.format, points[at:at + 97]))


def random_bytes(rng, count):
    for _ in range(count):
        n = rng.randint(0, 40)
        if rng.random() < 0.5:
            yield rng.randbytes(n)
        else:
            yield bytes(rng.choice(b"a 'A\n\xc3\xa9\xe2\x96\x81\xf0\x9f\x98"
                                   b"\xed\xa0\xff\x80<|>1") for _ in range(n))


def compare(name, build, added, args):
    ours = Ours(args.tool, os.path.join(args.directory, name + ".gguf"))
    side = Compare(name, ours, build, args.directory, added)
    n_ordinary = side.plain.get_vocab_size()
    # Every token on its own, and as the text of random strings.
    spelled = ours.decode([[i] for i in range(n_ordinary)])
    tokens = [t for t in spelled if t and "\ufffd" not in t]
    strings = generate.Strings(args.seed, tokens, list(added.values()))
    if args.vectors:
        key = name.replace("-", "")
        with open(args.vectors, encoding="utf-8") as f:
            cases = [c for c in json.load(f)["cases"] if key in c]
        got = ours.encode([c["text"] for c in cases])
        side.note("vectors", len(cases), [
            (c["text"], g, c[key]) for c, g in zip(cases, got) if g != c[key]])
    side.run("tokens", tokens if args.full else tokens[::10])
    side.run("code points", code_points(args.full))
    side.run("random", (strings.one() for _ in range(args.strings)))
    few = max(1000, args.strings // 10)
    side.special([strings.special() for _ in range(few)])
    side.no_control([strings.special() for _ in range(few)] +
                    list(added.values()))
    side.identity([b"", *random_bytes(strings.random, few)])
    return side.differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("directory")
    parser.add_argument("--strings", type=int, default=20000)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vectors")
    parser.add_argument("--only")
    args = parser.parse_args()
    if args.vectors and not os.path.exists(args.vectors):
        print(f"skipped: no vectors at {args.vectors}")
        args.vectors = None
    bad = 0
    for name, build, added in (
            ("phi-4", references.phi4, data.phi4_added()),
            ("phi-4-mini", references.phi4_mini, data.mini_added()),
            ("phi-3", references.phi3,
             {0: "<unk>", 1: "<s>", 2: "</s>", **data.phi3_added()})):
        if args.only in (None, name):
            bad += compare(name, build, added, args)
    print(f"{bad} differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
