"""Feature views asked for features as they were at the times of entity rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from feast.errors import FeastEntityDFMissingColumnsError
from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.repo_config import RepoConfig

from .. import InvalidInputError, Job, NotFoundError, UnsupportedError
from ._native import NativeView
from ._views import native_view, source_column


class Question:
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
        """The native question, and the view behind each of its aliases."""
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
            alias = f"v{number}"
            views.append((alias, view, native))
            projections.append(native.projection(alias, spine_columns))
            references += [
                f"{alias}:{native.check(source_column(source, feature))}" for feature in features
            ]
        self._check_keys(views)
        store = views[0][2].store
        if any(native.store is not store for _, _, native in views):
            raise UnsupportedError("The views of one question must lie in one store.")
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
        table = job.to_arrow()
        spine_columns = table.num_columns - sum(
            len(features) + 1 for features in self.wanted.values()
        )
        columns = list(table.columns[:spine_columns])
        names = list(table.column_names[:spine_columns])
        times = _ticks(table.column(self.timestamp))
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


def _expired(view: FeatureView, times: pa.Array, found: pa.ChunkedArray) -> pa.Array | None:
    """Where the row that answered is older than the view's time to live; None for nowhere.

    Exact in nanoseconds, with both ends inside: the view of the store has no time to live of its
    own, as feature views of one source may have different ones. The latest row that is not later
    than asked for is the only one that can be young enough.
    """
    if not view.ttl:
        return None
    limit = pa.scalar(
        (view.ttl.days * 86_400 + view.ttl.seconds) * 10**9 + view.ttl.microseconds * 1_000,
        pa.int64(),
    )
    age = pc.subtract(times, _ticks(found))
    late = pc.fill_null(pc.greater(age, limit), False)
    if not pc.any(late).as_py():
        return None
    return late


def _ticks(column: Any) -> Any:
    """Times as nanoseconds."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    return column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
