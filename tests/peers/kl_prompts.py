# SPDX-License-Identifier: MIT
"""Models and prompts of compare_kl.py and compare_cache.py."""
import os
import random
import subprocess
import sys

import gguf

import kl_models
import phial_logits

sys.path.insert(0, os.path.join(kl_models.ROOT, "examples/demo"))

import conversations  # noqa: E402

CONTROL = "F32"
N_PLAIN = 1504  # the demo's vocabulary less its control tokens
TYPES = {CONTROL: "ALL_F32",
         "Q4_0": "MOSTLY_Q4_0", "Q4_1": "MOSTLY_Q4_1", "Q5_0": "MOSTLY_Q5_0",
         "Q5_1": "MOSTLY_Q5_1", "Q8_0": "MOSTLY_Q8_0", "Q2_K": "MOSTLY_Q2_K",
         "Q3_K": "MOSTLY_Q3_K_M", "Q4_K": "MOSTLY_Q4_K_M",
         "Q5_K": "MOSTLY_Q5_K_M", "Q6_K": "MOSTLY_Q6_K",
         "IQ4_NL": "MOSTLY_IQ4_NL", "IQ4_XS": "MOSTLY_IQ4_XS"}


def random_prompts(count, length):
    rng = random.Random(1)
    return [[rng.randrange(N_PLAIN) for _ in range(length)]
            for _ in range(count)]


def demo_prompts(library, count, length, joined):
    """Conversations of the kind that the demo learned, and a fourth noise. What
    is too short is left out, or joined with the next."""
    engine = phial_logits.Engine(library, kl_models.DEMO)
    talks = conversations.stream(7, conversations.shares_at(0.85))
    prompts, prompt = random_prompts(count // 4, length), []
    while len(prompts) < count:
        pieces = conversations.segments(next(talks))
        prompt = ((prompt if joined else [])
                  + engine.encode("".join(text for text, _, _ in pieces)))
        if len(prompt) >= length:
            prompts.append(prompt[:length])
            prompt = []
    engine.close()
    return prompts


def conversation_text(length):
    """At least so many characters of other conversations."""
    talks, text = conversations.stream(8, conversations.shares_at(0.85)), ""
    while len(text) < length:
        pieces = conversations.segments(next(talks))
        text += "".join(piece for piece, _, _ in pieces)
    return text


def write_floats(path, name, library, count, length, joined=False):
    """The model in F32. Returns its prompts."""
    if name != "demo":
        kl_models.planted(path, name)
        print(f"\nrandom model, {name}: {kl_models.describe(name)}")
        return random_prompts(count, length)
    moved = kl_models.demo(path)
    print("\ndemo model, written so that every peer can read it: in float64 "
          f"logits move by {moved:.0e} at most")
    return demo_prompts(library, count, length, joined)


def quantized(tool, source, target, kind):
    """Writes the file and sees that every matrix has the type."""
    number = int(gguf.LlamaFileType[TYPES[kind]])
    subprocess.run([tool, source, target, str(number), "1"], check=True)
    for tensor in gguf.GGUFReader(target).tensors:
        if len(tensor.shape) > 1 and tensor.tensor_type.name != kind:
            raise RuntimeError(f"{tensor.name} is {tensor.tensor_type.name}")
