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

from .. import Error, NotFoundError, Store
from ._files import Part, SourceFile, growth, list_files
from ._filling import Filling
from ._held import Held, decoded, encoded, held, schema_of
from ._native import NativeView
from ._parquet import dataset
from ._pushed import losing, pushed_rows, with_times
from ._rows import is_number

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
        self.into = Filling(store, path, keys, timestamp, created, time_unit)
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
        return self.into.native(views[-1].name, schema_of(views[-1].state))

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
            table = with_times(table, schema)
            widened = sorted({*state.get("widened", []), *losing(table, schema)})
            if not state.get("pushed") or widened != state.get("widened", []):
                state = {**state, "pushed": True, "widened": widened}
                self.into.apply(known.name, schema_of(state), state)
            schema = schema_of(state)
            for name in self.into.times:
                # As they come: a number and a time are not the same in one another's type.
                index = schema.get_field_index(name)
                if is_number(schema.field(index).type):
                    schema = schema.set(index, table.schema.field(name))
            rows = table.select(schema.names).cast(schema)
            self.store.append(
                known.name, self.into.rows(known.name, schema, rows.to_reader(), pushed=True)
            )

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
        self.into.check(found)
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
            what = "was brought into the store" + (" again: its columns changed" if known else "")
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
            self.into.apply(known.name, schema, {**known.state, "appending": True})
        if added is None:
            kept = self._kept(known, known.name, schema, after)
            self.into.fill(known.name, [Part(file) for file in files], schema, after, kept)
            what = "changed: its rows were replaced"
        elif added:
            if not self.into.import_(known.name, added, schema, after):
                self.into.fill(known.name, added, schema, after, None, replace=False)
            what = "grew: rows were added"
        self.into.apply(known.name, schema, after)
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
        self.into.apply(name, schema, {**after, "preparing": True})
        self.into.fill(name, [Part(file) for file in files], schema, after, kept)
        self.into.apply(name, schema, after)
        return number, after

    def _kept(
        self, known: Held, name: str, schema: pa.Schema, after: dict[str, Any]
    ) -> pa.Table | None:
        """The pushed rows; with them come the features that only they have."""
        if not after["pushed"]:
            return None
        rows, after["absent"] = pushed_rows(self.into.native(name, schema), known, self.path)
        return rows

    def _drop_all_but(self, number: int) -> None:
        for view in held(self.store, self.name):
            if view.number != number:
                try:
                    self.store.drop(view.name)
                except NotFoundError:
                    # A process that died had dropped it, and this drop settled that first.
                    pass
                except Error as error:
                    # It no longer counts; the next sync drops it.
                    logger.warning('%s: "%s" is not dropped yet: %s', self.path, view.name, error)
