"""Feature views asked for features as they were at the times of entity rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from feast.errors import FeastEntityDFMissingColumnsError
from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.repo_config import RepoConfig

from .. import Error, InvalidInputError, Job, NotFoundError, UnsupportedError
from ._native import NativeView
from ._views import native_view, source_column

_Moments = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


class Query:
    """Feature views and features of them, asked for the rows of a spine or for a range."""

    def __init__(
        self,
        config: RepoConfig,
        wanted: dict[FeatureView, list[str]],
        spine: pa.Table | None,
        timestamp: str,
        full_feature_names: bool,
        as_known: bool,
    ) -> None:
        self.config = config
        self.wanted = wanted
        self.spine = spine
        self.timestamp = timestamp
        self.full_feature_names = full_feature_names
        self.as_known = as_known
        self._check_names()

    def _check_names(self) -> None:
        """Refuses two columns of one name, by name."""
        origins = dict.fromkeys(self._spine_names(), "a column of entity_df")
        for view, features in self.wanted.items():
            for feature in features:
                name = self._name(view, feature)
                origin = f"feature {view.projection.name_to_use()}:{feature}"
                if name in origins:
                    raise InvalidInputError(
                        f'Two columns of the result would be called "{name}": {origins[name]} '
                        f"and {origin}. Ask for full_feature_names, or rename one.",
                        column=name,
                    )
                origins[name] = origin

    def _spine_names(self) -> list[str]:
        return self.spine.column_names if self.spine is not None else []

    def _name(self, view: FeatureView, feature: str) -> str:
        return f"{view.projection.name_to_use()}__{feature}" if self.full_feature_names else feature

    def ask(self, start: Any, end: Any) -> tuple[Job, list[tuple[str, FeatureView, NativeView]]]:
        """The native query, and the view behind each of its aliases."""
        views = []
        projections = []
        references = []
        for number, (view, features) in enumerate(self.wanted.items()):
            source = view.batch_source
            if source is None:
                raise NotFoundError(f'Feature view "{view.name}" has no batch source.')
            spine_columns = {}
            for column in view.entity_columns:
                if column.name == DUMMY_ENTITY_ID:
                    continue
                spine_columns[source_column(source, column.name)] = (
                    view.projection.join_key_map.get(column.name, column.name)
                )
            native = native_view(self.config, source, list(spine_columns))
            # Columns of the entity rows may be called anything a feature view is.
            alias = f"feast.{number}"
            views.append((alias, view, native))
            projections.append(native.projection(alias, spine_columns))
            references += [
                f"{alias}:{native.check(source_column(source, feature))}" for feature in features
            ]
        self._check_keys(views)
        store = views[0][2].store
        if any(native.store is not store for _, _, native in views):
            raise UnsupportedError("The views of one query must lie in one store.")
        with _in_feasts_words(views):
            job = store.historical_features(
                self.spine,
                references,
                timestamp=self.timestamp,
                full_feature_names=True,
                as_known=self.as_known,
                projections=projections,
                with_event_times=True,
                memory=getattr(self.config.offline_store, "memory", None),
                start=start,
                end=end,
            )
        return job, views

    def _check_keys(self, views: list[tuple[str, FeatureView, NativeView]]) -> None:
        if self.spine is None:
            return
        expected = set()
        for _, view, _ in views:
            for column in view.entity_columns:
                if column.name != DUMMY_ENTITY_ID:
                    expected.add(view.projection.join_key_map.get(column.name, column.name))
        missing = expected - set(self.spine.column_names)
        if missing:
            raise FeastEntityDFMissingColumnsError(expected, missing)

    def answer(self, start: Any, end: Any) -> pa.Table:
        job, views = self.ask(start, end)
        with _in_feasts_words(views):
            table = job.to_arrow()
        spine_columns = table.num_columns - sum(
            len(features) + 1 for features in self.wanted.values()
        )
        columns = list(table.columns[:spine_columns])
        names = list(table.column_names[:spine_columns])
        times = _moments(table.column(self.timestamp))
        for alias, view, native in views:
            late = _expired(view, times, table.column(f"{alias}__event_timestamp"))
            for feature in self.wanted[view]:
                source_name = source_column(view.batch_source, feature)
                found = f"{alias}__{native.check(source_name)}"
                column = native.restore(table, source_name, found)
                if late is not None:
                    column = pc.if_else(late, pa.scalar(None, column.type), column)
                columns.append(column)
                names.append(self._name(view, feature))
        metadata = self.spine.schema.metadata if self.spine is not None else None
        return pa.table(columns, names=names).replace_schema_metadata(metadata)


@contextmanager
def _in_feasts_words(views: Sequence[tuple[str, FeatureView, NativeView]]) -> Iterator[None]:
    """Has failures call feature views and join keys what the user calls them."""
    try:
        yield
    except Error as error:
        text = str(error)
        for alias, view, native in views:
            text = text.replace(f'"{alias}"', f'"{view.projection.name_to_use()}"')
            for key, name in native.keys.items():
                text = text.replace(f'"{name}"', f'"{key}"')
        raise type(error)(text, column=error.column, row=error.row) from error


def _expired(view: FeatureView, times: _Moments, found: pa.ChunkedArray) -> pa.Array | None:
    """Where the row that answered is older than the view's time to live; None for nowhere.

    Exact in nanoseconds, with both ends inside: the view of the store has no time to live of its
    own, as feature views of one source may have different ones. The latest row that is not later
    than asked for is the only one that can be young enough.
    """
    if not view.ttl:
        return None
    # Microseconds and the nanoseconds beyond, apart: years 1 and 9999 have no nanoseconds.
    limit = view.ttl // timedelta(microseconds=1)
    asked, asked_rest = times
    event, event_rest = _moments(found)
    age = asked - event
    late = (age > limit) | ((age == limit) & (asked_rest > event_rest))
    late &= found.is_valid().to_numpy(zero_copy_only=False)
    return pa.array(late) if late.any() else None


def _moments(column: Any) -> _Moments:
    """Times as microseconds and as nanoseconds beyond; anything where there is none."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    unit = column.type.unit
    ticks = column.cast(pa.int64()).fill_null(0).to_numpy()
    if unit == "ns":
        micros, rest = np.divmod(ticks, 1_000)
        return micros, rest
    return ticks * {"s": 10**6, "ms": 10**3, "us": 1}[unit], np.zeros(len(ticks), np.int64)
