"""A durable state of a store."""

from __future__ import annotations

from dataclasses import dataclass


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
