"""Asks held-out prompts of every skill and prints how many answers are right.

    python3 evaluate.py                                        # the shipped GGUF, through transformers
    python3 evaluate.py --checkpoint build/checkpoint
    python3 evaluate.py --phial ../../build/phial phial-demo.gguf
"""
import argparse
import json
import pathlib
import re
import sys

import conversations
from backends import Phial, Transformers
from words import Words

HERE = pathlib.Path(__file__).parent


def story_is_right(text, needs):
    """At least four sentences, none twice, all asked-for words in it, and a proper end."""
    sentences = [s for s in re.split(r'(?<=[.!?])"?\s+', text.strip()) if s]
    return (len(sentences) >= 4 and len(set(sentences)) == len(sentences) and text.rstrip()[-1:] in '.!?"'
            and all(re.search(r"\b%s\b" % re.escape(w), text) for w in needs))


def parsed(text, tool_call):
    """The JSON value of an answer, or None."""
    try:
        if tool_call:
            text = re.fullmatch(r"\s*<\|tool_call\|>(.*)<\|/tool_call\|>\s*", text, re.S).group(1)
        return json.loads(text)
    except (ValueError, AttributeError):
        return None


def is_right(skill, answer, wanted, facts):
    if wanted.get("tool_calls"):
        return parsed(answer, True) == json.loads(wanted["tool_calls"])
    if skill == "stories":
        return story_is_right(answer, facts["needs"])
    if skill == "json":
        return parsed(answer, False) == json.loads(wanted["content"])
    return answer.strip() == wanted["content"]


def prompts_of(skill, count, words, before=0):
    """(messages so far, wanted message, facts), one for each answer of the held-out talks; `before`
    other talks come first when the skill's own system message does not forbid it."""
    cases = []
    while len(cases) < count:
        talk = conversations.SKILLS[skill].make(words)
        earlier = []
        for _ in range(before if skill != "tools" else 0):
            other = words.rng.choice(["identity", "stories", "sums", "reading", "json"])
            earlier += conversations.SKILLS[other].make(words).messages
        for i, message in enumerate(talk.messages):
            if message["role"] == "assistant":
                cases.append((earlier + talk.messages[:i], message, talk.facts))
    return cases[:count]


def measure(backend, skill, count, words, before, wrong):
    cases = prompts_of(skill, count, words, before)
    answers = backend.answers([c[0] for c in cases])
    right = 0
    for (messages, wanted, facts), answer in zip(cases, answers):
        if is_right(skill, answer, wanted, facts):
            right += 1
        elif wrong:
            print(f"--- {skill}\n{messages[-1]['content']}\n  got    {answer}\n  wanted "
                  f"{wanted.get('content') or wanted.get('tool_calls')}", file=sys.stderr)
    return len(cases), right


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--checkpoint", help="folder of a transformers checkpoint")
    options.add_argument("--gguf", default=str(HERE / "phial-demo.gguf"))
    options.add_argument("--phial", nargs=2, metavar=("PROGRAM", "MODEL"))
    options.add_argument("--count", type=int, default=200, help="prompts per skill")
    options.add_argument("--seed", type=int, default=4242)
    options.add_argument("--unseen-words", action="store_true", help="only words that training never saw")
    options.add_argument("--chat", action="store_true", help="also ask as the third talk of a chat")
    options.add_argument("--wrong", action="store_true", help="show the wrong answers")
    options.add_argument("--skill", action="append", help="only this skill")
    a = options.parse_args()
    backend = Phial(*a.phial) if a.phial else Transformers(folder=a.checkpoint, file=None if a.checkpoint else a.gguf)
    print("| skill | prompts | right | percent |\n|---|---|---|---|")
    worst = 100.0
    for skill in a.skill or conversations.SKILLS:
        for before, label in ((0, skill), (2, skill + ", third talk of a chat")):
            if before and (skill == "tools" or not a.chat):
                continue
            words = Words(a.seed, test=True, unseen=a.unseen_words)
            total, right = measure(backend, skill, a.count // 2 if before else a.count, words, before, a.wrong)
            percent = 100 * right / total
            worst = min(worst, percent)
            print(f"| {label} | {total} | {right} | {percent:.1f} |", flush=True)
    sys.exit(0 if worst >= 95 else 1)


if __name__ == "__main__":
    main()
