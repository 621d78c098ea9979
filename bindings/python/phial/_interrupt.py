# SPDX-License-Identifier: MIT
"""Ctrl-C in the middle of a long call.

Python runs signal handlers between bytecodes of the main thread, so a call into
C holds them up. While the main thread computes, signals therefore also wake a
thread of ours, by the wakeup descriptor that C's half of Python's handler
writes to. It cancels the computation; the call returns within a layer of the
model, Python runs its handlers, and KeyboardInterrupt comes as always. If no
handler raises, the computation is taken up again, to the same bits."""
from __future__ import annotations

import os
import signal
import socket
import threading
import time
from _thread import get_ident
from typing import Any, Callable, Optional, Sequence

from . import _ffi
from ._library import lib

SIGNALS = frozenset((signal.SIGINT, signal.SIGTERM))
SLOW = 0.005  # seconds; a call that lasts less need not be interrupted

_cancel = lib.phial_session_cancel
_main_thread = threading.main_thread


class Watch:
    """The thread, and what it is to cancel."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.handles: Sequence[Any] = ()
        self.previous = -1  # whose descriptor ours stands in for
        self.receiver, self.sender = socket.socketpair()
        self.sender.setblocking(False)
        self.descriptor = self.sender.fileno()
        threading.Thread(target=self.run, name="phial-signals",
                         daemon=True).start()

    def run(self) -> None:
        while True:
            numbers = self.receiver.recv(256)
            if not numbers:
                return
            self.forward(numbers)
            if not SIGNALS.isdisjoint(numbers):
                self.cancel()

    def forward(self, numbers: bytes) -> None:
        """What asyncio or another owner of the descriptor waits for."""
        previous = self.previous
        if previous >= 0:
            try:
                os.write(previous, numbers)
            except OSError:
                pass  # closed, or full: its owner has enough to read

    def cancel(self) -> None:
        with self.lock:
            for handle in self.handles:
                handle.interrupted = True
                _cancel(handle)

    def call(self, function: Callable[..., int], handles: Sequence[Any],
             arguments: Sequence[Any]) -> int:
        try:
            previous = signal.set_wakeup_fd(self.descriptor,
                                            warn_on_full_buffer=False)
        except ValueError:  # not the main interpreter: no signals here
            return function(*arguments)
        try:
            if previous != self.descriptor:
                self.previous = previous
            self.handles = handles
            return function(*arguments)
        finally:
            with self.lock:
                self.handles = ()
            self.give_back()

    def give_back(self) -> None:
        try:
            signal.set_wakeup_fd(self.previous, warn_on_full_buffer=False)
        except (ValueError, OSError):  # its owner closed it meanwhile
            signal.set_wakeup_fd(-1)


_watch: Optional[Watch] = None


def _forget() -> None:
    """A forked process has no thread of ours, and shares the socket."""
    global _watch
    _watch = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _call(function: Callable[..., int], handles: Sequence[Any],
          arguments: Sequence[Any]) -> int:
    """One call, watched where signals are handled: on the main thread."""
    global _watch
    if get_ident() != _main_thread().ident:
        return function(*arguments)
    if _watch is None:
        try:
            _watch = Watch()
        except (OSError, RuntimeError):  # no descriptors, or no thread any more
            return function(*arguments)
    return _watch.call(function, handles, arguments)


def was_ours(handle: Any) -> bool:
    """A cancelled call is to be taken up again: a signal cancelled it, whose
    handlers have run by now."""
    ours = handle.interrupted and not handle.asked
    handle.interrupted = handle.asked = False
    return bool(ours)


def compute(function: Callable[..., int], handle: Any, *arguments: Any) -> int:
    """The status of function(handle, *arguments), which signals interrupt."""
    while True:
        if handle.slow:
            status = _call(function, (handle,), (handle, *arguments))
        else:
            status = function(handle, *arguments)
        if status != _ffi.PHIAL_E_CANCELLED or not was_ours(handle):
            return status


def next_event(function: Callable[..., int], handle: Any,
               event: Any) -> int:
    """compute() for a call that mostly takes one token's time: as long as that
    is short, signals can wait for it."""
    begin = time.perf_counter()
    status = compute(function, handle, event)
    handle.slow = time.perf_counter() - begin > SLOW
    return status


def compute_all(function: Callable[..., int], handles: Sequence[Any],
                *arguments: Any) -> int:
    """A call on many sessions; each reports its cancellation by itself."""
    return _call(function, handles, arguments)
