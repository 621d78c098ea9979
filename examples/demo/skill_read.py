"""Questions about a given paragraph; each answer is copied from the paragraph."""
from words import (ANIMALS, CITIES, COLOURS, DAYS, FOODS, JOBS, MONTHS, PLACES, THINGS, Talk, article,
                   pick_key)

MISSING = "The paragraph does not say."
WORTH = 4.0          # of each token of an answer: they are few, and the look-up is hard to learn

# For each kind of fact: how to draw its value, sentences that tell it, questions that ask for it.
_PERSON = {
    "city": (lambda w: w.city(), ["{s} lives in {v}.", "{s} lives in the town of {v}.", "{s} has a house in {v}."],
             ["Where does {s} live?", "Which town does {s} live in?", "In which city does {s} live?"]),
    "born": (lambda w: w.city(), ["{s} was born in {v}.", "{s} comes from {v}."],
             ["Where was {s} born?", "Where does {s} come from?"]),
    "job": (lambda w: article(w.noun(JOBS, 0.15)), ["{s} is {v}.", "{s} works as {v}.", "{s} is {v} by trade."],
            ["What is {s}'s job?", "What does {s} work as?", "What does {s} do for a living?"]),
    "pet": (lambda w: article(w.noun(ANIMALS)), ["{s} has {v}.", "{s} keeps {v} at home.", "{s} owns {v}."],
            ["What pet does {s} have?", "Which animal does {s} have?", "What animal does {s} keep?"]),
    "petname": (lambda w: w.first(), ["{s}'s pet is called {v}.", "The name of {s}'s pet is {v}."],
                ["What is the name of {s}'s pet?", "What is {s}'s pet called?"]),
    "food": (lambda w: w.noun(FOODS), ["{s} likes to eat {v}.", "{s}'s favourite food is {v}.", "{s} loves {v}."],
             ["What does {s} like to eat?", "What is {s}'s favourite food?", "What food does {s} like?"]),
    "colour": (lambda w: w.rng.choice(COLOURS), ["{s}'s favourite colour is {v}.", "{s} likes the colour {v}."],
               ["What is {s}'s favourite colour?", "Which colour does {s} like?"]),
    "bought": (lambda w: article(w.noun(THINGS)), ["{s} bought {v}.", "Last week {s} bought {v}."],
               ["What did {s} buy?", "What did {s} buy last week?"]),
    "found": (lambda w: article(w.rng.choice(COLOURS) + " " + w.noun(THINGS)),
              ["{s} found {v}.", "One day {s} found {v}."],
              ["What did {s} find?", "What was found by {s}?"]),
    "day": (lambda w: w.rng.choice(DAYS), ["{s} goes swimming on {v}.", "{s} goes swimming every {v}."],
            ["When does {s} go swimming?", "On which day does {s} go swimming?"]),
    "friend": (lambda w: w.person(), ["{s}'s best friend is {v}.", "{s} often meets {v}."],
               ["Who is {s}'s best friend?", "Who does {s} often meet?"]),
    "age": (lambda w: str(w.rng.randint(4, 99)), ["{s} is {v} years old.", "{s} turned {v} this year."],
            ["How old is {s}?", "What is the age of {s}?"]),
    "went": (lambda w: "the " + w.noun(PLACES), ["{s} went to {v}.", "Yesterday {s} went to {v}."],
             ["Where did {s} go?", "Where did {s} go yesterday?"]),
    "travel": (lambda w: w.rng.choice(MONTHS), ["{s} will travel to the sea in {v}.", "{s} goes on holiday in {v}."],
               ["When does {s} go on holiday?", "In which month will {s} travel?"]),
}
_PLACE = {
    "where": (lambda w: w.city(), ["{s} stands in {v}.", "{s} is in {v}.", "{s} can be found in {v}."],
              ["Where is {s}?", "In which city is {s}?", "Where can you find {s}?"]),
    "built": (lambda w: str(w.rng.randint(1200, 2020)), ["{s} was built in {v}.", "It took until {v} to build {s}."],
              ["When was {s} built?", "In which year was {s} built?"]),
    "builder": (lambda w: w.person(), ["{s} was designed by {v}.", "{v} designed {s}."],
                ["Who designed {s}?", "Who was the designer of {s}?", "{S} was designed by whom?"]),
    "owner": (lambda w: w.person(), ["{s} belongs to {v}.", "{v} owns {s}.", "The owner of {s} is {v}."],
              ["Who owns {s}?", "Who is the owner of {s}?", "Who does {s} belong to?"]),
    "closed": (lambda w: w.rng.choice(DAYS), ["{s} is closed on {v}.", "Every {v}, {s} is closed."],
               ["When is {s} closed?", "On which day is {s} closed?"]),
    "height": (lambda w: f"{w.rng.randint(5, 400)} metres", ["{s} is {v} high.", "The height of {s} is {v}."],
               ["How high is {s}?", "What is the height of {s}?"]),
    "price": (lambda w: f"{w.rng.randint(1, 60)} dollars", ["A ticket for {s} costs {v}.", "To see {s} you pay {v}."],
              ["How much does a ticket for {s} cost?", "What do you pay to see {s}?"]),
    "colour": (lambda w: w.rng.choice(COLOURS), ["{s} is painted {v}.", "The colour of {s} is {v}."],
               ["What colour is {s}?", "What is the colour of {s}?"]),
    "open": (lambda w: w.rng.choice(MONTHS), ["{s} opens in {v}.", "{s} opens every {v}."],
             ["When does {s} open?", "In which month does {s} open?"]),
}
_BUILDINGS = "Tower Bridge Museum Castle Library Hall Church Mill Palace Theatre Hotel School".split()
_FRAMES = ["{p}\n\n{q}", "{p}\n{q}", "{p} {q}", "Paragraph: {p}\nQuestion: {q}", "Read this paragraph: {p}\n\n{q}",
           "{p}\n\nQuestion: {q}", "Text: {p}\n\nQuestion: {q}\nAnswer:",
           "Answer the question from the text.\n\n{p}\n\n{q}",
           "{q}\n\n{p}", "Use this paragraph to answer: {q}\n\n{p}", "Here is a paragraph. {p} Now tell me: {q}",
           'Paragraph: "{p}"\n\n{q}', "Question: {q}\nParagraph: {p}", "I will give you a text. {p}\n\n{q}"]


def _subjects(words):
    """One or two subjects of one kind, each with its pronoun."""
    rng = words.rng
    if rng.random() < 0.65:
        draw = words.first if rng.random() < 0.6 else words.person
        names = words.distinct(draw, rng.choice([1, 2, 2] if words.test else [1, 2, 2, 2, 2]))
        return _PERSON, [(n, rng.choice(["He", "She"])) for n in names]
    draw = lambda: f"the {words.invented()} {rng.choice(_BUILDINGS)}"
    return _PLACE, [(n, "It") for n in words.distinct(draw, rng.choice([1, 1, 2]))]


def _facts(words):
    """The facts of a paragraph as (subject, kind, value, sentence), grouped by subject."""
    rng = words.rng
    table, subjects = _subjects(words)
    facts, used = [], set()
    shared = rng.sample(sorted(table), rng.choice([1, 2, 2, 3]))
    for name, pronoun in subjects:
        kinds = shared if rng.random() < (0.7 if words.test else 0.9) else rng.sample(sorted(table), rng.choice([1, 2, 3]))
        for i, kind in enumerate(rng.sample(kinds, len(kinds))):
            draw, sentences, _ = table[kind]
            value = draw(words)
            if (value in used):
                continue
            used.add(value)
            sentence = rng.choice(sentences)
            who = pronoun if i and sentence.startswith("{s} ") and rng.random() < 0.25 else name
            text = sentence.format(s=who, v=value)
            facts.append((name, kind, value, text[0].upper() + text[1:]))
    return table, subjects, facts


def _ask(rng, table, name, kind):
    return rng.choice(table[kind][2]).format(s=name, S=name[0].upper() + name[1:])


def _questions(words, table, subjects, facts):
    """Questions and answers about the facts in any order; about one in sixteen asks for what the
    paragraph leaves out."""
    rng = words.rng
    for name, kind, value, _ in rng.sample(facts, len(facts)):
        if rng.random() < 0.06:
            other = rng.choice(subjects)[0]
            absent = [k for k in table if not any(f[0] == other and f[1] == k for f in facts)]
            if absent:
                yield _ask(rng, table, other, rng.choice(absent)), MISSING
                continue
        yield _ask(rng, table, name, kind), value[0].upper() + value[1:] + "."


def make(words):
    """One paragraph and a question about it.  In training nearly always more questions follow: a
    paragraph costs many tokens, and each question about it teaches the look-up once more."""
    rng = words.rng

    def draw():
        found = _facts(words)
        return found, ("read", found[1][0][0], found[2][0][2])

    table, subjects, facts = pick_key(rng, words.test, draw)
    if rng.random() < 0.15:
        rng.shuffle(facts)
        facts = [(n, k, v, table[k][1][0].format(s=n, v=v)) for n, k, v, _ in facts]
        facts = [(n, k, v, t[0].upper() + t[1:]) for n, k, v, t in facts]
    paragraph = " ".join(f[3] for f in facts)
    questions = _questions(words, table, subjects, facts)
    question, answer = next(questions)
    messages = [dict(role="user", content=rng.choice(_FRAMES).format(p=paragraph, q=question)),
                dict(role="assistant", content=answer, worth=WORTH)]
    for question, answer in questions:
        if words.test or rng.random() < 0.05:
            break
        frame = rng.choice(["{q}", "{q}", "And {q}", "Question: {q}"])
        messages += [dict(role="user", content=frame.format(q=question)), dict(role="assistant", content=answer, worth=WORTH)]
    return Talk("reading", messages)
