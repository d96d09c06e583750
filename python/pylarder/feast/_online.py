"""Larder as Feast's online store."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import pyarrow as pa
from feast import Entity, FeatureView
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel, RepoConfig

from .. import NotFoundError, Store, UnsupportedError
from ._online_table import CREATED_TIME, EVENT_TIME, OnlineTable, is_known, tables_of
from ._request import OnlineRequest
from ._stores import store_at
from ._told import tell_older
from ._turns import writing
from ._types import floored

_Row = tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]
_Answer = tuple[datetime | None, dict[str, ValueProto] | None]

# Writes of more rows are no pushes: what they find is not looked at.
_MOST_TOLD = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class LarderOnlineStoreConfig(FeastConfigBaseModel):
    """`online_store` of `feature_store.yaml`."""

    type: Literal["pylarder.feast.LarderOnlineStore"] = "pylarder.feast.LarderOnlineStore"

    path: str = "data/larder"
    """The store's directory, relative to the repository."""

    serve_expired: bool = False
    """Whether values past their view's ttl are served all the same, as SQLite's store does."""


class LarderOnlineStore(OnlineStore):
    """The latest values in memory-mapped tables of the store's own directory.

    Of two writes the one with the greater event time stays, then the one with the greater created
    time, then the later one. A value past its view's ttl is not given.
    """

    def __init__(self) -> None:
        self._tables: dict[Any, OnlineTable] = {}
        # The store that was read last: of which configuration, by which process, until when.
        self._seen: tuple[RepoConfig, int, float, Store] | None = None

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        return SupportedAsyncMethods(read=True, write=True)

    def _is_versioned_read_supported(self) -> bool:
        return False

    def _store(self, config: RepoConfig) -> Store:
        return store_at(config.repo_path, config.online_store.path)

    def _store_to_read(self, config: RepoConfig) -> Store:
        """The store for one request, looked for on disk ten times a second at most.

        Writes look for it each time: what they write to a directory that was removed is lost.
        """
        now = time.monotonic()
        known = self._seen
        if known is not None and known[0] is config and known[1] == os.getpid() and now < known[2]:
            return known[3]
        store = self._store(config)
        self._seen = (config, os.getpid(), now + 0.1, store)
        return store

    def _table(self, config: RepoConfig, table: Any) -> OnlineTable:
        """The native view of a feature view, kept for as long as the definition is the same."""
        key = (config.project, id(table))
        known = self._tables.get(key)
        if known is not None and known.feature_view is table:
            return known
        made = OnlineTable(config, table)
        if len(self._tables) > 256:
            self._tables.clear()
        self._tables[key] = made
        return made

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        self._tables.clear()
        store = self._store(config)
        for table in tables_to_keep:
            if _has_table(table):
                OnlineTable(config, table).apply(store)
        self._remove(config, tables_to_delete)

    def teardown(
        self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]
    ) -> None:
        self._tables.clear()
        self._remove(config, tables)

    def _remove(self, config: RepoConfig, tables: Sequence[FeatureView]) -> None:
        store = self._store(config)
        for table in tables:
            for name in tables_of(store, config.project, table.name):
                store.tear_down([name])
                store.drop(name)

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[_Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        if not data:
            return
        native = self._table(config, table)
        store = self._store(config)
        # Rows of one set of features go in one batch: what a row does not bring, it keeps.
        groups: dict[tuple[str, ...], list[_Row]] = {}
        for row in data:
            groups.setdefault(tuple(row[1]), []).append(row)
        unit = native.unit(store)
        batches = [_batch(native, names, rows, unit) for names, rows in groups.items()]
        if len(data) <= _MOST_TOLD:
            tell_older(store, native, batches)
        with writing(store):
            for batch in batches:
                native.write(store, batch)
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[_Answer]:
        native = self._table(config, table)
        names = list(native.kinds) if requested_features is None else requested_features
        asked, _ = native.asked(tuple(names))
        if not entity_keys:
            return []
        store = self._store(config)
        expired = bool(getattr(config.online_store, "serve_expired", False))
        try:
            answer = store.read_online_batch(
                _query(native.name, asked, expired), native.key_batch(entity_keys)
            )
        except NotFoundError:
            if is_known(store, native.name, asked):
                # Nothing was written yet: a table that is not there holds nobody.
                return [(None, None)] * len(entity_keys)
            raise
        return _rows(native, names, answer, expired)

    def _read_features_per_fv(
        self,
        config: RepoConfig,
        grouped_refs: list,
        join_key_values: dict,
        entity_name_to_join_key_map: dict,
        online_features_response: Any,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """Reads all views of a request in one native call."""
        expired = bool(getattr(config.online_store, "serve_expired", False))
        try:
            request = OnlineRequest(
                [(self._table(config, table), features) for table, features in grouped_refs],
                join_key_values,
                entity_name_to_join_key_map,
            )
            store = self._store_to_read(config)
            answer = request.read(store, expired)
        except (KeyError, NotFoundError):
            # A view's keys are missing, or nothing was written yet for one: one by one Feast says
            # what is missing, and the other views answer.
            super()._read_features_per_fv(
                config,
                grouped_refs,
                join_key_values,
                entity_name_to_join_key_map,
                online_features_response,
                full_feature_names,
                include_feature_view_version_metadata,
            )
            return
        request.fill(
            online_features_response,
            answer,
            full_feature_names=full_feature_names,
            with_versions=include_feature_view_version_metadata,
            store_of_states=None if expired else store,
        )

    async def _read_features_per_fv_async(self, *arguments: Any, **named: Any) -> None:
        loop = asyncio.get_running_loop()
        work = functools.partial(self._read_features_per_fv, *arguments, **named)
        await loop.run_in_executor(None, work)

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[_Answer]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            None, self.online_read, config, table, entity_keys, requested_features
        )

    async def online_write_batch_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[_Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.online_write_batch, config, table, data, progress)

    def retrieve_online_documents(self, *_: Any, **__: Any) -> Any:
        raise UnsupportedError("Larder's online store does not search vectors.")

    def retrieve_online_documents_v2(self, *_: Any, **__: Any) -> Any:
        raise UnsupportedError("Larder's online store does not search vectors.")


def _has_table(table: Any) -> bool:
    """Whether rows of a view are written online at all."""
    return getattr(table, "entity_columns", None) is not None


def _ticks(time: datetime | None, unit: str) -> int | None:
    """A time in microseconds or nanoseconds of UTC; what has no zone is UTC."""
    # pandas' missing time is not itself.
    if time is None or time != time:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    whole = (time - _EPOCH) // timedelta(microseconds=1)
    return whole if unit == "us" else whole * 1_000 + getattr(time, "nanosecond", 0)


def _times(times: Sequence[datetime | None], unit: str) -> pa.Array:
    ticks = [_ticks(time, unit) for time in times]
    if any(tick is not None and not -(2**63) <= tick < 2**63 for tick in ticks):
        # The engine says which row's time a table of nanoseconds cannot hold.
        ticks, unit = [_ticks(time, "us") for time in times], "us"
    return pa.array(ticks, pa.int64()).cast(pa.timestamp(unit, "UTC"))


def _batch(
    native: OnlineTable, names: Sequence[str], rows: Sequence[_Row], unit: str
) -> pa.RecordBatch:
    columns: dict[str, Any] = dict(native.key_columns([row[0] for row in rows]))
    columns[EVENT_TIME] = _times([row[2] for row in rows], unit)
    columns[CREATED_TIME] = _times([row[3] for row in rows], unit)
    for name in names:
        if name in native.kinds:
            values = [row[1][name] for row in rows]
            columns[native.native[name]] = native.kinds[name].column(values)
    return pa.RecordBatch.from_pydict(columns)


@functools.lru_cache(maxsize=1024)
def _query(view: str, names: tuple[str, ...], expired: bool) -> bytes:
    features = [f"{view}:{name}" for name in names]
    return json.dumps({"features": features, "includeExpired": expired}).encode()


def _rows(
    native: OnlineTable, names: Sequence[str], answer: pa.RecordBatch, expired: bool = False
) -> list[_Answer]:
    """An answer as Feast has it: (None, None) for who is not there or past the time to live."""
    count = answer.num_rows
    statuses = answer.column(len(names) + 1).indices.to_pylist()
    times = _microseconds(answer.column(len(names)))
    columns = [
        native.kinds[name].messages(answer.column(index)) for index, name in enumerate(names)
    ]
    rows: list[_Answer] = []
    for row in range(count):
        # 0 and 1 are present and null; 2 and 3 not found and past the time to live.
        if statuses[row] == 2 or (statuses[row] == 3 and not expired):
            rows.append((None, None))
            continue
        time = _EPOCH + timedelta(microseconds=times[row])
        rows.append((time, {name: column[row] for name, column in zip(names, columns)}))
    return rows


def _microseconds(times: pa.Array) -> list[int]:
    """Times in microseconds, rounded down."""
    return floored(times, "us").view(pa.int64()).to_pylist()
