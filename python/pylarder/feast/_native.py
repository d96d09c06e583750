"""Native views that hold the rows of Feast's sources."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .. import NotFoundError, Projection, Store, UnsupportedError
from ._types import as_source, feature_kind


@dataclass
class NativeView:
    """A view of the store that holds the rows of a source.

    Attributes:
        name: the view's name.
        keys: the native join key for each key column of the source.
        schema: the source's columns in Arrow's types.
        timestamp, created: the source's time columns.
        time_unit: what times that are numbers count; None if the source does not say.
    """

    store: Store
    name: str
    keys: dict[str, str]
    schema: pa.Schema
    timestamp: str
    created: str | None
    time_unit: str | None = None

    @property
    def times(self) -> tuple[str, ...]:
        """The source's columns of event time and, if there is one, of created time."""
        return (self.timestamp, self.created) if self.created else (self.timestamp,)

    @property
    def features(self) -> dict[str, str]:
        """The native type of each column that is kept as a feature."""
        own = {*self.keys, *self.times}
        found: dict[str, str] = {}
        for field in self.schema:
            kind = feature_kind(field.type)
            if field.name not in own and kind is not None:
                found[field.name] = kind
        return found

    def projection(self, alias: str, spine: dict[str, str]) -> Projection:
        """The view under a name, found by spine columns: one for each key column."""
        return Projection(
            self.name, alias, {native: spine[key] for key, native in self.keys.items()}
        )

    def check(self, column: str) -> str:
        """The native name of a feature that can be asked for.

        Raises:
            NotFoundError: the source has no such column.
            UnsupportedError: its type is not kept, or it is the source's event or created time.
        """
        index = self.schema.get_field_index(column)
        if index < 0:
            raise NotFoundError(
                f'The source of "{self.name}" has no column "{column}". '
                f"There are: {', '.join(self.schema.names)}.",
                column=column,
            )
        if feature_kind(self.schema.field(index).type) is None:
            raise UnsupportedError(
                f'Column "{column}" holds {self.schema.field(index).type}, which is not kept.',
                column=column,
            )
        if column in self.times:
            raise UnsupportedError(
                f'Column "{column}" is a time column of the source; it is no feature as well. '
                "Give the source a copy of it under another name.",
                column=column,
            )
        return native_name(column)

    def restore(self, table: pa.Table, column: str, name: str | None = None) -> Any:
        """A feature of an answer in the source's own type."""
        found = table.column(name or native_name(column))
        return as_source(found, self.schema.field(column).type)

    def pull(self, latest: bool, start: Any, end: Any, columns: Sequence[str]) -> pa.Table:
        """Rows of a range with some columns of the source, times in UTC."""
        kept = [c for c in columns if c not in self.keys and c not in self.times]
        features = [self.check(column) for column in kept]
        pull = self.store.pull_latest if latest else self.store.pull_all
        table = pull(self.name, start, end, features=features).to_arrow()
        made: dict[str, Any] = {}
        for column in columns:
            if column in self.keys:
                made[column] = as_source(
                    table.column(self.keys[column]), self.schema.field(column).type
                )
            elif column in self.times:
                made[column] = table.column(native_name(column))
            else:
                made[column] = self.restore(table, column)
        if not made:
            return table.select([])
        return pa.table(made)


def native_name(column: str) -> str:
    """The native name of a column: its own, where the engine allows it."""
    is_fine = (
        0 < len(column.encode()) <= 200
        and ":" not in column
        and not column.startswith(("__", "feast."))
        and column.isprintable()
    )
    if is_fine:
        return column
    readable = "".join(c if c.isalnum() else "_" for c in column)[:80]
    return f"feast.{readable}.{hashlib.sha256(column.encode()).hexdigest()[:12]}"
