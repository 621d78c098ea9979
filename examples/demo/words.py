"""Word lists, made-up words and the rule that keeps test prompts out of training.

Every skill copies names and other words from the prompt.  A fixed list alone would be learned by
heart, so about half of the words are made up on the spot from syllables.
"""
import random
import zlib
from dataclasses import dataclass, field


@dataclass
class Talk:
    """One piece of a conversation: messages, and the answers that count as right."""
    skill: str
    messages: list            # dicts: role, content, and for tools "tools" or "tool_calls"
    facts: dict = field(default_factory=dict)


def held_out(*key):
    """True for the one tenth of all keys that training never sees."""
    return zlib.crc32(repr(key).encode()) % 10 == 0


def pick_key(rng, test, draw):
    """Draws until the key of the drawn value is on the wanted side of the split."""
    while True:
        value, key = draw()
        if held_out(*key) == test:
            return value


FIRST_NAMES = """Ada Adam Aisha Alan Alice Amir Amy Ana Andre Anita Anna Arthur Ben Bella Bob Boris Carla
Carlos Chen Clara Dan Daisy David Diana Eli Elena Ella Emil Emma Eric Eva Farid Fatima Felix Fiona Frank
Freya George Grace Greta Hana Hans Harry Helen Hugo Ida Igor Ines Ivan Iris Jack Jane Jamal Jim John Julia
Karl Kate Kenji Kim Laila Lara Lea Lena Leo Lily Lin Lisa Louis Lucy Luis Maria Mark Marta Mary Max Maya
Mei Mia Mika Milo Mona Nadia Nick Nina Noah Nora Olga Oliver Omar Oscar Otto Paul Pedro Peter Priya Quinn
Rachel Rosa Ravi Rita Robert Rosie Ruth Sam Sara Sofia Stefan Sven Tara Theo Tim Tina Tom Uma Vera Victor
Viola Walter Wendy Will Yara Yuki Zara Zoe""".split()

SURNAMES = """Abel Adler Ali Baker Banerjee Becker Berg Brown Carter Castro Chan Clark Costa Cruz Dahl Diaz
Dubois Evans Fischer Ford Garcia Gold Green Haas Hall Hill Holm Ito Jensen Jones Kaya Keller Khan King Klein
Kovac Lang Larsen Lee Lopez Marsh Meyer Miller Mori Moss Nagy Novak Okafor Olsen Park Patel Perez Petrov
Price Quist Reed Rossi Russo Sato Schmidt Silva Singh Smith Stone Suzuki Tanaka Taylor Torres Vogel Wang
Weber White Wolf Wood Young Zhang""".split()

CITIES = """Accra Amsterdam Athens Austin Baku Bangkok Bergen Berlin Bern Bogota Boston Bremen Bristol
Brussels Cairo Calgary Chicago Cork Dakar Dallas Delhi Denver Dresden Dublin Geneva Genoa Hamburg Hanoi
Havana Helsinki Istanbul Jakarta Kyoto Lagos Leeds Leipzig Lima Lisbon London Lyon Madrid Malaga Manila
Miami Milan Minsk Montreal Moscow Munich Nairobi Naples Nice Osaka Oslo Oxford Paris Perth Porto Prague
Quebec Quito Riga Rome Rotterdam Salzburg Seattle Seoul Seville Sofia Stockholm Sydney Tallinn Tokyo
Toronto Tunis Turin Utrecht Venice Vienna Vilnius Warsaw York Zagreb Zurich""".split()

COUNTRIES = """Argentina Australia Austria Belgium Bolivia Brazil Bulgaria Canada Chile China Colombia Croatia Cuba
Denmark Egypt England Estonia Ethiopia Finland France Germany Ghana Greece Hungary Iceland India Indonesia Iran
Ireland Israel Italy Jamaica Japan Jordan Kenya Latvia Lithuania Malta Mexico Morocco Nepal Nigeria Norway
Pakistan Peru Poland Portugal Romania Russia Scotland Serbia Spain Sudan Sweden Switzerland Syria Thailand
Tunisia Turkey Uganda Ukraine Uruguay Venezuela Vietnam Wales Zambia""".split()

JOBS = """baker teacher doctor nurse pilot farmer painter carpenter gardener plumber lawyer cook driver
engineer singer writer dentist sailor tailor librarian mechanic musician scientist waiter photographer
programmer fisherman architect chemist actor builder butcher clerk dancer editor firefighter judge
miner potter shepherd surgeon translator vet welder""".split()

ANIMALS = """fox bear rabbit mouse owl cat dog hedgehog squirrel wolf deer frog turtle duck goose horse pony
donkey goat sheep pig hen cow lion tiger elephant monkey parrot penguin seal whale dolphin crab snail bee
ant butterfly beetle spider bat badger otter beaver mole raven crow swan sparrow robin eagle hawk dragon
kitten puppy lamb panda koala camel giraffe zebra hippo crocodile lizard snake toad moth swallow""".split()

THINGS = """lantern key map book coin drum flute kite hat scarf boot ring bell box basket ladder rope candle
mirror clock compass bottle cup spoon blanket pillow umbrella wheel cart boat stone feather shell acorn
apple pear plum cake pie bread cheese carrot pumpkin flower seed letter button needle ball balloon bucket
broom lamp whistle violin trumpet telescope camera radio robot pencil painting crown necklace bracelet
backpack bicycle teapot chair table hammer magnet puzzle sled snowball star""".split()

PLACES = """forest garden village castle lighthouse island river lake mountain valley cave meadow farm barn
beach harbour market library school bakery museum park tower bridge city desert jungle swamp field orchard
cottage mill station ship attic kitchen playground hill pond""".split()

COLOURS = "red blue green yellow white black brown grey pink purple orange silver golden".split()
FOODS = """soup rice pasta bread cheese pancakes apples pears plums salad noodles curry honey chocolate
dumplings potatoes tomatoes olives cherries cake fish mushrooms beans lentils""".split()
MONTHS = """January February March April May June July August September October November December""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

_ONSETS = """b b br c d d dr f g g gr h j k k kl l l m m n n p p pr r r s s sh st t t tr v v w z z""".split()
_VOWELS = "a a e e i i o o u u a e i o ai ee ou".split()
_CODAS = ["", "", "", "", "", "n", "n", "r", "l", "s", "t", "k", "m", "x", "nd", "rk"]


def made_up(rng, syllables=None):
    """A word that no list holds, such as "torvik"."""
    count = syllables or rng.choice([1, 2, 2, 2])
    word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
                   for _ in range(count))
    return word if len(word) > 2 else word + rng.choice(_ONSETS) + "a"


class Words:
    """Draws words for one side of the split.

    Training never sees a held-out prompt, made-up word or listed word.  A test prompt is always a
    held-out one, and its made-up words too; its listed words are held out only with `unseen`.
    """

    def __init__(self, seed, test=False, unseen=False):
        self.rng = random.Random(seed)
        self.test, self.unseen = test, unseen

    def listed(self, words):
        if self.test and not self.unseen:
            return self.rng.choice(words)
        side = [w for w in words if held_out("word", w) == self.test]
        return self.rng.choice(side or words)

    def invented(self, capital=True):
        word = made_up(self.rng)
        while held_out("made", word) != self.test:
            word = made_up(self.rng)
        return word.capitalize() if capital else word

    def mixed(self, words, share=0.35, capital=True):
        if self.rng.random() < share:
            return self.invented(capital)
        return self.listed(words)

    def first(self):
        return self.mixed(FIRST_NAMES)

    def surname(self):
        return self.mixed(SURNAMES, 0.5)

    def person(self):
        return self.first() + " " + self.surname()

    def city(self):
        return self.mixed(CITIES, 0.4)

    def noun(self, words, share=0.25):
        return self.mixed(words, share, capital=False)

    def distinct(self, draw, count):
        seen = []
        while len(seen) < count:
            value = draw()
            if value not in seen:
                seen.append(value)
        return seen


def article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def plural(noun):
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"
