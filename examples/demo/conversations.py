"""Whole conversations from the skills, and their token ids in Phi-4-mini's chat format."""
import re

import skill_json
import skill_read
import skill_story
import skill_sums
import skill_talk
import skill_tools
from words import Words

SKILLS = {"identity": skill_talk, "stories": skill_story, "sums": skill_sums, "reading": skill_read,
          "json": skill_json, "tools": skill_tools}
RESULT_WEIGHT = 4.0
_NAMES = ("identity", "stories", "sums", "reading", "json", "tools")
# Shares of the skills from a part of the run on: sums take the most practice once the form of
# answers is there, then the skills that look things up.
SHARES = {start: dict(zip(_NAMES, shares)) for start, shares in {
    0.0: (0.10, 0.12, 0.24, 0.28, 0.12, 0.14),
    0.2: (0.07, 0.07, 0.36, 0.26, 0.11, 0.13),
    0.4: (0.06, 0.06, 0.28, 0.32, 0.13, 0.15),
    0.6: (0.05, 0.05, 0.16, 0.48, 0.11, 0.15),
    0.85: (0.04, 0.06, 0.15, 0.42, 0.13, 0.20)}.items()}


def shares_at(part):
    """The skills' shares when `part` of the run is over."""
    return SHARES[max(start for start in SHARES if start <= part)]


_SYSTEMS = ["You are a helpful assistant.", "You are a helpful AI assistant.", "You are the Phial demo.",
            "Answer briefly.", "You are a friendly assistant.", "Be kind and brief.", "You are Phial."]


def conversation(words, shares, turns=1):
    """The messages of `turns` talks; tools can only come first, as they need the system message."""
    rng = words.rng
    picked = rng.choices(list(shares), list(shares.values()), k=turns)
    messages = SKILLS[picked[0]].make(words).messages
    if picked[0] != "tools" and rng.random() < 0.25:
        messages = [dict(role="system", content=rng.choice(_SYSTEMS))] + messages
    with_tools = picked[0] == "tools"
    for name in picked[1:]:
        talk = SKILLS["sums" if name == "tools" else name].make(words)
        # With tools at hand a question beyond the toy may well be one for a tool.
        if with_tools and talk.facts.get("about") == "other":
            continue
        messages = messages + talk.messages
    return messages


def segments(messages):
    """The conversation as (text, is_control, worth) pieces: what is not an answer is worth nothing, and
    only the template gives control tokens."""
    pieces = []
    for message in messages:
        answer = message["role"] == "assistant"
        pieces.append((f"<|{message['role']}|>", True, False))
        if message.get("content"):
            pieces.append((message["content"], False, message.get("worth", answer)))
        for key, token in (("tools", "tool"), ("tool_calls", "tool_call")):
            if message.get(key):
                pieces += [(f"<|{token}|>", True, answer), (message[key], False, answer),
                           (f"<|/{token}|>", True, answer)]
        pieces.append(("<|end|>", True, answer))
    return pieces


def _worth(text, count):
    """Weights of an answer's tokens: the digits of a sum's result are few but hard, so they count more."""
    sum_ = re.fullmatch(r"\d+ [-+*] \d+ = (-?\d+)\.", text)
    digits = min(len(sum_.group(1)) + 1, count) if sum_ else 0
    return [1.0] * (count - digits) + [RESULT_WEIGHT] * digits


def encode(vocabulary, conversations):
    """Lists of (ids, weights), one per conversation; the weight is 0 for what is not an answer."""
    pieces = [segments(m) for m in conversations]
    texts = [p[0] for ps in pieces for p in ps if not p[1]]
    encoded = iter(vocabulary.encode_batch(texts, add_special_tokens=False))
    rows = []
    for ps in pieces:
        ids, weights = [], []
        for text, control, answer in ps:
            new = [vocabulary.token_to_id(text)] if control else next(encoded).ids
            ids += new
            weights += [answer * w for w in _worth(text, len(new))]
        rows.append((ids, weights))
    return rows


def stream(seed, shares):
    """Endless training conversations, mostly short ones."""
    words = Words(seed)
    while True:
        turns = words.rng.choices([1, 2, 3, 4, 6], [55, 22, 10, 8, 5])[0]
        yield conversation(words, shares, turns)


def long_stream(seed, shares, turns):
    """Endless training conversations of many turns."""
    words = Words(seed)
    while True:
        yield conversation(words, shares, words.rng.randint(*turns))
