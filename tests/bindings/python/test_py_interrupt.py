# SPDX-License-Identifier: MIT
"""Ctrl-C in long calls, signals whose handlers go on, and the descriptor that
is borrowed for it. Each in a process of its own; limits are generous, the
figures are printed by interrupt_delay.py."""
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import phial

BEGIN = """
import os, signal, socket, sys, threading, time
import phial
model = phial.Model(os.environ["PHIAL_ENDLESS"], threads=1)
session = model.session()
print("begin", flush=True)
"""
# On a machine that is busy with much else; the calls themselves take minutes.
SOON = 20
QUIET = BEGIN.replace('print("begin", flush=True)', "")


def run_and_signal(body, signals=1, wait=0.25, begin=BEGIN):
    """The process's output, and the seconds from the last signal to its end."""
    child = subprocess.Popen([sys.executable, "-c",
                              begin + textwrap.dedent(body)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
    assert child.stdout.readline() == "begin\n"
    for _ in range(signals):
        time.sleep(wait)
        child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    try:
        text, _ = child.communicate(timeout=120)
    finally:
        child.kill()
    return text, time.monotonic() - sent


@pytest.mark.parametrize("call", [
    "session.add_tokens([5] * 200000); session.prefill()",
    "session.add_tokens([5] * 200000); session.logits()",
    "session.add_tokens([5] * 200000); next(session.generate())",
    "session.score([5] * 200000)",
    "session.complete('one', ignore_eos=True)",
    "session.add_tokens([5] * 200000); "
    "all(iter(lambda: phial.step([session]), False))",
])
def test_ctrl_c_raises_soon_and_the_session_goes_on(call):
    text, seconds = run_and_signal(f"""
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        session.rewind(min(1, len(session)))
        print(len(session.complete("one", max_tokens=2, ignore_eos=True)) >= 0)
        """)
    assert text == "interrupted\nTrue\n"
    assert seconds < SOON


def test_ctrl_c_ends_opening_and_quantising(tmp_path):
    """With a progress function that takes its time, as files here are small."""
    for call in ("phial.Model(path, progress=wait)",
                 f"phial.quantize(path, {str(tmp_path / 'o')!r}, 'q8_0', "
                 "progress=wait)"):
        text, seconds = run_and_signal(f"""
            path = os.environ["PHIAL_DEMO"]
            wait = lambda fraction: time.sleep(100)
            try:
                {call}
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            """)
        assert text == "interrupted\n"
        assert seconds < SOON
    assert not list(tmp_path.iterdir())  # not even half a file


def test_ctrl_c_leaves_an_embedding_behind():
    text, seconds = run_and_signal("""
        try:
            model.embed("one two three " * 20000)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """)
    assert text == "interrupted\n"
    assert seconds < SOON


def test_a_handler_that_does_not_raise_changes_nothing():
    text, _ = run_and_signal("""
        signal.signal(signal.SIGINT, lambda *_: print("handled", flush=True))
        print("begin", flush=True)
        tokens = [5] * 1500
        got = list(session.score(tokens))
        quiet = model.session(private=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        print(got == list(quiet.score(tokens)), session.tokens == tokens)
        """, signals=3, wait=0.05, begin=QUIET)
    lines = text.splitlines()
    assert lines[-1] == "True True"
    assert "handled" in lines


def test_a_cancellation_of_one_s_own_is_not_taken_for_a_signal():
    text, _ = run_and_signal("""
        signal.signal(signal.SIGINT, lambda *_: session.cancel())
        print("begin", flush=True)
        session.add_tokens([5] * 200000)
        try:
            session.prefill()
        except phial.CancelledError:
            print("cancelled")
        """, begin=QUIET)
    assert text == "cancelled\n"


def test_the_wakeup_descriptor_is_lent_and_passed_on():
    ours, other = socket.socketpair()
    with ours, other:
        ours.setblocking(False)
        before = signal.set_wakeup_fd(ours.fileno())
        seen = []
        old = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
        try:
            with phial.Model(os.environ["PHIAL_ENDLESS"], threads=1) as model:
                session = model.session()
                session.add_tokens([5] * 1500)
                timer = threading.Timer(
                    0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
                timer.start()
                session.prefill()
                timer.join()
            assert seen == [1]
            other.settimeout(10)
            assert other.recv(1) == bytes([signal.SIGINT])
        finally:
            signal.signal(signal.SIGINT, old)
            assert signal.set_wakeup_fd(before) == ours.fileno()


def test_a_wakeup_descriptor_that_is_closed_meanwhile_is_let_go(endless):
    ours, other = socket.socketpair()
    ours.setblocking(False)
    before = signal.set_wakeup_fd(ours.fileno())
    try:
        with endless.session() as session:
            session.add_tokens([5] * 100000)
            threading.Timer(0.1, lambda: (ours.close(),
                                          session.cancel())).start()
            with pytest.raises(phial.CancelledError):
                session.prefill()
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        other.close()
        signal.set_wakeup_fd(before)


def test_signals_at_any_moment_do_no_harm():
    done = subprocess.run(
        [sys.executable, os.path.join(os.path.dirname(__file__),
                                      "storm_child.py"),
         os.environ["PHIAL_ENDLESS"], "2", "1"], timeout=100,
        capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout.split()[1]) > 0


def test_an_event_loop_still_hears_its_signals():
    text, seconds = run_and_signal("""
        import asyncio

        async def main():
            asked = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGINT, lambda: (print("heard", flush=True),
                                        asked.set()))
            print("begin", flush=True)
            session.add_tokens([5] * 1000)
            session.prefill()  # on the loop's thread: it hears afterwards
            await asyncio.wait_for(asked.wait(), 100)

        asyncio.run(main())
        """, wait=0.2, begin=QUIET)
    assert text == "heard\n"
