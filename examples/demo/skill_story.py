"""Short stories about what the user asks for: a hero, and perhaps a thing and a place."""
from words import ANIMALS, COLOURS, PLACES, THINGS, Talk, article, pick_key

_ASKS = ["Tell me a story about {e}.", "Tell me a short story about {e}.", "Write a short story about {e}.",
         "Write a story about {e}.", "Can you tell me a story about {e}?", "I want a story about {e}.",
         "A story about {e}, please.", "Please tell a short story about {e}.", "Story about {e}",
         "tell me a story about {e}", "Make up a story about {e}.", "Give me a short story with {e}.",
         "Could you write a little story about {e}?", "I would like to hear a story about {e}.",
         "Please write me a bedtime story about {e}.", "Let's have a story about {e}."]
_OPEN = ["Once upon a time there was {hero}{named} who lived {near}.",
         "Long ago, {hero}{named} lived {near}.",
         "There once was {hero}{named} who lived {near}.",
         "{hero_cap}{named} lived in a small house {near}.",
         "One {time}, {hero}{named} went for a walk {near}."]
_MOOD = ["{It} was kind and {mood}, but {it} was often alone.", "{It} was very {mood} and liked to sing.",
         "{It} was small but {mood}.", "Every morning {it} looked at the sky and felt {mood}.",
         "Everyone said that {it} was the most {mood} of all."]
_FIND = ["One day {it} found {thing} under a tree.", "Then {it} saw {thing} lying on the path.",
         "On a {weather} morning {it} found {thing} behind a big rock.",
         "One {time} {it} came upon {thing}.", "One day an old woman gave {it2} {thing}."]
_WISH = ['"What a fine {bare}," said {the}.', '"Who does this {bare} belong to?" asked {the}.',
         "{It} had never seen such a fine {bare} before.", 'The {bare} was {colour} and shone in the sun.',
         '"I will take good care of this {bare}," said {the}.']
_TROUBLE = ["But then a strong wind came and it began to rain.",
            "Soon it was dark, and {it} could not find the way home.",
            "Just then {it} heard somebody cry.", "Suddenly a {friend} ran up and asked for help.",
            "But the {bare} was heavy, and {it} grew tired.", "That night a storm came over the hills."]
_HELP = ["{It} was afraid, but {it} did not give up.", "{The} thought for a while and had an idea.",
         "A {friend} came by, and they worked together.", "With the {bare}, {it} helped a lost {friend} to get home.",
         "{The} shared the {bare} with a {friend}, and they laughed.",
         "So {it} took the {bare} and walked on bravely."]
_END = ["In the end {the} and the {friend} became the best of friends.",
        "From that day on {the} was never alone again.",
        "And {the} kept the {bare} for ever and was happy.",
        "When the sun came up, {the} was safe at home and smiled.",
        "That night {the} slept well and dreamed of the {bare}."]
_CLOSE = ["The end.", "And they all lived happily ever after.", "It was the best day of all.", "", ""]
_MOODS = "brave clever curious cheerful gentle quiet patient funny proud hungry lonely friendly".split()
_TIMES = "morning evening afternoon".split()
_WEATHER = "sunny rainy windy cold warm snowy foggy".split()
_PEOPLE = "girl boy king queen wizard knight child woman man princess prince giant pirate witch robot".split()
_ADJECTIVES = "little old small young tiny big lost sad happy brave".split()
_PREPOSITIONS = {"island": "on", "mountain": "on", "farm": "on", "hill": "on", "beach": "on", "ship": "on",
                 "river": "by", "lake": "by", "bridge": "by", "station": "by", "pond": "by", "market": "by"}


def _elements(words):
    """The requested hero, thing and place; the last two may be missing."""
    rng = words.rng
    kind = words.noun(ANIMALS, 0.3) if rng.random() < 0.7 else words.noun(_PEOPLE, 0.1)
    name = words.first() if rng.random() < 0.35 else None
    adjective = rng.choice(_ADJECTIVES) if rng.random() < 0.2 else None
    thing = words.noun(THINGS, 0.3) if rng.random() < 0.7 else None
    place = words.noun(PLACES, 0.2) if rng.random() < 0.45 else None
    colour = rng.choice(COLOURS) if thing and rng.random() < 0.2 else None
    value = (adjective, kind, name, colour, thing, place)
    return value, ("story",) + value[1:2] + value[4:]


def _request(rng, adjective, kind, name, colour, thing, place):
    text = article((adjective + " " if adjective else "") + kind)
    if name:
        text += rng.choice([" named ", " called "]) + name
    if thing:
        what = article((colour + " " if colour else "") + thing)
        text += (" who finds " if name and rng.random() < 0.5 else " and ") + what
    if place:
        text += f" {_PREPOSITIONS.get(place, 'in')} {article(place) if rng.random() < 0.3 else 'the ' + place}"
    return rng.choice(_ASKS).format(e=text)


def tell(rng, adjective, kind, name, colour, thing, place):
    """Writes the story; the sentences are chosen so that each may follow any other."""
    thing = thing or rng.choice(["key", "lantern", "ball", "book"])
    place = place or rng.choice(["forest", "village", "garden", "lake"])
    it = "she" if kind in ("girl", "queen", "woman", "princess", "witch") else \
         "he" if kind in ("boy", "king", "man", "prince", "wizard", "knight", "pirate") else "it"
    the = name or "the " + kind
    hero = article((adjective or "little") + " " + kind)
    friend = rng.choice([a for a in ("bird", "child", "mouse", "cat", "duckling") if a != kind])
    slots = dict(hero=hero, hero_cap=hero[0].upper() + hero[1:], named=" named " + name if name else "",
                 near=f"{_PREPOSITIONS.get(place, 'in')} the {place}", it=it, It=it.capitalize(),
                 it2={"she": "her", "he": "him", "it": "it"}[it], mood=rng.choice(_MOODS), time=rng.choice(_TIMES),
                 weather=rng.choice(_WEATHER), bare=thing, the=the, The=the[0].upper() + the[1:],
                 thing=article((colour or rng.choice(["small", "shiny", "strange"])) + " " + thing),
                 colour=colour or rng.choice(COLOURS), friend=friend)
    parts = [_OPEN, _MOOD, _FIND, _WISH, _TROUBLE, _HELP, _END, _CLOSE]
    if rng.random() < 0.3:
        parts.pop(3)
    return " ".join(rng.choice(part) for part in parts).format(**slots).strip()


def make(words):
    """One request and one story."""
    value = pick_key(words.rng, words.test, lambda: _elements(words))
    _, kind, name, _, thing, place = value
    return Talk("stories", [dict(role="user", content=_request(words.rng, *value)),
                            dict(role="assistant", content=tell(words.rng, *value))],
                {"needs": [w for w in (kind, name, thing, place) if w]})
