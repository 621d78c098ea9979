#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random calls of everything that the package has, with good and bad arguments,
on objects that live, were closed, or are in the middle of something. Any
exception but an Error, a TypeError or what iterators raise is a finding; so is
a process that ends otherwise. Now and then a session must give what a new one
gives for the same tokens.

usage: fuzz_api.py MODEL [CALLS [SEED]]      1,000,000 calls, seed 1"""
import gc
import os
import random
import sys
import tempfile
import time

import phial

TEXTS = ["", "a", "one two three", "\0", "漢🦊", "<|end|>", "x" * 300,
         b"\xff\xfe", bytearray(b"abc"), "\ud800", "\n\n "]
NUMBERS = [0, 1, 2, 3, 7, 50, 255, 256, 1000, -1, 1 << 31, 1 << 64, 2.5, None]
FLOATS = [0, 0.0, 0.5, 1.0, 2.0, 101.0, -1.0, float("nan"), float("inf")]
MESSAGES = [
    [{"role": "user", "content": "Hello"}],
    [{"role": "system", "content": "x"}, {"role": "user", "content": "y"},
     {"role": "assistant", "content": "z"}, {"role": "user", "content": "w"}],
    [{"role": "user", "content": "<|end|>"}], [], [{"role": "nobody"}], [{}],
    [{"role": "assistant", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f",
                                                     "arguments": "{}"}}]}]]
TOOLS = [None, [], [{"type": "function", "function": {"name": "f"}}], [{}],
         [5]]


class Monkey:
    """What there is to play with, and how."""

    def __init__(self, model, draw, folder):
        self.model, self.draw, self.folder = model, draw, folder
        self.sessions, self.turns, self.chats, self.others = [], [], [], []
        self.count = self.refused = 0
        self.calls = [getattr(self, name) for name in dir(self)
                      if name.startswith("do_")]

    def pick(self, things, make):
        if not things or self.draw.random() < 0.02:
            things.append(make())
            if len(things) > 8:
                things.pop(self.draw.randrange(len(things)))
        return self.draw.choice(things)

    def session(self):
        return self.pick(self.sessions, lambda: self.model.session(
            context=self.draw.choice([0, 40, 256])))

    def chat(self):
        return self.pick(self.chats, phial.Chat)

    def text(self):
        return self.draw.choice(TEXTS)

    def number(self):
        return self.draw.choice(NUMBERS)

    def tokens(self):
        return [self.draw.choice([1, 5, 9, 300, 400])
                for _ in range(self.draw.choice([0, 1, 2, 20]))] + (
                    [self.number()] if self.draw.random() < 0.1 else [])

    def options(self):
        made = {"max_tokens": self.draw.choice([1, 2, 3, 5])}
        for name, values in (("temperature", FLOATS), ("top_p", FLOATS),
                             ("min_p", FLOATS), ("top_k", NUMBERS),
                             ("seed", NUMBERS), ("stop", TEXTS),
                             ("repeat_penalty", FLOATS),
                             ("logit_bias", [{}, {5: 1.0}, {-1: 1}, {1: 1e9}]),
                             ("ignore_eos", [True]), ("logprobs", [True])):
            if self.draw.random() < 0.1:
                made[name] = self.draw.choice(values)
        return made

    def prompt(self):
        return self.draw.choice([self.text(), None, self.chat(),
                                 self.draw.choice(MESSAGES)])

    # ---- Calls

    def do_generate(self):
        make = self.draw.choice(["generate", "events"])
        turn = getattr(self.session(), make)(
            self.prompt(), tools=self.draw.choice(TOOLS), **self.options())
        self.turns = self.turns[-7:] + [turn]

    def do_next(self):
        if self.turns:
            for _ in range(self.draw.choice([1, 2, 9])):
                next(self.draw.choice(self.turns))

    do_next_more = do_next_again = do_next

    def do_close_turn(self):
        if self.turns:
            self.draw.choice(self.turns).close()

    def do_together(self):
        sessions = [self.model.session() for _ in range(2)]
        turns = [s.generate(self.text(), **self.options()) for s in sessions]
        for n, _ in enumerate(phial.together(*turns)):
            if n > 3 and self.draw.random() < 0.3:
                break

    def do_step(self):
        phial.step([self.session() for _ in range(self.draw.choice([0, 1, 2]))])

    def do_add(self):
        self.session().add(self.text(), special=self.draw.random() < 0.5,
                           bos=self.draw.choice([None, True, False]))

    def do_add_tokens(self):
        self.session().add_tokens(self.tokens())

    def do_set_chat(self):
        self.session().set_chat(self.draw.choice([self.chat(),
                                                  *MESSAGES]))

    def do_prefill(self):
        self.session().prefill(self.draw.choice([None, 0, 1, 5]))

    def do_rewind(self):
        session = self.session()
        session.rewind(self.draw.choice([0, 0, len(session) // 2, 1]))

    def do_rewind_wrongly(self):
        self.session().rewind(self.draw.choice([99999, 1 << 40]))

    def do_look(self):
        session = self.session()
        held = session.tokens
        assert len(session) == len(held)
        assert session.stats.n_generated >= 0 and session.memory.cache >= 0

    def do_logits(self):
        logits = self.session().logits(copy=self.draw.random() < 0.5)
        assert len(logits) == self.model.info.n_vocab
        if self.draw.random() < 0.1:
            self.others = self.others[-2:] + [logits]

    def do_drop_others(self):
        self.others = []

    do_drop_others_too = do_drop_others

    def do_top(self):
        self.session().top(self.draw.choice([0, 1, 3, 1000]))

    def do_score(self):
        tokens = self.tokens()
        assert len(self.session().score(tokens)) == len(tokens)

    def do_rows(self):
        session = self.session()
        n = len(session)
        session.rows(self.draw.choice([0, n // 2, n, n + 1]),
                     self.draw.choice([0, 1, 2]))

    def do_fork(self):
        self.sessions = self.sessions[-6:] + [self.session().fork()]

    def do_save(self):
        data = self.session().save_bytes()
        if self.draw.random() < 0.3:
            at = self.draw.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        self.session().load_bytes(data)

    def do_save_file(self):
        path = os.path.join(self.folder, "session")
        self.session().save(path)
        self.session().load(self.draw.choice([path, path, "/none/there"]))

    def do_cancel(self):
        self.session().cancel()

    def do_close(self):
        if self.draw.random() < 0.1:
            self.session().close()

    def do_chat(self):
        chat = self.chat()
        chat.add(self.draw.choice(["user", "assistant", "nobody"]),
                 self.text())
        if self.draw.random() < 0.1:
            chat.render(self.model)
            chat.close()

    def do_extend(self):
        self.chat().extend(self.draw.choice(MESSAGES))

    def do_tools(self):
        self.chat().set_tools(self.draw.choice(TOOLS) or [])

    def do_tokenizer(self):
        tokenizer = self.model.tokenizer
        ids = tokenizer.encode(self.text(), special=self.draw.random() < 0.5,
                               bos=self.draw.random() < 0.5)
        tokenizer.decode(self.draw.choice([ids, self.tokens()]))

    def do_embed(self):
        if self.draw.random() < 0.1:
            self.model.embed(self.text(),
                             pool=self.draw.choice(["mean", "last", "sum"]))

    def do_complete_openai(self):
        if self.draw.random() < 0.2:
            made = self.model.create_chat_completion(
                self.draw.choice(MESSAGES), max_tokens=2,
                stream=self.draw.random() < 0.5)
            if not isinstance(made, dict):
                next(made)

    def do_wrong_types(self):
        session = self.session()
        call = self.draw.choice([
            lambda: session.add(5), lambda: session.rewind("x"),
            lambda: session.generate(5), lambda: session.load_bytes("x"),
            lambda: session.save(5), lambda: phial.step([5]),
            lambda: self.model.session(context=self.number()),
            lambda: self.model.session(cache=self.number()),
            lambda: phial.Chat([5]), lambda: session.score(None)])
        call()

    def do_compare(self):
        """What was done before does not show in what comes."""
        if self.draw.random() > 0.3:
            return
        session = self.session()
        tokens = session.tokens
        if not 0 < len(tokens) < 40:
            return
        with self.model.session(private=True) as other:
            other.add_tokens(tokens)
            mine = list(session.logits())
            if mine != list(other.logits()):
                raise AssertionError(f"other logits behind {tokens}")

    def one(self):
        try:
            self.draw.choice(self.calls)()
        except AssertionError:
            raise
        except (phial.Error, TypeError, AttributeError, StopIteration) as e:
            if isinstance(e, phial.InternalError):
                raise
            if isinstance(e, AttributeError) and "'int'" not in str(e):
                raise
            self.refused += 1
        self.count += 1


def play(path, calls, seed):
    with tempfile.TemporaryDirectory() as folder, phial.Model(
            path, threads=1, cache_limit=1 << 28) as model:
        monkey = Monkey(model, random.Random(seed), folder)
        begin = time.monotonic()
        while monkey.count < calls:
            monkey.one()
            if monkey.count % 100000 == 0:
                print(f"{monkey.count} calls, {monkey.refused} refused, "
                      f"{time.monotonic() - begin:.0f} s", flush=True)
        done = monkey.count, monkey.refused
        del monkey
        gc.collect()
    return done


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    print("%d calls, %d refused" % play(
        sys.argv[1], int((sys.argv + ["1000000"])[2]) if len(sys.argv) > 2
        else 1000000, int(sys.argv[3]) if len(sys.argv) > 3 else 1))
