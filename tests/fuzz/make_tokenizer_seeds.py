#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of corpus/tokenizer: texts that reach every rule, and GGUF
files of the smallest vocabularies of each kind. Argument: output folder."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tokenizer"))
import fetch_vocab as gguf  # noqa: E402

TEXTS = {
    "contractions": "I'll DON'T we'Re it'\u017f 'x '' 'lL",
    "spaces": "a  b \n\n \t c\r\n  \u3000\u00a0d \u2028 e   ",
    "cases": "HTTPServer \u01c5abc\u02b0ABC \u4e2dABc\u0301D e\u0301\u0301A",
    "numbers": "1234567 \u00bd\u216712 3.14",
    "symbols": "//path\n/ ...\r\n!? ((\u0301a -- b",
    "controls": "<|user|> \n hi <|end|><|assistant|>\n<|im_start|>  x "
                "<|im_end|>\u3000</s><s><|dummy_1",
    "emoji": "\U0001f999\U0001f3f3\ufe0f\u200d\U0001f308 \u2581\u2581a",
    "words": " the  the and there worlds Hello world ing 123 12",
    "repeats": "ll" * 40 + " " * 40 + "1" * 20 + "\n" * 20,
}
BROKEN = b"\xf0\x9f\x98 \xed\xa0\x80 \xc0\xaf a\xe2\x82 \xff\xfe \xe2\x96"


def byte_level(path):
    letters = gguf.alphabet()
    tokens = [letters[b] for b in range(256)]
    tokens += ["ab", "abc", "bc", "aa", "<|end|>", "<|tool|>", "[PAD]"]
    gguf.write_gguf(path, {
        "tokenizer.ggml.model": (gguf.STRING, "gpt2"),
        "tokenizer.ggml.pre": (gguf.STRING, "gpt-4o"),
        "tokenizer.ggml.tokens": (gguf.STRING, tokens),
        "tokenizer.ggml.token_type": (gguf.I32, [1] * 260 + [3, 4, 5]),
        "tokenizer.ggml.merges": (gguf.STRING, ["b c", "a b", "ab c", "a a"]),
        "tokenizer.ggml.eos_token_id": (gguf.U32, 260)})


def sentencepiece(path):
    tokens = ["<unk>", "<s>", *(f"<0x{b:02X}>" for b in range(256)),
              "\u2581", "a", "b", "ab", "\u2581a", "\u2581\u2581", "<|end|>"]
    types = [2, 3] + [6] * 256 + [1] * 6 + [3]
    scores = [0.0] * 261 + [-1.0, -2.0, -1e9, 0.0]
    gguf.write_gguf(path, {
        "tokenizer.ggml.model": (gguf.STRING, "llama"),
        "tokenizer.ggml.tokens": (gguf.STRING, tokens),
        "tokenizer.ggml.token_type": (gguf.I32, types),
        "tokenizer.ggml.scores": (gguf.F32, scores),
        "tokenizer.ggml.bos_token_id": (gguf.U32, 1)})


def main(folder):
    for name, text in TEXTS.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(text.encode())
    with open(os.path.join(folder, "broken"), "wb") as f:
        f.write(BROKEN)
    byte_level(os.path.join(folder, "byte-level.gguf"))
    sentencepiece(os.path.join(folder, "sentencepiece.gguf"))


main(sys.argv[1])
