"""One request for the latest features of any number of views, as one native call."""

from __future__ import annotations

import functools
import json
from typing import Any, Dict, List, Sequence, Tuple

import pyarrow as pa
from feast.feature_view import DUMMY_ENTITY_ID
from feast.protos.feast.serving.ServingService_pb2 import (
    FieldStatus,
    GetOnlineFeaturesResponse,
)
from feast.protos.feast.types.Value_pb2 import Value
from feast.utils import _get_table_entity_values
from google.protobuf.timestamp_pb2 import Timestamp

from .. import NotFoundError, Store
from ._online_table import KEY_TYPES, OnlineTable

# What a question asks of a view: its native name, the key column for each of its join keys, its
# features.
_Part = Tuple[str, Tuple[Tuple[str, str], ...], Tuple[str, ...]]

_PRESENT = FieldStatus.PRESENT
_NOT_FOUND = FieldStatus.NOT_FOUND


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
        asked: Sequence[Tuple[OnlineTable, Sequence[str]]],
        values: Dict[str, List[Any]],
        joined: Dict[str, str],
    ) -> None:
        self.asked = asked
        self.count = 0
        self._columns: Dict[str, pa.Array] = {}
        # The label of each column of keys, by the list it was made of and its type.
        labels: Dict[Tuple[int, str], str] = {}
        parts: List[_Part] = []
        for table, features in asked:
            unknown = [name for name in features if name not in table.kinds]
            if unknown:
                raise NotFoundError(f'"{table.name}" has no feature "{unknown[0]}".')
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
            parts.append((table.name, tuple(keys), tuple(features)))
        if not self.count:
            raise KeyError("The request has no entities.")
        self._parts = tuple(parts)

    def read(self, store: Store, expired: bool) -> pa.RecordBatch:
        """Asks the engine.

        Returns:
            The features of all views in the order asked for, then the event time and the status of
            each view.

        Raises:
            NotFoundError: nothing was written to one of the tables yet, or its view is not known.
        """
        question = _question(self._parts, expired)
        if self._columns:
            keys = pa.RecordBatch.from_arrays(
                list(self._columns.values()), names=list(self._columns)
            )
        else:
            keys = pa.RecordBatch.from_struct_array(pa.array([{}] * self.count, pa.struct([])))
        return store.read_online_batch(question, keys)

    def fill(
        self,
        response: Any,
        answer: pa.RecordBatch,
        *,
        expired: bool,
        full_feature_names: bool,
        with_versions: bool,
    ) -> None:
        """Adds an answer of `read` to Feast's response."""
        columns = answer.columns
        ahead = sum(len(features) for _, features in self.asked)
        place = 0
        for number, (table, features) in enumerate(self.asked):
            times = columns[ahead + 2 * number]
            absent = _absent(columns[ahead + 2 * number + 1], expired)
            stamps = _timestamps(times, absent)
            projection = table.feature_view.projection
            prefix = f"{projection.name_to_use()}__" if full_feature_names else ""
            response.metadata.feature_names.val.extend([prefix + name for name in features])
            if with_versions:
                _add_version(response, table.feature_view)
            statuses = [_PRESENT] * self.count
            for row in absent:
                statuses[row] = _NOT_FOUND
            for name in features:
                messages = table.kinds[name].messages(columns[place])
                place += 1
                for row in absent:
                    messages[row] = Value()
                response.results.append(
                    GetOnlineFeaturesResponse.FeatureVector(
                        values=messages, statuses=statuses, event_timestamps=stamps
                    )
                )
            _count(table.feature_view, len(features), self.count, len(absent))


@functools.lru_cache(maxsize=1024)
def _question(parts: Tuple[_Part, ...], expired: bool) -> bytes:
    projections = []
    references = []
    for number, (view, keys, features) in enumerate(parts):
        alias = f"v{number}"
        projections.append({"view": view, "as": alias, "joinKeys": dict(keys)})
        references += [f"{alias}:{name}" for name in features]
    return json.dumps(
        {
            "features": references,
            "projections": projections,
            "fullFeatureNames": True,
            "includeExpired": expired,
        }
    ).encode()


def key_column(messages: Sequence[Any], kind: str) -> pa.Array:
    """Values of a join key as a column; an empty message is null, which no row has."""
    values = []
    for message in messages:
        which = message.WhichOneof("val")
        values.append(getattr(message, which) if which else None)
    return pa.array(values, KEY_TYPES[kind])


def _absent(statuses: pa.Array, expired: bool) -> List[int]:
    """The rows without an answer: not found, or past the time to live."""
    # 0 and 1 are present and null; 2 and 3 not found and past the time to live.
    codes = statuses.indices.to_pylist()
    return [row for row, code in enumerate(codes) if code == 2 or (code == 3 and not expired)]


def _timestamps(times: pa.Array, absent: List[int]) -> List[Timestamp]:
    """Event times as messages, exact; an empty one where there is no answer."""
    made = []
    for time in times.view(pa.int64()).to_pylist():
        seconds, nanoseconds = divmod(time or 0, 1_000_000_000)
        made.append(Timestamp(seconds=seconds, nanos=nanoseconds))
    for row in absent:
        made[row] = Timestamp()
    return made


def _add_version(response: Any, view: Any) -> None:
    name = view.projection.name_alias or view.projection.name
    if any(known.name == name for known in response.metadata.feature_view_metadata):
        return
    made = response.metadata.feature_view_metadata.add()
    made.name = name
    made.version = getattr(view, "current_version_number", 0) or 0


def _count(view: Any, features: int, rows: int, absent: int) -> None:
    """Tells Feast's metrics, as its own stores do."""
    try:
        from feast.metrics import track_feature_statuses
    except ImportError:
        return
    track_feature_statuses(view.name, features * (rows - absent), features * absent)
