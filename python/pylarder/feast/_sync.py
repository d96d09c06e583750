"""How the files of a source come into the store, and how they are kept up to date there."""

from __future__ import annotations

import base64
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

from .. import (
    IncompatibleDefinitionError,
    InvalidInputError,
    NotFoundError,
    Store,
    UnsupportedError,
)
from ._direct import can_be_read
from ._files import Part, SourceFile, growth, list_files
from ._native import NativeView, native_name
from ._parquet import dataset, read_parts
from ._rows import PUSHED, native_rows
from ._types import as_source, key_kind, key_name

logger = logging.getLogger(__name__)

_STATE = "feast.sync"


class Sync:
    """Brings the files of one source into one native view."""

    def __init__(
        self, store: Store, path: str, keys: list[str], timestamp: str, created: str | None
    ) -> None:
        self.store = store
        self.path = path
        self.keys = keys
        self.timestamp = timestamp
        self.created = created
        identity = json.dumps([path, keys, timestamp, created]).encode()
        stem = "".join(c if c.isalnum() else "_" for c in os.path.basename(path))[:80]
        self.name = f"source.{stem}.{hashlib.sha256(identity).hexdigest()[:12]}"

    def view(self) -> NativeView:
        """The view, after a sync if the files changed."""
        files = list_files(self.path)
        state = self._state()
        if state is None or not _is_current(state, files):
            with self._lock():
                # Another process may have done it meanwhile.
                files = list_files(self.path)
                state = self._state()
                if state is None or not _is_current(state, files):
                    state = self._sync(state, files)
        return self._native(_schema(state))

    def push(self, table: pa.Table) -> None:
        """Adds rows that are kept beside those of the files.

        Args:
            table: the source's columns.
        """
        self.view()
        with self._lock():
            state = self._state()
            if state is None:
                raise NotFoundError(f'The view "{self.name}" was dropped.')
            widened = sorted({*state.get("widened", []), *_losing(table, _schema(state))})
            if not state.get("pushed") or widened != state.get("widened", []):
                state = {**state, "pushed": True, "widened": widened}
                self._apply(_schema(state), state)
            schema = _schema(state)
            rows = table.select(schema.names).cast(schema)
            self.store.append(self.name, self._rows(schema, rows.to_reader(), pushed=True))

    def _native(self, schema: pa.Schema) -> NativeView:
        keys = {key: key_name(key, key_kind(schema.field(key).type) or "") for key in self.keys}
        return NativeView(self.store, self.name, keys, schema, self.timestamp, self.created)

    def _rows(
        self, schema: pa.Schema, rows: pa.RecordBatchReader, *, pushed: bool = False
    ) -> pa.RecordBatchReader:
        return native_rows(self._native(schema), rows, self.path, pushed=pushed)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process syncs at a time; others wait for it."""
        with open(f"{self.store.path}.feast-lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _state(self) -> dict[str, Any] | None:
        for view in self.store.definitions().get("featureViews", []):
            if view["name"] == self.name:
                text = view.get("tags", {}).get(_STATE)
                return json.loads(text) if text else None
        return None

    def _sync(self, state: dict[str, Any] | None, files: list[SourceFile]) -> dict[str, Any]:
        found = dataset(self.path, files).schema
        self._check(found)
        files = [file.examined() for file in files]
        encoded = base64.b64encode(found.serialize().to_pybytes()).decode()
        pushed = bool(state and state.get("pushed"))
        after = {
            "files": [file.to_json() for file in files],
            "schema": encoded,
            "pushed": pushed,
            "widened": state.get("widened", []) if state else [],
        }
        schema = _schema(after)
        added = None
        if state and state["schema"] == encoded and not state.get("appending"):
            before = [SourceFile.from_json(file) for file in state["files"]]
            added = growth(before, files)
        if added is not None:
            if added:
                # If this process ends between the two, the next sync replaces everything.
                self._apply(schema, {**(state or {}), "appending": True})
                if not self._import(added, schema, after):
                    self.store.append(self.name, self._rows(schema, read_parts(self.path, added)))
            self._apply(schema, after)
            return after
        self._replace(schema, files, after)
        self._apply(schema, after)
        return after

    def _replace(self, schema: pa.Schema, files: list[SourceFile], after: dict[str, Any]) -> None:
        """Puts the rows of the files in the place of all rows but those that were pushed."""
        kept = self._pushed_rows(schema) if after["pushed"] else None
        unfinished = {**after, "files": [], "schema": ""}
        try:
            self._apply(schema, unfinished)
        except IncompatibleDefinitionError:
            self.store.drop(self.name)
            self._apply(schema, unfinished)
        parts = [Part(file) for file in files]
        if kept is None and self._import(parts, schema, after, replace=True):
            return
        rows = self._rows(schema, read_parts(self.path, parts))
        if kept is not None:
            first, last = rows, self._rows(schema, kept.to_reader(), pushed=True)

            def both() -> Iterator[pa.RecordBatch]:
                yield from first
                yield from last

            rows = pa.RecordBatchReader.from_batches(first.schema, both())
        self.store.replace(self.name, rows)

    def _import(
        self, parts: list[Part], schema: pa.Schema, after: dict[str, Any], replace: bool = False
    ) -> bool:
        """Has the engine read whole files itself; False if pyarrow must read them."""
        native = self._native(schema)
        features = list(native.features)
        paths = [part.file.path for part in parts]
        if after["widened"] or any(part.first_group for part in parts):
            return False
        times = (self.timestamp, self.created)
        if not can_be_read(paths, schema, self.keys, times, features):
            return False
        columns = {name: key for key, name in native.keys.items()}
        for name in [*times, *features]:
            if name is not None:
                columns[native_name(name)] = name
        try:
            self.store.import_files(self.name, paths, columns=columns, replace=replace)
        except (InvalidInputError, UnsupportedError) as error:
            # Nothing was written. pyarrow reads more compressions; what it refuses, it names.
            logger.info("%s: the engine does not read it: %s", self.path, error)
            return False
        return True

    def _pushed_rows(self, schema: pa.Schema) -> pa.Table:
        """The rows of `offline_write_batch`, in the columns that the source has now."""
        table = self.store.pull_all(self.name).to_arrow()
        table = table.filter(pc.fill_null(table.column(PUSHED), False))
        columns = []
        for field in schema:
            native = native_name(field.name)
            if field.name in self.keys:
                native = next(
                    name
                    for name in table.column_names
                    if name.rsplit(".", 1)[0] == f"key.{field.name}"
                )
            if native in table.column_names:
                columns.append(as_source(table.column(native), field.type))
            else:
                columns.append(pa.nulls(table.num_rows, field.type))
        return pa.table(columns, schema=schema)

    def _check(self, schema: pa.Schema) -> None:
        for column in [*self.keys, self.timestamp, *([self.created] if self.created else [])]:
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

    def _apply(self, schema: pa.Schema, state: dict[str, Any]) -> None:
        """Makes the view known with the state of its files."""
        kinds = {key: key_kind(schema.field(key).type) for key in self.keys}
        entity = f"{self.name}.key"
        times = [self.timestamp, *([self.created] if self.created else [])]
        is_fine = any(_unit(schema.field(column).type) == "ns" for column in times)
        features = [
            {"name": native_name(name), "type": kind}
            for name, kind in self._native(schema).features.items()
        ]
        view = {
            "name": self.name,
            "entities": [entity] if self.keys else [],
            "timestamp": native_name(self.timestamp),
            "timeUnit": "ns" if is_fine else "us",
            "features": [*features, {"name": PUSHED, "type": "bool"}],
            "tags": {_STATE: json.dumps(state), "feast.path": self.path},
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


def _schema(state: dict[str, Any]) -> pa.Schema:
    """The columns of a view: those of its files, some of them wider."""
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(state["schema"])))
    for column in state.get("widened", []):
        index = schema.get_field_index(column)
        if index >= 0 and pa.types.is_float32(schema.field(index).type):
            schema = schema.set(index, schema.field(index).with_type(pa.float64()))
    return schema


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


def _is_current(state: dict[str, Any], files: list[SourceFile]) -> bool:
    """Whether the files are those whose rows are in the view."""
    if state.get("appending") or len(state["files"]) != len(files):
        return False
    before = [SourceFile.from_json(file) for file in state["files"]]
    return all(new.is_untouched(old) for new, old in zip(files, before))


def _unit(kind: pa.DataType) -> str | None:
    return kind.unit if pa.types.is_timestamp(kind) else None
