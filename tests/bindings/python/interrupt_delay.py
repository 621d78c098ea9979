#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long Ctrl-C takes: from sending SIGINT to the except clause, in the
middle of reading a prompt, of generating, and of opening a model.

usage: interrupt_delay.py MODEL [THREADS [ROUNDS]]"""
import signal
import statistics
import subprocess
import sys
import time

CHILD = """
import sys, time, phial
path, threads, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if what != "opening":
    model = phial.Model(path, threads=threads)
    session = model.session()
print("begin", flush=True)
try:
    if what == "opening":
        while True:
            phial.Model(path, threads=threads).close()
    elif what == "prompt":
        while True:
            session.rewind(0)
            session.add_tokens([5] * (model.info.n_context // 2))
            session.prefill()
    else:
        while True:
            session.rewind(0)
            session.complete("One day,", ignore_eos=True)
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
"""


def delay(path, threads, what, wait):
    child = subprocess.Popen([sys.executable, "-c", CHILD, path, threads, what],
                             stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begin\n"
    time.sleep(wait)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    got = float(child.stdout.readline())
    child.wait()
    return (got - sent) * 1000


def main(path, threads="0", rounds="10"):
    for what in ("prompt", "generating", "opening"):
        times = [delay(path, threads, what, 0.3 + 0.037 * i)
                 for i in range(int(rounds))]
        print(f"{what:12} median {statistics.median(times):6.1f} ms, most "
              f"{max(times):6.1f} ms, of {len(times)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
