#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a streamed token costs in Python beyond what it costs in C: the same
turn of a small model, by turns through both, the best of each.

usage: token_overhead.py STREAM_TIME MODEL [TOKENS [ROUNDS]]"""
import subprocess
import sys
import time

import phial


def in_c(program, path, n):
    return float(subprocess.run([program, path, str(n)], check=True,
                                capture_output=True).stdout) / 1000


def in_python(model, n, make, slow):
    """Microseconds of each event. slow: as where tokens take long, and signals
    are watched for in each."""
    with model.session(drafts=False) as session:
        session.add_tokens([5])
        stream = getattr(session, make)(max_tokens=n, ignore_eos=True)
        next(stream)
        count = 0
        begin = time.perf_counter()
        for _ in stream:
            count += 1
            if slow:
                session._handle.slow = True
        # The stop, which generate() does not give, is an event too.
        count += make == "generate"
        return (time.perf_counter() - begin) * 1e6 / count


def main(program, path, n="200", rounds="30"):
    best = {}
    with phial.Model(path, threads=1) as model:
        for _ in range(int(rounds)):
            for name, measure in (
                    ("C", lambda: in_c(program, path, int(n))),
                    ("generate()", lambda: in_python(model, int(n), "generate",
                                                     False)),
                    ("generate(), watched", lambda: in_python(
                        model, int(n), "generate", True)),
                    ("events()", lambda: in_python(model, int(n), "events",
                                                   False))):
                best[name] = min(best.get(name, 1e9), measure())
    for name, micros in best.items():
        print(f"{name:20} {micros:7.1f} us per event, "
              f"{micros - best['C']:+6.1f} us")


if __name__ == "__main__":
    main(*sys.argv[1:])
