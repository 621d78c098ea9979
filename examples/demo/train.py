"""Trains the demo model from nothing: vocabulary, model, checkpoint.

    python3 train.py                    # writes build/checkpoint, takes some hours on one core
"""
import argparse
import json
import os
import pathlib
import random
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from transformers import Phi3ForCausalLM

import conversations
import model as demo
import muon
import rows
import vocabulary
from backends import from_gguf
from export import CHAT_TEMPLATE
from words import Words

SEED = 20261122


def loss_of(model, ids, positions, mask, targets, weights):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False)
        logits = model.lm_head(hidden.last_hidden_state)
    losses = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def rate(step, steps, warm=100, fall=0.5):
    """Share of the full learning rate: a warm-up, a flat part, a straight line to nothing."""
    return min((step + 1) / warm, 1.0, max((steps - step) / (steps * fall), 0.0))


@torch.no_grad()
def quick_check(model, tokenizer, per_skill=48):
    """Share of held-out prompts whose whole answer is the likeliest one, token by token."""
    report = []
    for name, skill in conversations.SKILLS.items():
        words = Words(99, test=True)
        talks = [skill.make(words).messages for _ in range(per_skill)]
        right = 0
        for ids, flags in conversations.encode(tokenizer, talks):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                length = len(ids)
                mask = torch.full((1, 1, length, length), -1e9).triu(1)
                guess = model(input_ids=torch.tensor([ids]), attention_mask=mask).logits[0].argmax(-1).tolist()
            right += all(g == i for g, i, f in zip(guess, ids[1:], flags[1:]) if f)
        report.append(f"{name} {100 * right / per_skill:.0f}")
    return " ".join(report)


def save(model, tokenizer, folder):
    """A checkpoint as transformers and the exporter read it."""
    model.generation_config.eos_token_id = [tokenizer.token_to_id(t) for t in ("<|end|>", "<|endoftext|>")]
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    end = "<|endoftext|>"
    settings = dict(tokenizer_class="PreTrainedTokenizerFast", bos_token=end, eos_token=end, pad_token=end,
                    unk_token=end, model_max_length=demo.CONTEXT, chat_template=CHAT_TEMPLATE)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))


def begin(a):
    """The model and the tokenizer of the options: new ones, or those of the run or file to go on from."""
    if a.start:
        model, tokenizer = from_gguf(a.start)
        return demo.for_training(demo.deepened(model)), tokenizer
    old = a.resume and a.resume.parent / "checkpoint" / "tokenizer.json"
    tokenizer = vocabulary.load(str(old)) if old else vocabulary.build()
    settings = demo.config(vocabulary.SIZE, tokenizer.token_to_id("<|endoftext|>"))
    return demo.for_training(Phi3ForCausalLM(settings)), tokenizer


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=4000)
    options.add_argument("--rate", type=float, default=3e-3)
    options.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build"))
    options.add_argument("--compile", action="store_true", help="compile the model; needs a C++ compiler")
    options.add_argument("--start", type=pathlib.Path, help="a GGUF file of this model to train further")
    options.add_argument("--resume", type=pathlib.Path, help="the state.pt of a run that was cut off, to finish it")
    a = options.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    a.out.mkdir(parents=True, exist_ok=True)
    model, tokenizer = begin(a)
    end = tokenizer.token_to_id("<|endoftext|>")
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million parameters", flush=True)
    steppers, first = muon.optimizers(model, a.rate), 0
    if a.resume:
        state = torch.load(a.resume)
        model.load_state_dict(state["model"])
        for stepper, old in zip(steppers, state["steppers"]):
            stepper.load_state_dict(old)
        first = state["step"]
    train(a, model, tokenizer, steppers, first, end)
    save(model, tokenizer, a.out / "checkpoint")


def train(a, model, tokenizer, steppers, first, end):
    sources, shares = None, None
    # Rows of the full context are rare, so compiling for them does not pay.
    fast = torch.compile(loss_of, dynamic=False) if a.compile else loss_of
    choice, tokens, began, recent = random.Random(SEED + first), 0, time.time(), []
    for step in range(first, a.steps):
        wanted = conversations.shares_at(max(step / a.steps, 0.6 if a.start else 0))
        if wanted is not shares:
            shares = wanted
            sources = rows.packers(tokenizer, SEED + step, shares, demo.SHORT_CONTEXT, demo.CONTEXT, end)
        kind = choice.choices(range(len(sources)), [s[0] for s in sources])[0]
        batch = sources[kind][2].batch(sources[kind][1])
        loss = (fast if kind < 3 else loss_of)(model, *batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper in steppers:
            for group in stepper.param_groups:
                group["lr"] = a.rate * rate(step, a.steps)
            stepper.step()
            stepper.zero_grad()
        tokens += int((batch[4] > 0).sum())
        recent.append(loss.item())
        if step % 20 == 19:
            print(f"step {step + 1} loss {sum(recent) / len(recent):.4f} tokens {tokens / 1e6:.2f} M "
                  f"{(time.time() - began) / 60:.1f} min", flush=True)
            recent = []
        if step % 250 == 249:
            print("held out:", quick_check(model, tokenizer), flush=True)
            save(model, tokenizer, a.out / "checkpoint")
            state = {"model": model.state_dict(), "steppers": [s.state_dict() for s in steppers], "step": step + 1}
            torch.save(state, a.out / "state.pt")


if __name__ == "__main__":
    main()
