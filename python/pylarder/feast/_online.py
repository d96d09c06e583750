"""Larder as Feast's online store."""

from __future__ import annotations

import asyncio
import functools
import json
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, List, Literal, Optional, Sequence, Set, Tuple

import pyarrow as pa
from feast import Entity, FeatureView
from feast.feature_view import DUMMY_ENTITY_ID
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.utils import (
    _get_entity_key_protos,
    _get_unique_entities,
    _populate_response_from_feature_data,
)

from .. import IncompatibleDefinitionError, InvalidInputError, NotFoundError, Store
from .. import UnsupportedError
from .._arrow import IncomingBatch, OutgoingBatch
from .._library import call
from ._stores import store_at
from ._types import ENTITY_KINDS, OnlineKind, key_name

_Row = Tuple[EntityKeyProto, Dict[str, ValueProto], datetime, Optional[datetime]]
_Answer = Tuple[Optional[datetime], Optional[Dict[str, ValueProto]]]

_EVENT = "event_ts"
_CREATED = "created_ts"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class LarderOnlineStoreConfig(FeastConfigBaseModel):
    """`online_store` of `feature_store.yaml`."""

    type: Literal["pylarder.feast.LarderOnlineStore"] = "pylarder.feast.LarderOnlineStore"

    path: str = "data/larder"
    """The store's directory, relative to the repository."""

    serve_expired: bool = False
    """Whether values past their view's ttl are served all the same, as SQLite's store does."""


class OnlineTable:
    """The native view behind a feature view's online table.

    Attributes:
        name: the native view's name.
        keys: the kinds of its join keys; empty for a view without entities.
        kinds: how the values of each feature are kept.
    """

    def __init__(self, config: RepoConfig, table: Any) -> None:
        self.feature_view = table
        version = ""
        if getattr(config.registry, "enable_online_feature_view_versioning", False):
            number = getattr(table.projection, "version_tag", None)
            number = number if number is not None else getattr(table, "current_version_number", 0)
            version = f".v{number}" if number else ""
        self.name = f"online.{config.project}.{table.name}{version}"
        self.keys: Dict[str, str] = {}
        for column in getattr(table, "entity_columns", []):
            if column.name == DUMMY_ENTITY_ID:
                continue
            kind = ENTITY_KINDS.get(column.dtype.to_value_type())
            if kind is None:
                raise UnsupportedError(
                    f'Join key "{column.name}" of "{table.name}" is {column.dtype}; keys are '
                    "String, Int32, Int64, Bytes and UnixTimestamp.",
                    column=column.name,
                )
            self.keys[column.name] = kind
        self.kinds = {
            field.name: OnlineKind(field.dtype.to_value_type())
            for field in table.features
            if field.name not in self.keys
        }
        self.ttl: Optional[timedelta] = getattr(table, "ttl", None) or None

    def definitions(self) -> Dict[str, Any]:
        """What the store must know to hold the table."""
        view: Dict[str, Any] = {
            "name": self.name,
            "entities": [f"{self.name}.key"] if self.keys else [],
            "timestamp": _EVENT,
            "created": _CREATED,
            "timeUnit": "ns",
            "features": [{"name": name, "type": kind.name} for name, kind in self.kinds.items()],
        }
        if self.ttl:
            view["timeToLive"] = f"{self.ttl // timedelta(microseconds=1)}us"
        definitions: Dict[str, Any] = {"featureViews": [view]}
        if self.keys:
            keys = [
                {"name": key_name(name, kind), "type": kind} for name, kind in self.keys.items()
            ]
            definitions["entities"] = [{"name": f"{self.name}.key", "joinKeys": keys}]
        return definitions

    def apply(self, store: Store) -> None:
        """Makes the table's view known, anew where its types changed."""
        try:
            store.apply(self.definitions(), dropping=True)
        except IncompatibleDefinitionError:
            if self.name not in view_names(store):
                raise
            store.tear_down([self.name])
            store.drop(self.name)
            store.apply(self.definitions())

    def key_batch(self, keys: Sequence[EntityKeyProto]) -> pa.RecordBatch:
        """Entity keys as a batch."""
        if not self.keys:
            rows = pa.array([{}] * len(keys), pa.struct([]))
            return pa.RecordBatch.from_struct_array(rows)
        return pa.RecordBatch.from_pydict(self.key_columns(keys))

    def key_columns(self, keys: Sequence[EntityKeyProto]) -> Dict[str, pa.Array]:
        """Entity keys as columns.

        Raises:
            InvalidInputError: a key has other names than the table's.
        """
        found: Dict[str, List[Any]] = {name: [] for name in self.keys}
        if not found:
            # A view without entities has the one key that Feast calls __dummy_id.
            return {}
        for row, key in enumerate(keys):
            if len(key.join_keys) != len(found):
                raise _wrong_keys(key, self.keys, row)
            for name, value in zip(key.join_keys, key.entity_values):
                column = found.get(name)
                if column is None:
                    raise _wrong_keys(key, self.keys, row)
                which = value.WhichOneof("val")
                column.append(getattr(value, which) if which else None)
        arrow = {
            "string": pa.string(),
            "int32": pa.int64(),
            "int64": pa.int64(),
            "bytes": pa.binary(),
            "timestamp": pa.timestamp("s"),
        }
        return {
            key_name(name, self.keys[name]): pa.array(values, arrow[self.keys[name]])
            for name, values in found.items()
        }


def view_names(store: Store) -> Set[str]:
    """The native views that a store has."""
    return {view["name"] for view in store.definitions().get("featureViews", [])}


def _is_known(store: Store, name: str, features: Sequence[str]) -> bool:
    """Whether a view with some features is missing as a whole, or is there with all of them."""
    for view in store.definitions().get("featureViews", []):
        if view["name"] == name:
            return set(features) <= {feature["name"] for feature in view["features"]}
    return True


def _wrong_keys(key: EntityKeyProto, expected: Dict[str, str], row: int) -> InvalidInputError:
    return InvalidInputError(
        f"An entity key of {list(key.join_keys)} where {list(expected)} are expected.", row=row
    )


class LarderOnlineStore(OnlineStore):
    """The latest values in memory-mapped tables of the store's own directory.

    Of two writes the one with the greater event time stays, then the one with the greater created
    time, then the later one. A value past its view's ttl is not given.
    """

    def __init__(self) -> None:
        self._tables: Dict[Any, OnlineTable] = {}

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        return SupportedAsyncMethods(read=True, write=True)

    def _is_versioned_read_supported(self) -> bool:
        return False

    def _store(self, config: RepoConfig) -> Store:
        return store_at(config.repo_path, config.online_store.path)

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
        known = view_names(store)
        for table in tables:
            stem = f"online.{config.project}.{table.name}"
            for name in known:
                if name == stem or name.startswith(f"{stem}.v"):
                    store.tear_down([name])
                    store.drop(name)

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: List[_Row],
        progress: Optional[Callable[[int], Any]],
    ) -> None:
        if not data:
            return
        native = self._table(config, table)
        store = self._store(config)
        # Rows of one set of features go in one batch: what a row does not bring, it keeps.
        groups: Dict[Tuple[str, ...], List[_Row]] = {}
        for row in data:
            groups.setdefault(tuple(row[1]), []).append(row)
        for names, rows in groups.items():
            batch = _batch(native, names, rows)
            try:
                store.write_online(native.name, batch)
            except NotFoundError:
                native.apply(store)
                store.write_online(native.name, batch)
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: List[EntityKeyProto],
        requested_features: Optional[List[str]] = None,
    ) -> List[_Answer]:
        native = self._table(config, table)
        names = list(native.kinds) if requested_features is None else requested_features
        return self._read(config, [(native, names, entity_keys)])[0]

    def _read(
        self,
        config: RepoConfig,
        asked: List[Tuple[OnlineTable, Sequence[str], Sequence[EntityKeyProto]]],
    ) -> List[List[_Answer]]:
        store = self._store(config)
        expired = bool(getattr(config.online_store, "serve_expired", False))
        answers: List[List[_Answer]] = []
        for native, names, keys in asked:
            unknown = [name for name in names if name not in native.kinds]
            if unknown:
                raise NotFoundError(f'"{native.name}" has no feature "{unknown[0]}".')
            if not keys:
                answers.append([])
                continue
            batch = native.key_batch(keys)
            try:
                answer = read_batch(store, native.name, names, batch, expired)
            except NotFoundError:
                if _is_known(store, native.name, names):
                    # Nothing was written yet: a table that is not there holds nobody.
                    answers.append([(None, None)] * len(keys))
                    continue
                raise
            answers.append(_rows(native, names, answer, expired))
        return answers

    def _read_features_per_fv(
        self,
        config: RepoConfig,
        grouped_refs: List,
        join_key_values: Dict,
        entity_name_to_join_key_map: Dict,
        online_features_response: Any,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """Reads all views of a request."""
        found = []
        for table, features in grouped_refs:
            values, places, rows = _get_unique_entities(
                table, join_key_values, entity_name_to_join_key_map
            )
            keys = _get_entity_key_protos(values)
            found.append((table, features, keys, places, rows))
        answers = self._read(
            config,
            [(self._table(config, table), features, keys) for table, features, keys, _, _ in found],
        )
        for (table, features, _, places, rows), answer in zip(found, answers):
            _populate_response_from_feature_data(
                features,
                answer,
                places,
                online_features_response,
                full_feature_names,
                table,
                rows,
                include_feature_view_version_metadata,
            )

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: List[EntityKeyProto],
        requested_features: Optional[List[str]] = None,
    ) -> List[_Answer]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            None, self.online_read, config, table, entity_keys, requested_features
        )

    async def online_write_batch_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: List[_Row],
        progress: Optional[Callable[[int], Any]],
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


def _nanoseconds(time: Optional[datetime]) -> Optional[int]:
    """A time in nanoseconds of UTC; what has no zone is UTC."""
    if time is None:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    whole = (time - _EPOCH) // timedelta(microseconds=1)
    return whole * 1_000 + getattr(time, "nanosecond", 0)


def _batch(native: OnlineTable, names: Sequence[str], rows: Sequence[_Row]) -> pa.RecordBatch:
    columns: Dict[str, Any] = dict(native.key_columns([row[0] for row in rows]))
    kind = pa.timestamp("ns", "UTC")
    columns[_EVENT] = pa.array([_nanoseconds(row[2]) for row in rows], pa.int64()).cast(kind)
    columns[_CREATED] = pa.array([_nanoseconds(row[3]) for row in rows], pa.int64()).cast(kind)
    for name in names:
        if name in native.kinds:
            columns[name] = native.kinds[name].column([row[1][name] for row in rows])
    return pa.RecordBatch.from_pydict(columns)


@functools.lru_cache(maxsize=1024)
def _question(view: str, names: Tuple[str, ...], expired: bool) -> bytes:
    features = [f"{view}:{name}" for name in names]
    return json.dumps({"features": features, "includeExpired": expired}).encode()


def read_batch(
    store: Store, view: str, names: Sequence[str], keys: pa.RecordBatch, expired: bool = False
) -> pa.RecordBatch:
    """Features, then event time and status, of the keys of a batch."""
    question = _question(view, tuple(names), expired)
    room = IncomingBatch()
    with OutgoingBatch(keys) as (schema, array):
        call("larder_read_online", store._open(), question, schema, array, *room.addresses)
    return room.batch()


def _rows(
    native: OnlineTable, names: Sequence[str], answer: pa.RecordBatch, expired: bool = False
) -> List[_Answer]:
    """An answer as Feast has it: (None, None) for who is not there or past the time to live."""
    count = answer.num_rows
    statuses = answer.column(len(names) + 1).indices.to_pylist()
    times = answer.column(len(names)).view(pa.int64()).to_pylist()
    columns = [
        native.kinds[name].messages(answer.column(index)) for index, name in enumerate(names)
    ]
    rows: List[_Answer] = []
    for row in range(count):
        # 0 and 1 are present and null; 2 and 3 not found and past the time to live.
        if statuses[row] == 2 or (statuses[row] == 3 and not expired):
            rows.append((None, None))
            continue
        time = _EPOCH + timedelta(microseconds=times[row] // 1_000)
        rows.append((time, {name: column[row] for name, column in zip(names, columns)}))
    return rows
