# SPDX-License-Identifier: MIT
"""Signals at random moments, hundreds a second, while sessions are used: for
test_py_interrupt.py. Arguments: model, seconds, seed. Whatever was interrupted,
each session must then give what a new one gives, and Python's wakeup descriptor
be nobody's."""
import os
import random
import signal
import sys
import threading
import time

import phial


def storm(seconds, draw):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(draw.random() * 0.004)
        os.kill(os.getpid(), signal.SIGINT)


def play(session, draw):
    session.rewind(0)
    session.add_tokens([draw.choice([5, 6, 7])
                        for _ in range(draw.choice([3, 40, 400]))])
    if draw.random() < 0.5:
        session.prefill()
    for _ in session.generate(max_tokens=draw.choice([1, 5, 50]),
                              ignore_eos=True):
        pass
    session.logits()
    phial.step([session])


def under(thread, call):
    """Calls again and again until no more signals come; how often one did."""
    count = 0
    while thread.is_alive():
        try:
            while thread.is_alive():
                call()
        except KeyboardInterrupt:
            count += 1
    return count


def check(model, sessions):
    for session in sessions:
        tokens = session.tokens[:200]
        session.rewind(len(tokens))
        if tokens:
            with model.session(private=True) as other:
                other.add_tokens(tokens)
                assert list(session.logits()) == list(other.logits())
    assert signal.set_wakeup_fd(-1) == -1


def main(path, seconds, seed):
    draw = random.Random(int(seed))
    model = phial.Model(path, threads=1)
    sessions = [model.session(private=True) for _ in range(3)]
    model.session().complete("one", max_tokens=1)  # what is made once
    thread = threading.Thread(target=storm, args=(float(seconds), draw))
    again = signal.signal(signal.SIGINT, signal.SIG_IGN)
    thread.start()
    count = 0
    while thread.is_alive():
        try:
            signal.signal(signal.SIGINT, again)
            count += under(thread, lambda: play(draw.choice(sessions), draw))
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt:
            count += 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    check(model, sessions)
    print("interrupted", count, "times")


if __name__ == "__main__":
    main(*sys.argv[1:])
