"""A durable state of a store."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from ._library import call_for_json
from ._times import iso


@dataclass(frozen=True)
class Commit:
    """A durable state of a store.

    Attributes:
        id: the number to go back to with `Store.at`, `Store.rollback` or
            `historical_features(at=...)`.
        time: when it was committed, ISO 8601, UTC.
        receipt: the hash of the chain of commits up to this one.
        rows: how many rows the commit brought, where it brought rows.
    """

    id: int
    time: str
    receipt: str
    rows: int | None = None

    @staticmethod
    def _of(report: dict) -> Commit:
        return Commit(report["commit"], report["time"], report["chainHash"], report.get("rows"))


# What names a commit: itself, its number, a tag, or a time, which means the last commit not later.
CommitReference = Commit | int | str | datetime.datetime | datetime.date


def commit_number(handle: Any, reference: CommitReference) -> int:
    """The number of the commit that something names.

    Raises:
        NotFoundError: no commit of that name or time is kept.
    """
    if isinstance(reference, Commit):
        return reference.id
    if hasattr(reference, "__index__"):
        return reference.__index__()
    name = iso(reference) or ""
    return call_for_json("larder_find_commit", handle, name.encode())["commit"]
