# SPDX-License-Identifier: MIT
"""Random and adversarial strings for comparing tokenizers: every class of
character that the patterns name, next to every other, and what people write."""
import random
import unicodedata

SPACES = [chr(c) for c in [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680,
                           *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
                           0x205F, 0x3000]] + ["\u200b", "\ufeff", "\u180e"]
COMMON_SPACES = [" ", " ", " ", "\n", "\n", "\t", "\r\n", "\r", "  "]
CONTRACTIONS = ["'s", "'S", "'t", "'T", "'re", "'RE", "'rE", "'ve", "'Ve",
                "'m", "'M", "'ll", "'LL", "'lL", "'d", "'D", "'\u017f", "'x",
                "'", "''", "\u2019s", "'r", "'l", "'v", "'\u017fs", "'\u212a"]
TEXT = """The quick brown fox jumps over the lazy dog; it's 3.14159 o'clock.
def main(argc: int = 0) -> None:\n    print(f"{argc:>8}")  # done\n\n
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ẞ
Съешь же ещё этих мягких французских булок, да выпей чаю.
いろはにほへと ちりぬるを 我が世誰ぞ 常ならむ。東京タワー２０２４年
नमस्ते दुनिया, आप कैसे हैं? المَتْنُ العَرَبِيّ ١٢٣٤ שלום עולם สวัสดีครับ
🦙🏳️‍🌈👩‍👩‍👧‍👦 ①②Ⅷ½²³ ǅ ǈ ʰʲ ᾈ HTTPServer2024/v1.0//path\\n<a href='x'>"""


def by_category():
    table = {}
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            table.setdefault(unicodedata.category(chr(c)), []).append(chr(c))
    return table


class Strings:
    """Strings(seed, tokens).one() is one string; tokens are spellings of the
    vocabulary, added those of its added tokens."""

    def __init__(self, seed, tokens, added):
        self.random = random.Random(seed)
        self.tokens, self.added = tokens, added
        self.table = by_category()
        self.categories = sorted(self.table)
        self.kinds = [self.words, self.words, self.ascii, self.unicode,
                      self.classes, self.classes, self.cased, self.spaces,
                      self.quotes, self.numbers, self.repeats, self.cuts,
                      self.tokens_joined, self.look_alikes]

    def some(self, what, most):
        return "".join(self.random.choice(what)
                       for _ in range(self.random.randint(1, most)))

    def of(self, categories):
        return self.random.choice(
            self.table[self.random.choice(categories)])

    def one(self):
        return self.random.choice(self.kinds)()

    def words(self):
        parts = []
        for _ in range(self.random.randint(1, 12)):
            parts.append(self.random.choice(self.tokens))
            if self.random.random() < 0.5:
                parts.append(self.random.choice(COMMON_SPACES))
        return "".join(parts)

    def ascii(self):
        return "".join(chr(self.random.randrange(128))
                       for _ in range(self.random.randint(1, 60)))

    def unicode(self):
        high = self.random.choice([0x100, 0x800, 0x3000, 0x10000, 0x110000])
        points = (self.random.randrange(high)
                  for _ in range(self.random.randint(1, 30)))
        return "".join(chr(c) for c in points if not 0xD800 <= c < 0xE000)

    def classes(self):
        return "".join(self.of(self.categories)
                       for _ in range(self.random.randint(1, 20)))

    def cased(self):
        few = ["A", "B", "a", "b", "\u01c5", "\u02b0", "\u4e2d", "\u0301",
               "\u0903", "-", " ", "'s", "'", "/", "\n", "1", "\u20dd"]
        return "".join(self.random.choice(few) if self.random.random() < 0.7
                       else self.of(["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc",
                                     "Me"])
                       for _ in range(self.random.randint(1, 16)))

    def spaces(self):
        return "".join(self.some(SPACES + COMMON_SPACES * 3, 6) +
                       self.random.choice(["", "a", "B", "1", ".", "/", "中"])
                       for _ in range(self.random.randint(1, 8)))

    def quotes(self):
        return "".join(self.random.choice(["", "I", "don", "WE", " ", "1", "\n",
                                           "ß", "中", ".", "ʰ", "\u0301"]) +
                       self.random.choice(CONTRACTIONS)
                       for _ in range(self.random.randint(1, 8)))

    def numbers(self):
        return "".join(self.of(["Nd", "Nl", "No"])
                       if self.random.random() < 0.5 else
                       self.random.choice("0123456789., -+%/a")
                       for _ in range(self.random.randint(1, 20)))

    def repeats(self):
        unit = self.random.choice([self.of(self.categories), " ", "a", "ab",
                                   "\n", "=", "-", "\t", "的", "A", "/", "  \n",
                                   self.random.choice(self.tokens)])
        return unit * self.random.randint(2, 200) + self.random.choice(
            ["", "x", " ", "\n"])

    def cuts(self):
        at = self.random.randrange(len(TEXT))
        return TEXT[at:at + self.random.randint(1, 150)]

    def tokens_joined(self):
        return self.some(self.tokens, 6)

    def look_alikes(self):
        spelling = self.random.choice(self.added)
        at = self.random.randrange(len(spelling) + 1)
        return self.random.choice([
            spelling, " " + spelling, spelling[:at], spelling[at:],
            spelling[:at] + " " + spelling[at:], spelling.upper(),
            spelling + spelling, "x" + spelling + "\n"])

    def special(self):
        """Added tokens among text and white space."""
        parts = []
        for _ in range(self.random.randint(1, 6)):
            parts.append(self.random.choice(self.added))
            parts.append(self.random.choice(
                ["", "", " ", "\n", " \n ", "\u3000", "text", " text ",
                 self.spaces(), self.look_alikes(), self.words()]))
        if self.random.random() < 0.5:
            parts.insert(0, self.words())
        return "".join(parts)
