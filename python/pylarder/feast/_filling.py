"""The native views of a source: how they are defined, and filled with the rows of its files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .. import Error, InvalidInputError, NotFoundError, Store, UnsupportedError
from ._direct import can_be_read
from ._files import Part
from ._held import STATE
from ._native import NativeView, native_name
from ._parquet import Place, read_parts
from ._rows import PUSHED, is_number, native_rows
from ._types import key_kind, key_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filling:
    """Defines and fills views of one source.

    Attributes:
        path: the file, folder or pattern.
        keys: the columns of the join keys.
        timestamp, created: the columns of the times.
        time_unit: what times that are numbers count; None if the source does not say.
    """

    store: Store
    path: str
    keys: list[str]
    timestamp: str
    created: str | None
    time_unit: str | None

    @property
    def times(self) -> list[str]:
        """The columns of event and created time."""
        return [self.timestamp, *([self.created] if self.created else [])]

    def native(self, name: str, schema: pa.Schema) -> NativeView:
        """A view of the source, with the columns of a schema."""
        keys = {key: key_name(key, key_kind(schema.field(key).type) or "") for key in self.keys}
        return NativeView(
            self.store, name, keys, schema, self.timestamp, self.created, self.time_unit
        )

    def rows(
        self,
        name: str,
        schema: pa.Schema,
        rows: pa.RecordBatchReader,
        *,
        pushed: bool = False,
        place: Place | None = None,
    ) -> pa.RecordBatchReader:
        """Rows of the source in the columns of a view."""
        native = self.native(name, schema)
        return native_rows(native, rows, self.path, pushed=pushed, place=place)

    def fill(
        self,
        name: str,
        parts: list[Part],
        schema: pa.Schema,
        after: dict[str, Any],
        kept: pa.Table | None,
        replace: bool = True,
    ) -> None:
        """Puts the rows of files, and those kept, in the place of a view's rows, in one commit."""
        if kept is None and replace and self.import_(name, parts, schema, after, replace=True):
            return
        place = Place(self.path)
        rows = self.rows(name, schema, read_parts(self.path, parts, place), place=place)
        whole = kept.schema if kept is not None else rows.schema
        failures: list[Exception] = []

        def every() -> Iterator[pa.RecordBatch]:
            try:
                for batch in rows:
                    yield _with_columns(batch, whole)
            except Exception as failure:
                failures.append(failure)
                raise
            if kept is not None:
                yield from kept.to_batches()

        stream = pa.RecordBatchReader.from_batches(whole, every())
        try:
            if replace:
                self.store.replace(name, stream)
            else:
                self.store.append(name, stream)
        except Error as error:
            # What the stream failed with says more than that it failed.
            raise (failures[0] if failures else error) from None

    def import_(
        self,
        name: str,
        parts: list[Part],
        schema: pa.Schema,
        after: dict[str, Any],
        replace: bool = False,
    ) -> bool:
        """Has the engine read whole files itself; False if pyarrow must read them."""
        native = self.native(name, schema)
        features = list(native.features)
        paths = [part.file.path for part in parts]
        if after["widened"] or any(part.first_group for part in parts):
            return False
        times = (self.timestamp, self.created)
        if not can_be_read(paths, schema, self.keys, times, features):
            return False
        columns = {name: key for key, name in native.keys.items()}
        for column in [*times, *features]:
            if column is not None:
                columns[native_name(column)] = column
        try:
            self.store.import_files(name, paths, columns=columns, replace=replace)
        except (InvalidInputError, UnsupportedError) as error:
            # Nothing was written. pyarrow reads more compressions; what it refuses, it names.
            logger.info("%s: the engine does not read it: %s", self.path, error)
            return False
        return True

    def check(self, schema: pa.Schema) -> None:
        """Refuses files that lack a column, or whose keys or times are not understood."""
        for column in [*self.keys, *self.times]:
            if schema.get_field_index(column) < 0:
                raise NotFoundError(
                    f'The files at {self.path} have no column "{column}". '
                    f"There are: {', '.join(schema.names)}.",
                    column=column,
                )
        for key in self.keys:
            if key_kind(schema.field(key).type) is None:
                raise UnsupportedError(
                    f'Column "{key}" holds {schema.field(key).type}, which is no join key.',
                    column=key,
                )
        for column in self.times:
            kind = schema.field(column).type
            if self.time_unit is None and is_number(kind):
                raise InvalidInputError(
                    f'{self.path}: column "{column}" holds times as {kind}, and what they count is '
                    'not said. Say it on the source: tags={"larder.time_unit": "ms"}, or "s", '
                    '"us", "ns", since 1970.',
                    column=column,
                )

    def apply(self, name: str, schema: pa.Schema, state: dict[str, Any]) -> None:
        """Makes a view known with the state of its files."""
        kinds = {key: key_kind(schema.field(key).type) for key in self.keys}
        entity = f"{name}.key"
        is_fine = any(self._is_fine(schema.field(column).type) for column in self.times)
        features = {native_name(n): kind for n, kind in self.native(name, schema).features.items()}
        features = {**features, **state.get("absent", {}), PUSHED: "bool"}
        view = {
            "name": name,
            "entities": [entity] if self.keys else [],
            "timestamp": native_name(self.timestamp),
            "timeUnit": "ns" if is_fine else "us",
            "features": [{"name": feature, "type": kind} for feature, kind in features.items()],
            "tags": {STATE: json.dumps(state), "feast.path": self.path},
        }
        if self.created:
            view["created"] = native_name(self.created)
        definitions: dict[str, Any] = {"featureViews": [view]}
        if self.keys:
            join_keys = [
                {"name": key_name(key, kind or ""), "type": kind} for key, kind in kinds.items()
            ]
            definitions["entities"] = [{"name": entity, "joinKeys": join_keys}]
        self.store.apply(definitions, dropping=True)

    def _is_fine(self, kind: pa.DataType) -> bool:
        if pa.types.is_timestamp(kind):
            return kind.unit == "ns"
        return is_number(kind) and self.time_unit == "ns"


def _with_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with the columns of a schema, null where it has none."""
    if batch.schema.equals(schema):
        return batch
    known = dict(zip(batch.schema.names, batch.columns))
    columns = [
        known.get(field.name, pa.nulls(batch.num_rows, field.type)).cast(field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
