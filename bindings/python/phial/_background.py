# SPDX-License-Identifier: MIT
"""Long calls that belong to no session: opening, quantising, embedding.

They run on a thread of their own while the caller's waits, so that the caller's
can be interrupted and can show progress itself: an exception in a progress
function gives the call up and comes out of it."""
from __future__ import annotations

import os
import threading
from typing import Any, Callable, Optional, Union

from . import _ffi
from ._errors import ArgumentError
from ._library import check

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Progress = Callable[[float], object]
PATIENCE = 0.05  # seconds for a call that was given up to end by itself


def path_bytes(path: Path) -> bytes:
    """A path as the library wants it."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ArgumentError(f"the path {path!r} holds a NUL character")
    return encoded


class Call:
    """One call, function(hook), and how far it has come. Its thread waits
    until the caller's has shown that, so that giving up is heard in time."""

    def __init__(self, function: Callable[[Any], int],
                 progress: Optional[Progress]) -> None:
        self.function = function
        self.show = progress
        self.news = threading.Event()
        self.heard = threading.Event()
        self.fraction: Optional[float] = None
        self.stop = False
        self.done = False
        self.error: Optional[BaseException] = None

    def run(self) -> None:
        hook = _ffi.phial_progress_fn(self.progress)
        try:
            check(self.function(hook))
        except BaseException as e:  # handed to the thread that waits
            self.error = e
        self.done = True
        self.news.set()

    def progress(self, user: object, fraction: float) -> int:
        if self.show is not None and not self.stop:
            self.heard.clear()
            self.fraction = fraction
            self.news.set()
            self.heard.wait()
        return 1 if self.stop else 0

    def follow(self) -> None:
        """The caller's side of it."""
        while not self.done:
            self.news.wait(0.1)  # not for ever: Windows does not wake it
            self.news.clear()
            fraction, self.fraction = self.fraction, None
            if fraction is not None and self.show is not None:
                self.show(fraction)
                self.heard.set()

    def give_up(self) -> None:
        self.stop = True
        self.heard.set()


def run(function: Callable[[Any], int], progress: Optional[Progress] = None,
        abandon: bool = False) -> None:
    """Runs function(hook), which returns a status, and raises what comes of it.
    abandon: what it works on is its own, so that an exception here need not
    wait until it hears of that, which may be long: from a slow disk, or never,
    if it has no use for the hook."""
    call = Call(function, progress)
    worker = threading.Thread(target=call.run, name="phial-call", daemon=True)
    worker.start()
    try:
        call.follow()
    except BaseException:
        call.give_up()
        worker.join(PATIENCE if abandon else None)
        raise
    if call.error is not None:
        try:
            raise call.error
        finally:
            call.error = None  # or its traceback would keep it in a circle
