"""The native views behind the online tables of Feast's feature views."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
from feast.feature_view import DUMMY_ENTITY_ID
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.repo_config import RepoConfig

from .. import (
    IncompatibleDefinitionError,
    InvalidInputError,
    NotFoundError,
    Store,
    UnsupportedError,
)
from ._native import native_name
from ._types import ENTITY_KINDS, OnlineKind, key_name

EVENT_TIME = "event_ts"
CREATED_TIME = "created_ts"

# The tags that say whose a table is.
_PROJECT = "feast.project"
_VIEW = "feast.view"

# The Arrow type in which keys of each kind are asked for.
KEY_TYPES = {
    "string": pa.string(),
    "int32": pa.int64(),
    "int64": pa.int64(),
    "bytes": pa.binary(),
    "timestamp": pa.timestamp("s"),
}


class OnlineTable:
    """The native view behind a feature view's online table.

    Attributes:
        name: the native view's name.
        feature_view: the feature view.
        keys: the kinds of its join keys; empty for a view without entities.
        native_keys: name, native name and kind of each join key.
        kinds: how the values of each feature are kept.
        native: the native name of each feature.
    """

    def __init__(self, config: RepoConfig, table: Any) -> None:
        self.feature_view = table
        version = ""
        if getattr(config.registry, "enable_online_feature_view_versioning", False):
            number = getattr(table.projection, "version_tag", None)
            number = number if number is not None else getattr(table, "current_version_number", 0)
            version = f".v{number}" if number else ""
        self.name = f"online.{config.project}.{table.name}{version}"
        self.project = config.project
        self._unit: str | None = None
        self.keys: dict[str, str] = {}
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
        self.native = {name: _native_feature(name) for name in self.kinds}
        # Requests name the same few sets of features again and again.
        self._asked: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[int, ...]]] = {}
        # Each key's name in Feast, its native name, its kind.
        self.native_keys = [(name, key_name(name, kind), kind) for name, kind in self.keys.items()]
        ttl: timedelta | None = getattr(table, "ttl", None) or None
        # What lives longer than the engine can count lives forever.
        self.ttl = ttl if ttl and ttl // timedelta(microseconds=1) < 2**63 else None

    def definitions(self, unit: str) -> dict[str, Any]:
        """What the store must know to hold the table.

        Args:
            unit: of its times.
        """
        view: dict[str, Any] = {
            "name": self.name,
            "entities": [f"{self.name}.key"] if self.keys else [],
            "timestamp": EVENT_TIME,
            "created": CREATED_TIME,
            "timeUnit": unit,
            "features": [
                {"name": self.native[name], "type": kind.name} for name, kind in self.kinds.items()
            ],
            "tags": {_PROJECT: self.project, _VIEW: self.feature_view.name},
        }
        if self.ttl:
            view["timeToLive"] = f"{self.ttl // timedelta(microseconds=1)}us"
        definitions: dict[str, Any] = {"featureViews": [view]}
        if self.keys:
            keys = [
                {"name": key_name(name, kind), "type": kind} for name, kind in self.keys.items()
            ]
            definitions["entities"] = [{"name": f"{self.name}.key", "joinKeys": keys}]
        return definitions

    def asked(self, features: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """The native names of features, and their fields of Feast's `Value`.

        Raises:
            NotFoundError: the feature view has no such feature.
        """
        known = self._asked.get(features)
        if known is None:
            for name in features:
                if name not in self.kinds:
                    raise NotFoundError(f'"{self.name}" has no feature "{name}".')
            natives = tuple(self.native[name] for name in features)
            fields = tuple(self.kinds[name].field for name in features)
            known = self._asked[features] = (natives, fields)
        return known

    def apply(self, store: Store) -> None:
        """Makes the table's view known, again where its types changed.

        Raises:
            InvalidInputError: another feature view has a table of this name.
        """
        known = _definition(store, self.name)
        tags = (known or {}).get("tags", {})
        mine = (self.project, self.feature_view.name)
        if _VIEW in tags and (tags.get(_PROJECT), tags[_VIEW]) != mine:
            raise InvalidInputError(
                f'Feature view "{self.feature_view.name}" would have the online table '
                f'"{self.name}", which is that of feature view "{tags[_VIEW]}". Rename one of them.'
            )
        # A unit never changes. Microseconds reach from year 1 to 9999, nanoseconds to 2262.
        unit = known.get("timeUnit", "us") if known else "us"
        try:
            store.apply(self.definitions(unit), dropping=True)
        except IncompatibleDefinitionError:
            if known is None:
                raise
            store.tear_down([self.name])
            store.drop(self.name)
            store.apply(self.definitions("us"))
        self._unit = None

    def unit(self, store: Store) -> str:
        """The unit of the table's times: microseconds, but for those of earlier versions."""
        if self._unit is None:
            self._unit = (_definition(store, self.name) or {}).get("timeUnit", "us")
        return self._unit

    def write(self, store: Store, rows: Any) -> None:
        """Writes rows, in native columns, to a table that may not be there yet."""
        try:
            store.write_online(self.name, rows)
        except NotFoundError:
            self.apply(store)
            store.write_online(self.name, rows)

    def key_batch(self, keys: Sequence[EntityKeyProto]) -> pa.RecordBatch:
        """Entity keys as a batch."""
        columns = self.key_columns(keys)
        if not columns:
            rows = pa.array([{}] * len(keys), pa.struct([]))
            return pa.RecordBatch.from_struct_array(rows)
        return pa.RecordBatch.from_pydict(columns)

    def key_columns(self, keys: Sequence[EntityKeyProto]) -> dict[str, pa.Array]:
        """Entity keys as columns.

        Raises:
            InvalidInputError: a key has other names than the table's.
        """
        found: dict[str, list[Any]] = {name: [] for name in self.keys}
        if not found:
            # A view without entities has the one key that Feast calls __dummy_id.
            for row, key in enumerate(keys):
                if list(key.join_keys) not in ([], [DUMMY_ENTITY_ID]):
                    raise _wrong_keys(key, self.keys, row)
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
        return {
            key_name(name, self.keys[name]): pa.array(values, KEY_TYPES[self.keys[name]])
            for name, values in found.items()
        }


def _definition(store: Store, name: str) -> dict[str, Any] | None:
    """What a store knows of a view."""
    for view in store.definitions().get("featureViews", []):
        if view["name"] == name:
            return view
    return None


def tables_of(store: Store, project: str, name: str) -> list[str]:
    """The online tables of a feature view, of every version of it.

    Tables say whose they are; of those that an earlier version made, only that of the view's own
    name is surely its own.
    """
    found = []
    for view in store.definitions().get("featureViews", []):
        tags = view.get("tags", {})
        owner = (tags.get(_PROJECT), tags.get(_VIEW))
        is_named = _VIEW not in tags and view["name"] == f"online.{project}.{name}"
        if owner == (project, name) or is_named:
            found.append(view["name"])
    return found


def _native_feature(name: str) -> str:
    """The native name of a feature, which is not that of a time column."""
    return f"feast.{name}" if name in (EVENT_TIME, CREATED_TIME) else native_name(name)


def is_known(store: Store, name: str, features: Sequence[str]) -> bool:
    """Whether a view is missing as a whole, or is there with all of some native features."""
    for view in store.definitions().get("featureViews", []):
        if view["name"] == name:
            return set(features) <= {feature["name"] for feature in view["features"]}
    return True


def _wrong_keys(key: EntityKeyProto, expected: dict[str, str], row: int) -> InvalidInputError:
    return InvalidInputError(
        f"An entity key of {list(key.join_keys)} where one of {list(expected)} is expected.",
        row=row,
    )
