"""One request for the latest features of any number of views, as one native call."""

from __future__ import annotations

import array
import functools
import json
import sys
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from feast.feature_view import DUMMY_ENTITY_ID
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.utils import _get_table_entity_values

from .. import Store
from ._online_table import KEY_TYPES, OnlineTable
from ._told import tell_expired
from ._types import floored

# What a query asks of a view: its native name, the key column for each of its join keys, its
# features, the field of Feast's `Value` for each of them.
_Part = tuple[str, tuple[tuple[str, str], ...], tuple[str, ...], tuple[int, ...]]

_INT64 = pa.int64()


class OnlineRequest:
    """Features of views for the entities of a request: a row for each, in their order.

    Args:
        asked: for each view its table and the features asked for.
        values: the values of each join key, as Feast's messages.
        joined: the join key of each entity.

    Raises:
        KeyError: a view's join key has no values.
    """

    def __init__(
        self,
        asked: Sequence[tuple[OnlineTable, Sequence[str]]],
        values: dict[str, list[Any]],
        joined: dict[str, str],
    ) -> None:
        self.asked = asked
        self.count = 0
        self._columns: dict[str, pa.Array] = {}
        # The label of each column of keys, by the list it was made of and its type.
        labels: dict[tuple[int, str], str] = {}
        parts: list[_Part] = []
        for table, features in asked:
            natives, fields = table.asked(tuple(features))
            found = _get_table_entity_values(table.feature_view, joined, values)
            if not table.keys:
                self.count = len(values[DUMMY_ENTITY_ID])
            keys = []
            for name, native, kind in table.native_keys:
                messages = found.get(name)
                if not messages:
                    raise KeyError(
                        f'The request has no values of join key "{name}" of feature view '
                        f'"{table.feature_view.name}". It has: {sorted(values)}.'
                    )
                label = labels.get((id(messages), kind))
                if label is None:
                    label = labels[id(messages), kind] = f"k{len(labels)}"
                    self._columns[label] = key_column(messages, kind)
                    self.count = len(messages)
                keys.append((native, label))
            parts.append((table.name, tuple(keys), natives, fields))
        if not self.count:
            raise KeyError("The request has no entities.")
        self._parts = tuple(parts)

    def read(self, store: Store, expired: bool) -> bytes:
        """Asks the engine.

        Returns:
            The `results` of Feast's response.

        Raises:
            NotFoundError: nothing was written to one of the tables yet, or its view is not known.
        """
        return store.read_online_messages(_query(self._parts, expired, True), self._keys())

    def _keys(self) -> pa.RecordBatch:
        if self._columns:
            return pa.RecordBatch.from_arrays(
                list(self._columns.values()), names=list(self._columns)
            )
        return pa.RecordBatch.from_struct_array(pa.array([{}] * self.count, pa.struct([])))

    def _states(self, store: Store, numbers: Sequence[int]) -> dict[int, tuple[Any, Any]]:
        """The event times and statuses of some of the views asked, expired values included."""
        parts = tuple(self._parts[number] for number in numbers)
        asked = tuple(
            (view, keys, features[:1], fields[:1]) for view, keys, features, fields in parts
        )
        answer = store.read_online_batch(_query(asked, True, False), self._keys())
        return {
            number: (
                answer.column(f"v{place}__event_timestamp"),
                answer.column(f"v{place}__status"),
            )
            for place, number in enumerate(numbers)
        }

    def fill(
        self,
        response: Any,
        results: bytes,
        *,
        full_feature_names: bool,
        with_versions: bool,
        store_of_states: Store | None,
    ) -> None:
        """Adds the `results` of `read` to Feast's response.

        Args:
            store_of_states: asked for the states of views of which something was not found; None if
                what is past its time to live was given.
        """
        before = len(response.results)
        # Parsing costs a tenth of making the messages here.
        response.MergeFromString(results)
        names: list[str] = []
        for table, features in self.asked:
            if full_feature_names:
                prefix = table.feature_view.projection.name_to_use()
                names += [f"{prefix}__{name}" for name in features]
            else:
                names += features
            if with_versions:
                _add_version(response, table.feature_view)
        response.metadata.feature_names.val.extend(names)
        if store_of_states is not None:
            self._mark_expired(response, before, store_of_states)
        metrics = _metrics()
        if metrics is not None:
            place = before
            for table, features in self.asked:
                found = _present(response.results[place]) if features else 0
                place += len(features)
                absent = self.count - found
                metrics.track_feature_statuses(
                    table.feature_view.name, found * len(features), absent * len(features)
                )

    def _mark_expired(
        self,
        response: Any,
        before: int,
        store: Store,
    ) -> None:
        """Tells what is past its time to live from what is not there, with its event time."""
        places = {}
        place = before
        for number, (table, features) in enumerate(self.asked):
            can_expire = table.ttl and features
            if can_expire and FieldStatus.NOT_FOUND in response.results[place].statuses:
                places[number] = place
            place += len(features)
        if not places:
            return
        for number, (times, statuses) in self._states(store, list(places)).items():
            table, features = self.asked[number]
            expired = [
                row for row, status in enumerate(statuses.to_pylist()) if status == "outsideMaxAge"
            ]
            ticks = floored(times, "us").view(_INT64).to_pylist()
            for vector in response.results[places[number] : places[number] + len(features)]:
                for row in expired:
                    vector.statuses[row] = FieldStatus.OUTSIDE_MAX_AGE
                    seconds, micros = divmod(ticks[row], 1_000_000)
                    vector.event_timestamps[row].seconds = seconds
                    vector.event_timestamps[row].nanos = micros * 1_000
            if len(expired) == self.count:
                tell_expired(store, table.feature_view.name, self.count, table.ttl)


@functools.lru_cache(maxsize=1024)
def _query(parts: tuple[_Part, ...], expired: bool, as_messages: bool) -> bytes:
    projections = []
    references = []
    fields: list[int] = []
    for number, (view, keys, features, their_fields) in enumerate(parts):
        alias = f"v{number}"
        projections.append({"view": view, "as": alias, "joinKeys": dict(keys)})
        references += [f"{alias}:{name}" for name in features]
        fields += their_fields
    asked = {
        "features": references,
        "projections": projections,
        "fullFeatureNames": True,
        "includeExpired": expired,
    }
    if as_messages:
        asked["valueFields"] = fields
    return json.dumps(asked).encode()


def key_column(messages: Sequence[Any], kind: str) -> pa.Array:
    """Values of a join key as a column; an empty message is null, which no row has."""
    values: list[Any] = []
    for message in messages:
        which = message.WhichOneof("val")
        values.append(getattr(message, which) if which else None)
    if kind in ("int32", "int64") and None not in values:
        # Some microseconds less than by way of Arrow's inference.
        buffer = pa.py_buffer(array.array("q", values))
        return pa.Array.from_buffers(_INT64, len(values), [None, buffer])
    return pa.array(values, KEY_TYPES[kind])


def _add_version(response: Any, view: Any) -> None:
    name = view.projection.name_alias or view.projection.name
    if any(known.name == name for known in response.metadata.feature_view_metadata):
        return
    made = response.metadata.feature_view_metadata.add()
    made.name = name
    made.version = getattr(view, "current_version_number", 0) or 0


def _present(vector: Any) -> int:
    return sum(status == FieldStatus.PRESENT for status in vector.statuses)


def _metrics() -> Any:
    """Feast's metrics, if they count what was found: it costs a look at every status."""
    metrics = sys.modules.get("feast.metrics")
    is_counting = metrics is not None and metrics._config.online_features
    return metrics if is_counting else None
