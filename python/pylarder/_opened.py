"""What the parts of a store have in common: the engine's handle."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from . import _library
from ._commit import Commit, CommitReference, commit_number
from ._errors import ClosedError, NotFoundError
from ._library import call, call_for_handle, call_for_json

_Opened = TypeVar("_Opened", bound="Opened")


@dataclass(frozen=True)
class Place:
    """Where a store is, and how it was opened."""

    directory: str
    options: bytes | None
    is_past: bool = False
    commit: Commit | None = None


def reopened(kind: type[_Opened], path: str, place: Place) -> _Opened:
    """Opens a store again, and of an earlier state its commit.

    Raises:
        NotFoundError: there is no such store any more, or it has no such commit.
    """
    handle = call_for_handle("larder_open", os.fsencode(place.directory), place.options)
    store = kind(handle, path, replace(place, is_past=False, commit=None))
    if place.commit is None:
        return store
    with store:
        known = call_for_json("larder_snapshots", store._open())
        is_there = any(
            found["commit"] == place.commit.id and found["chainHash"] == place.commit.receipt
            for found in known
        )
        if not is_there:
            raise NotFoundError(
                f"Commit {place.commit.id} is no longer kept, or it is another one there."
            )
        return store.at(place.commit)


class Opened:
    """An open store, or an earlier state of one."""

    def __init__(self, handle: int, path: str, place: Place | None = None) -> None:
        self._handle: int | None = handle
        self.path = path
        self._place = place
        # The process that wrote online by this handle.
        self._online_writer: int | None = None

    def __reduce__(self) -> Any:
        """What a copy and another process get: the store opened again, an earlier state by its
        commit. Not the engine's handle, which is a number of this process.
        """
        if self._place is None:
            raise TypeError("The store cannot be copied: it is not known where it is.")
        place = self._place
        if place.is_past:
            place = replace(place, commit=Commit._of(self.info()["commit"]))
        else:
            self._open()
        return reopened, (type(self), self.path, place)

    def _open(self) -> int:
        if not self._handle:
            raise ClosedError("The store was closed.")
        return self._handle

    def close(self) -> None:
        """Closes the store; jobs and tables that came from it stay valid.

        Online tables that were written to open at once the next time, after a start of the machine
        too; of a store that is not closed they are checked then.

        Raises:
            OutcomeUnknownError: the disk failed to say whether all that was written online is
                there. The store is closed all the same.
        """
        handle, self._handle = self._handle, None
        if handle:
            try:
                # A forked process lets its parent's store be.
                if self._online_writer == os.getpid():
                    call("larder_end_writing", handle)
            finally:
                _library.library().larder_close(handle)

    def __enter__(self: _Opened) -> _Opened:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self._online_writer = None
        self.close()

    def __repr__(self) -> str:
        return f"pylarder.{type(self).__name__}({self.path!r})"

    def info(self) -> dict:
        """What the store holds: rows, keys, times, segments and bytes, by view and column."""
        return call_for_json("larder_info", self._open())

    def definitions(self) -> dict:
        """What the store knows, as the JSON that `apply` takes."""
        return call_for_json("larder_definitions", self._open())

    def at(self: _Opened, commit: CommitReference) -> _Opened:
        """The store as of an earlier commit: read-only.

        Args:
            commit: a commit, its number, its tag, or a time (a datetime, a date, or ISO 8601),
                which means the last commit that is not later; a date means its beginning in UTC.

        Raises:
            NotFoundError: there is no such commit or tag, or it is no longer kept.
        """
        number = commit_number(self._open(), commit)
        handle = call_for_handle("larder_snapshot", self._open(), number)
        place = self._place
        return type(self)(handle, self.path, place and replace(place, is_past=True))
