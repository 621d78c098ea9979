"""Extracting named fields of a text as one JSON object."""
import json

from words import CITIES, COLOURS, DAYS, FOODS, JOBS, MONTHS, THINGS, Talk, article, pick_key

_ASKS = ["Extract {f} as JSON: {t}", "Extract {f} as JSON.\n\n{t}", "{t}\n\nExtract {f} as JSON.",
         "Return {f} as JSON: {t}", "Give me {f} as JSON from this text: {t}",
         "Read the text and answer with JSON with the keys {k}.\n\n{t}", "Extract JSON with {k}: {t}",
         "{t}\n\nReturn a JSON object with the keys {k}.", "Turn this into JSON with the keys {k}: {t}",
         "From the text below, extract {f} in JSON format.\nText: {t}", "extract {k} as json: {t}",
         "Text: {t}\nFields: {k}\nAnswer with JSON only.", "Write {f} of this text as JSON: {t}",
         'Extract {f} as JSON from "{t}"']


def _person(words):
    rng = words.rng
    name = words.person() if rng.random() < 0.7 else words.first()
    v = dict(name=name, age=rng.randint(1, 99), city=words.city(), job=words.noun(JOBS, 0.15),
             email=words.first().lower() + "@" + words.invented(False) + rng.choice([".com", ".org", ".net"]),
             phone="".join(rng.choice("0123456789") for _ in range(rng.randint(5, 7))),
             country=words.invented(), food=words.noun(FOODS))
    job = article(v["job"])
    parts = {"age": [f"is {v['age']} years old", f"is {v['age']}", f"turned {v['age']} this year"],
             "city": [f"lives in {v['city']}", f"is from {v['city']}", f"comes from {v['city']}"],
             "job": [f"works as {job}", f"is {job}", f"has a job as {job}"],
             "email": [f"has the email address {v['email']}", f"can be reached at {v['email']}"],
             "phone": [f"has the phone number {v['phone']}", f"answers the phone at {v['phone']}"],
             "country": [f"was born in the country of {v['country']}", f"grew up in the country {v['country']}"],
             "food": [f"likes to eat {v['food']}", f"loves {v['food']}"]}
    return name, parts, v


def _order(words):
    rng = words.rng
    thing = words.noun(THINGS, 0.3)
    v = dict(customer=words.first() if rng.random() < 0.5 else words.person(), product=thing,
             quantity=rng.randint(2, 60), price=rng.choice([rng.randint(1, 500), round(rng.uniform(1, 99), 2)]),
             colour=rng.choice(COLOURS), day=rng.choice(DAYS), city=words.city(),
             order=f"{rng.choice('ABCDEFGHKLMNPRSTXZ')}{rng.randint(100, 99999)}")
    parts = {"product": [f"ordered the {thing}", f"bought the product {thing}"],
             "quantity": [f"wants {v['quantity']} pieces", f"asked for {v['quantity']} of them"],
             "price": [f"paid {v['price']} dollars", f"pays a price of {v['price']}"],
             "colour": [f"chose the colour {v['colour']}", f"wants it in {v['colour']}"],
             "day": [f"wants it on {v['day']}", f"expects it by {v['day']}"],
             "city": [f"wants it sent to {v['city']}", f"has it delivered to {v['city']}"],
             "order": [f"has order number {v['order']}", f"got the order number {v['order']}"]}
    return v["customer"], parts, v


def _event(words):
    rng = words.rng
    name = words.invented() + " " + rng.choice("Fair Festival Meeting Concert Race Show Party Conference".split())
    v = dict(event=name, city=words.city(), day=rng.choice(DAYS), month=rng.choice(MONTHS),
             year=rng.randint(1900, 2040), time=f"{rng.randint(1, 23)}:{rng.choice(['00', '15', '30', '45'])}",
             price=rng.randint(1, 99), organizer=words.person(), guests=rng.randint(3, 900))
    parts = {"city": [f"takes place in {v['city']}", f"is held in {v['city']}"],
             "day": [f"is on a {v['day']}", f"opens on {v['day']}"],
             "month": [f"happens every {v['month']}", f"runs all through {v['month']}"],
             "year": [f"was first held in {v['year']}", f"dates from {v['year']}"],
             "time": [f"starts at {v['time']}", f"begins at {v['time']}"],
             "price": [f"costs {v['price']} dollars", f"has tickets for {v['price']} dollars"],
             "organizer": [f"is organised by {v['organizer']}", f"is run by {v['organizer']}"],
             "guests": [f"expects {v['guests']} guests", f"has room for {v['guests']} people"]}
    return "The " + name, parts, v


def _sentences(rng, subject, phrases):
    """Joins the facts of one record into one to four sentences."""
    text, pronoun = "", {"T": "It"}.get(subject[:1] if subject.startswith("The ") else "", None)
    first = True
    while phrases:
        take = min(len(phrases), rng.choice([1, 1, 2, 2, 3]))
        chunk, phrases = phrases[:take], phrases[take:]
        joined = chunk[0] if take == 1 else ", ".join(chunk[:-1]) + " and " + chunk[-1]
        who = subject if first or rng.random() < 0.5 else (pronoun or rng.choice(["He", "She"]))
        text += ("" if first else " ") + f"{who} {joined}."
        first = False
    return text


def _listed(keys):
    if len(keys) == 1:
        return "the " + keys[0]
    return ", ".join(keys[:-1]) + " and " + keys[-1]


def make(words):
    """One text and the JSON object asked for, the keys in the order of the request."""
    rng = words.rng

    def draw():
        subject, parts, values = rng.choice([_person, _person, _order, _event])(words)
        return (subject, parts, values), ("json", subject, sorted(parts)[0])

    subject, parts, values = pick_key(rng, words.test, draw)
    told = rng.sample(sorted(parts), rng.choice([1, 2, 2, 3, 3, 4]))
    main = next(iter(values))
    asked = [main] * (rng.random() < 0.85) + rng.sample(told, rng.randint(1, min(3, len(told))))
    if rng.random() < 0.35:
        rng.shuffle(asked)
    absent = [k for k in parts if k not in told]
    if absent and rng.random() < 0.05:
        asked.append(rng.choice(absent))
    text = _sentences(rng, subject, [rng.choice(parts[k]) for k in told])
    answer = {k: values[k] if k in told or k == main else None for k in asked}
    ask = rng.choice(_ASKS).format(f=_listed(asked), k=", ".join(asked), t=text)
    return Talk("json", [dict(role="user", content=ask),
                         dict(role="assistant", content=json.dumps(answer, ensure_ascii=False))])
