"""Sums with numbers up to 99 and times tables up to 10; every answer restates the sum."""
from skill_talk import TOO_BIG
from words import THINGS, Talk, pick_key, plural

_ASK = ["What is {s}?", "what is {s}", "What's {s}?", "{s}", "{s} =", "{s}=?", "{s} = ?", "How much is {s}?",
        "Calculate {s}.", "Compute {s}", "Please compute {s}.", "Can you work out {s}?", "What does {s} equal?",
        "Tell me {s}.", "Solve {s}.", "I need the result of {s}.", "Work out {s} please.", "Sum: {s}",
        "Do you know what {s} is?", "Give me the answer to {s}."]
_WORDS = {
    "+": ["Add {a} and {b}.", "What is {a} plus {b}?", "{a} plus {b}", "What is the sum of {a} and {b}?",
          "How much is {a} plus {b}?", "Add {b} to {a}.", "What do you get when you add {a} and {b}?",
          "If I have {a} {t} and get {b} more, how many {t} do I have?",
          "{n} has {a} {t} and finds {b} more. How many {t} does {n} have now?",
          "There are {a} {t} on the table and {b} in the box. How many {t} are there?",
          "{n} has {a} {t} and {m} has {b}. How many {t} do they have together?",
          "I had {a} {t} and bought {b} more. How many {t} do I have?"],
    "-": ["Subtract {b} from {a}.", "What is {a} minus {b}?", "{a} minus {b}", "Take {b} away from {a}.",
          "What is the difference between {a} and {b}?", "How much is {a} minus {b}?", "{a} take away {b}",
          "If I have {a} {t} and give away {b}, how many {t} are left?",
          "{n} has {a} {t} and eats {b}. How many {t} are left?",
          "{n} had {a} {t} and lost {b}. How many {t} does {n} have now?",
          "There were {a} {t} and {m} took {b}. How many {t} are left?"],
    "*": ["Multiply {a} by {b}.", "What is {a} times {b}?", "{a} times {b}", "How much is {a} times {b}?",
          "What is the product of {a} and {b}?",
          "{n} has {a} boxes with {b} {t} each. How many {t} are there?",
          "There are {a} bags and each bag holds {b} {t}. How many {t} are there in all?"],
}


def _numbers(rng):
    kind = rng.random()
    if kind < 0.45:
        return "+", rng.randint(0, 99), rng.randint(0, 99)
    if kind < 0.85:
        a, b = rng.randint(0, 99), rng.randint(0, 99)
        if a < b and rng.random() < 0.85:
            a, b = b, a
        return "-", a, b
    return "*", rng.randint(0, 10), rng.randint(0, 10)


def _too_big(rng):
    kind = rng.random()
    a, b = rng.randint(100, 99999), rng.randint(2, 9999)
    if kind < 0.5:
        return "+-"[rng.random() < 0.5], *rng.sample([a, b], 2)
    if kind < 0.8:
        return "*", rng.randint(11, 999), rng.randint(11, 99)
    return "/", rng.randint(2, 999), rng.randint(2, 30)


def _phrase(words, op, a, b):
    rng = words.rng
    if op in _WORDS and rng.random() < 0.55:
        story = op != "-" or a >= b
        text = rng.choice(_WORDS[op] if story else _WORDS[op][:7])
        return text.format(a=a, b=b, t=plural(words.noun(THINGS)), n=words.first(), m=words.first())
    sign = {"*": rng.choice(["*", "*", "x", "×"]), "/": rng.choice(["/", ":", "divided by"])}.get(op, op)
    gap = " " if rng.random() < 0.6 or len(sign) > 1 else ""
    return rng.choice(_ASK).format(s=f"{a}{gap}{sign}{gap}{b}")


def _ask(words):
    """A sum and its wording.  The hundred facts of the times tables must be learned by heart, so
    there the wording is held out; sums and differences hold out the numbers."""
    op, a, b = _numbers(words.rng)
    text = _phrase(words, op, a, b)
    return (op, a, b, text), ("table", text) if op == "*" else ("sum", op, a, b)


def make(words):
    """One sum; about one in twelve of the training sums is beyond the toy, which then says so."""
    rng = words.rng
    if not words.test and rng.random() < 0.08:
        answer, result, text = TOO_BIG, None, _phrase(words, *_too_big(rng))
    else:
        op, a, b, text = pick_key(rng, words.test, lambda: _ask(words))
        result = {"+": a + b, "-": a - b, "*": a * b}[op]
        answer = f"{a} {op} {b} = {result}."
    return Talk("sums", [dict(role="user", content=text), dict(role="assistant", content=answer)],
                {"result": result})
