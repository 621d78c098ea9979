# SPDX-License-Identifier: MIT
"""Turns as iterators. Nothing runs between two pieces: to stop early, stop
iterating; close() also ends the turn for good."""
from __future__ import annotations

import ctypes
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Iterator, Optional

from . import _ffi
from ._errors import StateError
from ._events import KINDS, REASONS, Event
from ._interrupt import compute_all, next_event
from ._library import check, lib

if TYPE_CHECKING:
    from ._session import Session

_next = lib.phial_session_next
_string_at = ctypes.string_at
_byref = ctypes.byref


class Turn:
    """What both kinds of stream are."""

    __slots__ = ("_session", "_number", "reason", "n_tokens", "__weakref__")

    def __init__(self, session: Session, number: int) -> None:
        self._session: Optional[Session] = session
        self._number = number
        self.reason: Optional[str] = None
        """Why the turn stopped, once it did: see Event."""
        self.n_tokens = 0
        """Tokens that were generated so far."""

    def _current(self) -> Session:
        session = self._session
        if session is None:
            raise StopIteration
        if session._turn != self._number:
            raise StateError("the session has begun another turn, or its input "
                             "was changed, since this one was begun")
        return session

    def _wait(self) -> Optional[Event]:
        """The next event that can be had without a step; None: there is none
        in a turn that is stepped. StopIteration: the turn is over."""
        session = self._current()
        handle, raw = session._open(), session._event
        with session._alone:
            session._check_view()
            status = next_event(_next, handle, _byref(raw))
            if status == _ffi.PHIAL_OK:
                event = self._read(raw)
                self.n_tokens += event.n_tokens
                return event
            check(status)
        if status == _ffi.PHIAL_PENDING:
            return None
        self._session = None
        raise StopIteration

    def _read(self, raw: Any) -> Event:
        kind = raw.kind
        if kind == _ffi.PHIAL_EVENT_STOP:
            self.reason = REASONS.get(raw.reason, f"reason-{raw.reason}")
        return Event(KINDS.get(kind, f"kind-{kind}"),
                     _string_at(raw.text, raw.text_len).decode(), raw.token,
                     raw.n_tokens, raw.logprob, self.reason)

    def _ready(self) -> Iterator[Event]:
        """The events that wait in a turn that is stepped."""
        while self._session is not None:
            try:
                event = self._wait()
            except StopIteration:
                return
            if event is None:
                return
            yield event

    def _advance(self) -> Event:
        """The next event, computing as little as it must."""
        event = self._wait()
        while event is None:
            step([self._current()])
            event = self._wait()
        return event

    def close(self) -> None:
        """Ends the turn; a call that runs on another thread is cancelled."""
        session, self._session = self._session, None
        if session is not None and session._turn == self._number:
            if session._alone.taken():
                session.cancel()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Stream(Turn, Iterator[str]):
    """A turn as pieces of text, whole characters."""

    __slots__ = ()

    def __next__(self) -> str:
        while True:
            event = self._advance()
            if event.kind == "text":
                return event.text


class EventStream(Turn, Iterator[Event]):
    """A turn as events, the stop included."""

    __slots__ = ()

    def __next__(self) -> Event:
        return self._advance()


def step(sessions: list[Session]) -> bool:
    """One step for sessions of one model, in a single pass over the weights:
    see phial_step() in phial.h. False: all turns are over, or have yet to
    report."""
    n = len(sessions)
    handles = [s._open() for s in sessions]
    pointers = (ctypes.POINTER(_ffi.phial_session) * n)(*handles)
    with ExitStack() as stack:
        for s in sessions:
            stack.enter_context(s._alone)
            s._check_view()
        status = compute_all(lib.phial_step, handles, pointers, n)
        return check(status) != _ffi.PHIAL_END


def together(*turns: Turn) -> Iterator[tuple[int, str]]:
    """Runs turns of different sessions of one model side by side, in one pass
    over the weights for each token, and gives their text as it comes: pairs of
    the turn's index and a piece."""
    running = dict(enumerate(turns))
    while running:
        for index, turn in list(running.items()):
            for event in turn._ready():
                if event.kind == "text":
                    yield index, event.text
            if turn._session is None:
                del running[index]
        if running:
            step([turn._current() for turn in running.values()])


for _kind in (Stream, EventStream):
    _kind.__module__ = "phial"
