# SPDX-License-Identifier: MIT
"""Threads: one at a time in a session, many in a model, and none held up."""
import gc
import random
import threading
import time

import pytest

import phial

from test_py_stream import run_until


def busy(session):
    """Lets another thread compute in the session for long."""
    session.add_tokens([5] * 100000)
    raised = []

    def work():
        try:
            session.prefill()
        except phial.CancelledError as e:
            raised.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    run_until(session._alone.taken)
    return thread, raised


def test_a_second_thread_is_told_that_the_session_is_busy(endless):
    session = endless.session()
    thread, raised = busy(session)
    for call in (lambda: session.add("x"), lambda: session.tokens,
                 lambda: next(session.generate()), lambda: session.stats,
                 session.logits, session.fork, session.save_bytes,
                 lambda: phial.step([session])):
        with pytest.raises(phial.BusyError, match="another thread"):
            call()
    session.cancel()
    thread.join(100)
    assert not thread.is_alive() and len(raised) == 1
    session.rewind(1)


def test_the_library_itself_says_busy(endless):
    """Without the wrapper's own check."""
    session = endless.session()
    thread, _ = busy(session)
    run_until(lambda: _status_of_tokens(session) == phial.BusyError.status)
    session.cancel()
    thread.join(100)


def _status_of_tokens(session):
    import ctypes
    from phial._library import lib
    n = ctypes.c_size_t()
    return lib.phial_session_get_tokens(session._open(), None, 0,
                                        ctypes.byref(n))


def test_other_threads_run_while_one_computes(endless):
    session = endless.session()
    thread, _ = busy(session)
    count, end = 0, time.monotonic() + 0.3
    while time.monotonic() < end:
        count += 1
    session.cancel()
    thread.join(100)
    assert count > 1000  # none at all, if the lock were held


def test_closing_while_another_thread_computes(endless):
    session = endless.session()
    thread, raised = busy(session)
    session.close()
    thread.join(100)
    assert not thread.is_alive() and len(raised) == 1
    with pytest.raises(phial.ClosedError):
        session.tokens


def test_many_threads_share_a_model(demo):
    prompts = [[{"role": "user", "content": f"What is {i} + {i + 3}?"}]
               for i in range(6)]
    alone = [demo.session().complete(p) for p in prompts]
    got = [None] * len(prompts)

    def work(i):
        with demo.session() as session:
            got[i] = session.complete(prompts[i])

    threads = [threading.Thread(target=work, args=(i,))
               for i in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert got == alone


def test_rubbish_is_collected_on_any_thread(tiny):
    """Circles with handles in them, made and collected on threads at once."""
    stop = threading.Event()
    failed = []

    def collect():
        while not stop.is_set():
            gc.collect()

    def make(seed):
        draw = random.Random(seed)
        try:
            for _ in range(60):
                session = tiny.session()
                stream = session.generate("one", max_tokens=2)
                circle = [session, stream, tiny.tokenizer, phial.Chat()]
                draw.shuffle(circle)
                circle.append(circle)
                if draw.random() < 0.5:
                    next(stream, None)
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=collect)] + [
        threading.Thread(target=make, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join(200)
    stop.set()
    threads[0].join(200)
    assert not failed
