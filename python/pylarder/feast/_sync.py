"""How the files of a source come into the store, and how they are kept up to date there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .. import Error, InvalidInputError, NotFoundError, Store, UnsupportedError
from ._direct import can_be_read
from ._files import Part, SourceFile, growth, list_files
from ._held import STATE, Held, decoded, encoded, held, schema_of
from ._native import NativeView, native_name
from ._parquet import Place, dataset, read_parts
from ._pushed import pushed_rows
from ._rows import PUSHED, is_number, native_rows
from ._types import key_kind, key_name

logger = logging.getLogger(__name__)


class Sync:
    """Brings the files of one source into one native view.

    What is there stays until what takes its place is whole: rows of the same columns are replaced
    in one commit; others go to a view of their own, which counts once it is filled, and only then
    is the one before it dropped.
    """

    def __init__(
        self,
        store: Store,
        path: str,
        keys: list[str],
        timestamp: str,
        created: str | None,
        time_unit: str | None = None,
    ) -> None:
        self.store = store
        self.path = path
        self.keys = keys
        self.timestamp = timestamp
        self.created = created
        self.time_unit = time_unit
        parts = [path, keys, timestamp, created, *([time_unit] if time_unit else [])]
        identity = json.dumps(parts).encode()
        stem = "".join(c if c.isalnum() else "_" for c in os.path.basename(path))[:80]
        self.name = f"source.{stem}.{hashlib.sha256(identity).hexdigest()[:12]}"

    def view(self) -> NativeView:
        """The view, after a sync if the files changed."""
        files = list_files(self.path)
        views = self._whole()
        if len(views) != 1 or not views[0].is_current(files):
            with self._lock():
                # Another process may have done it meanwhile.
                files = list_files(self.path)
                views = self._whole()
                if not views or not views[-1].is_current(files):
                    views = [self._sync(views[-1] if views else None, files)]
                elif len(views) > 1:
                    # Whoever made the last one died before it dropped the one before.
                    self._drop_all_but(views[-1].number)
        return self._native(views[-1].name, schema_of(views[-1].state))

    def push(self, table: pa.Table) -> None:
        """Adds rows that are kept beside those of the files.

        Args:
            table: the source's columns.
        """
        self.view()
        with self._lock():
            views = self._whole()
            if not views:
                raise NotFoundError(f'The view "{self.name}" was dropped.')
            known = views[-1]
            state, schema = known.state, schema_of(known.state)
            table = self._with_times(table, schema)
            widened = sorted({*state.get("widened", []), *_losing(table, schema)})
            if not state.get("pushed") or widened != state.get("widened", []):
                state = {**state, "pushed": True, "widened": widened}
                self._apply(known.name, schema_of(state), state)
            schema = schema_of(state)
            for name in self._times():
                # As they come: a number and a time are not the same in one another's type.
                index = schema.get_field_index(name)
                if is_number(schema.field(index).type):
                    schema = schema.set(index, table.schema.field(name))
            rows = table.select(schema.names).cast(schema)
            self.store.append(
                known.name, self._rows(known.name, schema, rows.to_reader(), pushed=True)
            )

    def _times(self) -> list[str]:
        return [self.timestamp, *([self.created] if self.created else [])]

    def _with_times(self, table: pa.Table, schema: pa.Schema) -> pa.Table:
        """Rows with times where the source has times: texts are read, and are UTC without a zone."""
        import pandas as pd

        for field in schema:
            index = table.schema.get_field_index(field.name)
            if index < 0 or not pa.types.is_timestamp(field.type):
                continue
            column = table.column(index)
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                try:
                    times = pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601")
                except ValueError as error:
                    raise InvalidInputError(
                        f'Column "{field.name}" of the pushed rows: {error}', column=field.name
                    ) from None
                table = table.set_column(index, field.name, pa.array(times))
        return table

    def _native(self, name: str, schema: pa.Schema) -> NativeView:
        keys = {key: key_name(key, key_kind(schema.field(key).type) or "") for key in self.keys}
        return NativeView(
            self.store, name, keys, schema, self.timestamp, self.created, self.time_unit
        )

    def _rows(
        self,
        name: str,
        schema: pa.Schema,
        rows: pa.RecordBatchReader,
        *,
        pushed: bool = False,
        place: Place | None = None,
    ) -> pa.RecordBatchReader:
        native = self._native(name, schema)
        return native_rows(native, rows, self.path, pushed=pushed, place=place)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process syncs at a time; others wait for it."""
        with open(f"{self.store.path}.feast-lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _whole(self) -> list[Held]:
        """The source's views that were filled: one, but where a process died. The last counts."""
        return [view for view in held(self.store, self.name) if view.is_whole]

    def _sync(self, known: Held | None, files: list[SourceFile]) -> Held:
        found = dataset(self.path, files).schema.remove_metadata()
        self._check(found)
        files = [file.examined() for file in files]
        state = known.state if known else {}
        after = {
            "files": [file.to_json() for file in files],
            "schema": encoded(found),
            "pushed": bool(state.get("pushed")),
            "widened": state.get("widened", []),
            "absent": state.get("absent", {}),
        }
        # A store of an earlier version may have a view that was never filled: without a schema.
        if known is not None and state["schema"] and decoded(state["schema"]).equals(found):
            number = known.number
            what = self._renew(known, files, after)
        else:
            number, after = self._make(known, files, after)
            what = "was brought into the store" + (" anew: its columns changed" if known else "")
        self._drop_all_but(number)
        logger.info("%s %s", self.path, what)
        made = [view for view in held(self.store, self.name) if view.number == number]
        return made[0]

    def _renew(self, known: Held, files: list[SourceFile], after: dict[str, Any]) -> str:
        """Brings a view up to date with files of the same columns."""
        schema = schema_of(after)
        is_unsettled = known.state.get("appending")
        added = None if is_unsettled else growth(known.files, files)
        what = "was touched, and holds what it held"
        if added is None or added:
            # If this process ends before the last step, the next sync replaces all rows.
            self._apply(known.name, schema, {**known.state, "appending": True})
        if added is None:
            kept = self._kept(known, known.name, schema, after)
            self._fill(known.name, [Part(file) for file in files], schema, after, kept)
            what = "changed: its rows were replaced"
        elif added:
            if not self._import(known.name, added, schema, after):
                self._fill(known.name, added, schema, after, None, replace=False)
            what = "grew: rows were added"
        self._apply(known.name, schema, after)
        return what

    def _make(
        self, known: Held | None, files: list[SourceFile], after: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Makes and fills a view of its own; what is there stays as it is until it is whole."""
        schema = schema_of(after)
        every = held(self.store, self.name)
        number = every[-1].number + 1 if every else 1
        name = f"{self.name}.{number}" if number > 1 else self.name
        kept = self._kept(known, name, schema, after) if known else None
        self._apply(name, schema, {**after, "preparing": True})
        self._fill(name, [Part(file) for file in files], schema, after, kept)
        self._apply(name, schema, after)
        return number, after

    def _kept(
        self, known: Held, name: str, schema: pa.Schema, after: dict[str, Any]
    ) -> pa.Table | None:
        """The pushed rows; with them come the features that only they have."""
        if not after["pushed"]:
            return None
        rows, after["absent"] = pushed_rows(self._native(name, schema), known, self.path)
        return rows

    def _drop_all_but(self, number: int) -> None:
        for view in held(self.store, self.name):
            if view.number != number:
                try:
                    self.store.drop(view.name)
                except Error as error:
                    # It no longer counts; the next sync drops it.
                    logger.warning('%s: "%s" is not dropped yet: %s', self.path, view.name, error)

    def _fill(
        self,
        name: str,
        parts: list[Part],
        schema: pa.Schema,
        after: dict[str, Any],
        kept: pa.Table | None,
        replace: bool = True,
    ) -> None:
        """Puts the rows of files, and those kept, in the place of a view's rows, in one commit."""
        if kept is None and replace and self._import(name, parts, schema, after, replace=True):
            return
        place = Place(self.path)
        rows = self._rows(name, schema, read_parts(self.path, parts, place), place=place)
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

    def _import(
        self,
        name: str,
        parts: list[Part],
        schema: pa.Schema,
        after: dict[str, Any],
        replace: bool = False,
    ) -> bool:
        """Has the engine read whole files itself; False if pyarrow must read them."""
        native = self._native(name, schema)
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

    def _check(self, schema: pa.Schema) -> None:
        for column in [*self.keys, *self._times()]:
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
        for column in self._times():
            kind = schema.field(column).type
            if self.time_unit is None and is_number(kind):
                raise InvalidInputError(
                    f'{self.path}: column "{column}" holds times as {kind}, and what they count is '
                    'not said. Say it on the source: tags={"larder.time_unit": "ms"}, or "s", '
                    '"us", "ns", since 1970.',
                    column=column,
                )

    def _apply(self, name: str, schema: pa.Schema, state: dict[str, Any]) -> None:
        """Makes a view known with the state of its files."""
        kinds = {key: key_kind(schema.field(key).type) for key in self.keys}
        entity = f"{name}.key"
        is_fine = any(self._is_fine(schema.field(column).type) for column in self._times())
        features = {native_name(n): kind for n, kind in self._native(name, schema).features.items()}
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


def _losing(table: pa.Table, schema: pa.Schema) -> list[str]:
    """The columns whose values would lose digits in the source's type: they are kept wider."""
    found = []
    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0 or not pa.types.is_float32(field.type):
            continue
        column = table.column(index)
        if pa.types.is_float64(column.type):
            narrow = column.cast(pa.float32(), safe=False).cast(pa.float64())
            same = pc.or_(pc.equal(narrow, column), pc.is_nan(column))
            if not pc.all(same, skip_nulls=True).as_py():
                found.append(field.name)
    return found
