"""Trains the byte-level BPE vocabulary: Phi-4-mini's splitting rule and control tokens, few merges."""
import itertools
import sys

import regex
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from conversations import SHARES, segments, stream
from words import (ANIMALS, CITIES, COLOURS, DAYS, FIRST_NAMES, FOODS, JOBS, MONTHS, PLACES, SURNAMES, THINGS)

SIZE = 1536
CONTROLS = ["<|endoftext|>", "<|endofprompt|>", "<|assistant|>", "<|end|>", "<|user|>", "<|system|>", "<|tool|>",
            "<|/tool|>", "<|tool_call|>", "<|/tool_call|>", "<|tool_response|>", "<|tag|>"]
# The rule of Phi-4-mini's tokenizer (o200k), word for word.
SPLIT = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
_BREAK = "\x01"
_COPIED = {w.lower() for words in (ANIMALS, CITIES, COLOURS, DAYS, FIRST_NAMES, FOODS, JOBS, MONTHS, PLACES, SURNAMES,
                                   THINGS) for w in words}


def _pieces(text):
    """The pieces the merges are learned from.

    Digits stand alone, so no token holds two of them and sums are done digit by digit.  A name or
    another word that answers copy is cut off its leading space: its tokens are then the same after
    a space, a quote or a bracket, which makes copying far easier to learn.
    """
    for piece in regex.findall(SPLIT, text):
        if piece.isdigit():
            yield from piece
        elif len(piece) > 1 and not piece[0].isalpha() and piece[1].isalpha():
            word = piece[1:]
            if piece[0] == " " and word.islower() and word not in _COPIED and word.rstrip("s") not in _COPIED:
                yield piece
            else:
                yield piece[0]
                yield word
        else:
            yield piece


def sample_texts(count):
    for messages in itertools.islice(stream(7, SHARES[0.0]), count):
        for text, control, _ in segments(messages):
            if not control:
                yield _BREAK.join(_pieces(text))


def build(conversations=12000):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(_BREAK, "removed"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = trainers.BpeTrainer(vocab_size=SIZE - len(CONTROLS) - 20, show_progress=False, min_frequency=2,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(sample_texts(conversations), trainer)
    return _finished(tokenizer)


def _finished(tokenizer):
    """Adds what Phi-4-mini's tokenizer has around the merges."""
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    # Phi-4-mini marks the tool tokens as not special, so that decoding keeps them visible.
    tokenizer.add_tokens([AddedToken(c, rstrip=c not in CONTROLS[:2], normalized=False, special="tool" not in c)
                          for c in CONTROLS])
    tokenizer.encode_special_tokens = True
    return tokenizer


def from_merges(plain, merges):
    """The tokenizer of a GGUF file's token list and merges."""
    return _finished(Tokenizer(models.BPE(plain, merges)))


def load(path):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.encode_special_tokens = True
    return tokenizer


if __name__ == "__main__":
    build().save(sys.argv[1] if len(sys.argv) > 1 else "tokenizer.json")
