"""Turns at writing online: who wrote lets other processes write soon after."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .. import ClosedError, Error, Store

logger = logging.getLogger(__name__)

# Seconds that a table stays taken after a write, at least and at most. Others wait for ten.
_SHORTEST, _LONGEST = 0.5, 5.0


class _Turn:
    """One store's turn. Writes of its threads follow one another, as they do in the engine."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.pause = _SHORTEST
        self.timer: threading.Timer | None = None

    def wrote(self) -> None:
        """Sees to it that the turn ends. The lock is held."""
        if self.timer is None:
            self.timer = threading.Timer(self.pause, self.end)
            self.timer.daemon = True
            self.timer.start()

    def end(self) -> None:
        """Ends the turn, if one began in this process."""
        if self.process != os.getpid():
            return
        with self.lock:
            if self.timer is None:
                return
            self.timer.cancel()
            self.timer = None
            begin = time.monotonic()
            try:
                self.store.end_writing()
            except ClosedError:
                pass
            except Error:
                # What was written is durable all the same: each write was, when it returned.
                logger.exception("%s: writing did not end well", self.store.path)
            # Ending takes time with the size of the tables; it is to take a tenth at most.
            self.pause = min(_LONGEST, max(_SHORTEST, 10 * (time.monotonic() - begin)))


_turns: dict[int, _Turn] = {}


@contextmanager
def writing(store: Store) -> Iterator[None]:
    """For the time of a write, and a little longer: the next one need not open the table again."""
    turn = _turns.get(id(store))
    if turn is not None and turn.process != os.getpid():
        # A parent's; its lock may be held forever here.
        del _turns[id(store)]
        turn = None
    if turn is None or turn.store is not store:
        turn = _turns.setdefault(id(store), _Turn(store))
    with turn.lock:
        try:
            yield
        finally:
            turn.wrote()


@atexit.register
def _end_all() -> None:
    """Ends what a process is in when it ends, so that its tables open at once the next time."""
    for turn in list(_turns.values()):
        turn.end()
