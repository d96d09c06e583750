"""Queries to a store's history."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from ctypes import addressof
from typing import TYPE_CHECKING, Any

from ._arrow import OutgoingStream, table
from ._commit import CommitReference
from ._definitions import Projection
from ._errors import InvalidInputError
from ._fitting import fitted_keys
from ._job import Job
from ._library import ArrowSchema, call, call_for_handle, call_for_json, options
from ._opened import Opened
from ._times import iso

if TYPE_CHECKING:
    import pyarrow


class Queries(Opened):
    """What a `Store`'s history is asked."""

    def historical_features(
        self,
        spine: Any,
        features: str | Sequence[str],
        timestamp: str = "event_timestamp",
        full_feature_names: bool = False,
        as_known: bool = False,
        projections: Sequence[Projection] | None = None,
        with_event_times: bool = False,
        with_status: bool = False,
        at: CommitReference | None = None,
        memory: int | None = None,
        start: Any = None,
        end: Any = None,
        threads: int | None = None,
    ) -> Job:
        """Features as they were at the time of each row of a spine.

        A view answers a row (key, t) with its row of that key with the greatest event time in
        [t - time to live, t]; ties go to the greater created time, then to the later commit.

        Args:
            spine: a table of any kind (see `append`) with the join keys and times; None makes one
                of the distinct keys and event times of the views from `start` through `end`.
            features: "view:feature" and "view:*"; or the name of a feature service.
            timestamp: the spine's time column.
            full_feature_names: whether columns are called `view__feature`.
            as_known: whether a row counts only if it was created by then.
            projections: views under names of their own, with other spine columns as keys.
            with_event_times: whether to add `<view>__event_timestamp`.
            with_status: whether to add `<view>__status`: "present", "noEntity", "onlyLater",
                "expired" or "notYetKnown".
            at: what to ask instead of the newest commit, as in `Store.at`.
            memory: bytes the engine may take; None for no bound.
            threads: how many to use; None for all cores.

        Returns:
            A job with as many rows as the spine, in its order.
        """
        query = options(
            **(
                {"service": features} if isinstance(features, str) else {"features": list(features)}
            ),
            timestamp=timestamp,
            fullFeatureNames=full_feature_names,
            asKnown=as_known,
            projections=[p.to_json() for p in projections] if projections else None,
            withEventTimes=with_event_times,
            withStatus=with_status,
            memoryBytes=memory,
            threads=threads,
            **{"from": iso(start), "through": iso(end)},
        )
        store = self if at is None else self.at(at)
        if spine is None:
            return Job(call_for_handle("larder_historical_features", store._open(), None, query))
        rows = table(spine).combine_chunks()
        asked = rows.select(_readable(rows.schema))
        renamed = [projection.join_keys for projection in projections or []]
        asked = fitted_keys(asked, store.definitions, renamed, timestamp)
        with OutgoingStream(asked) as stream:
            handle = call_for_handle("larder_historical_features", store._open(), stream, query)
        job = Job(handle, rows, asked.num_columns)
        if asked.num_columns < rows.num_columns:
            _refuse_clash(handle, rows, asked.num_columns)
        return job

    def pull_latest(
        self,
        view: str,
        start: Any = None,
        end: Any = None,
        features: Sequence[str] | None = None,
        memory: int | None = None,
    ) -> Job:
        """The latest row of each entity with start <= event time <= end.

        Args:
            memory: how many bytes the engine may take at most; None for no bound.
        """
        return self._pull(view, start, end, features, memory, latest=True)

    def pull_all(
        self,
        view: str,
        start: Any = None,
        end: Any = None,
        features: Sequence[str] | None = None,
        memory: int | None = None,
    ) -> Job:
        """Every row with start <= event time <= end.

        Args:
            memory: how many bytes the engine may take at most; None for no bound.
        """
        return self._pull(view, start, end, features, memory, latest=False)

    def _pull(
        self,
        view: str,
        start: Any,
        end: Any,
        features: Sequence[str] | None,
        memory: int | None,
        latest: bool,
    ) -> Job:
        query = options(
            latest=latest,
            features=list(features) if features is not None else None,
            memoryBytes=memory,
            **{"from": iso(start), "through": iso(end)},
        )
        return Job(call_for_handle("larder_pull", self._open(), view.encode(), query))

    def why(
        self, view: str, key: Mapping[str, Any], at: Any, *, as_known: bool = False, limit: int = 20
    ) -> dict:
        """Why a view answers a key at a time as it does.

        Returns:
            "status", the "rule" that decided, and the "candidates" around the decision.
        """
        values = {name: _key_value(value) for name, value in key.items()}
        query = options(key=values, at=iso(at), asKnown=as_known, limit=limit)
        return call_for_json("larder_why", self._open(), view.encode(), query)


def _readable(schema: pyarrow.Schema) -> list[int]:
    """The columns that the engine reads; others pass an answer by without it."""
    import pyarrow as pa

    def reads(kind: pyarrow.DataType, nested: bool = False) -> bool:
        types = pa.types
        if types.is_dictionary(kind):
            return not types.is_nested(kind.value_type)
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            return not nested and reads(kind.value_type, nested=True)
        if isinstance(kind, pa.BaseExtensionType):
            return reads(kind.storage_type, nested)
        refused = (
            types.is_nested(kind)
            or types.is_run_end_encoded(kind)
            or (types.is_decimal(kind) and kind.scale < 0)
        )
        return not refused

    return [index for index, field in enumerate(schema) if reads(field.type)]


def _refuse_clash(handle: int, spine: pyarrow.Table, asked: int) -> None:
    """Refuses an answer with two columns of one name, where the engine did not see the first."""
    import pyarrow as pa

    room = ArrowSchema()
    call("larder_job_schema", handle, addressof(room))
    made = pa.Schema._import_from_c(addressof(room)).names[asked:]
    for name in made:
        if name in spine.column_names:
            raise InvalidInputError(
                f'Two columns of the result would be called "{name}": a column of the spine and '
                "a feature. Ask for full feature names, or rename the spine's column.",
                column=name,
            )


def _key_value(value: Any) -> Any:
    """A key's value as JSON has it."""
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "item"):
        return value.item()
    return iso(value)
