"""Materialization from Larder to Larder without a Python object for each value."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
from feast import BatchFeatureView, StreamFeatureView
from feast.feature_view import DUMMY_ENTITY_ID
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import LocalComputeEngine
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel

from .. import InvalidInputError, NotFoundError
from ._offline import LarderOfflineStore
from ._online import LarderOnlineStore
from ._online_table import CREATED_TIME, EVENT_TIME, OnlineTable
from ._turns import writing
from ._types import floored, key_name
from ._views import source_column, source_times


class LarderComputeEngineConfig(FeastConfigBaseModel):
    """`batch_engine` of `feature_store.yaml`."""

    type: Literal["pylarder.feast.LarderComputeEngine"] = "pylarder.feast.LarderComputeEngine"


class LarderComputeEngine(LocalComputeEngine):
    """Moves Arrow columns from the offline store to the online store.

    Feature views with transformations or aggregations, features that are kept as messages, and
    other stores go the way of Feast's local engine.
    """

    def __init__(self, **options: Any) -> None:
        options.pop("backend", None)
        super().__init__(**options)

    def _materialize_one(
        self, registry: BaseRegistry, task: MaterializationTask, **options: Any
    ) -> LocalMaterializationJob:
        if not self._moves_columns(task.feature_view):
            return super()._materialize_one(registry, task, **options)
        job_id = f"{task.feature_view.name}-{task.start_time}-{task.end_time}"
        try:
            self._move(task)
        except Exception as error:
            return LocalMaterializationJob(
                job_id=job_id, status=MaterializationJobStatus.ERROR, error=error
            )
        return LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.SUCCEEDED)

    def _moves_columns(self, view: Any) -> bool:
        offline: Any = self.offline_store
        is_larder = isinstance(offline, LarderOfflineStore) or offline is LarderOfflineStore
        if not is_larder or not isinstance(self.online_store, LarderOnlineStore):
            return False
        if not getattr(view, "online", True) or getattr(view, "offline", False):
            return False
        if isinstance(view, (BatchFeatureView, StreamFeatureView)) and (
            getattr(view, "feature_transformation", None)
            or getattr(view, "aggregations", None)
            or getattr(view, "source_views", None)
        ):
            return False
        kinds = OnlineTable(self.repo_config, view).kinds.values()
        return all(kind.member is not None for kind in kinds)

    def _move(self, task: MaterializationTask) -> None:
        view = task.feature_view
        source = view.batch_source
        if source is None:
            raise NotFoundError(f'Feature view "{view.name}" has no batch source.')
        table = OnlineTable(self.repo_config, view)
        keys = {name: source_column(source, name) for name in table.keys}
        features = {name: source_column(source, name) for name in table.kinds}
        timestamp, created = source_times(source)
        pulled = self.offline_store.pull_latest_from_table_or_query(
            config=self.repo_config,
            data_source=source,
            join_key_columns=list(keys.values()),
            feature_name_columns=list(features.values()),
            timestamp_field=timestamp,
            created_timestamp_column=created,
            start_date=task.start_time,
            end_date=task.end_time,
        ).to_arrow()
        columns = {}
        for name, kind in table.keys.items():
            column = pulled.column(keys[name])
            if kind == "timestamp":
                column = column.cast(pa.timestamp("s"))
            elif not pa.types.is_integer(column.type) and kind in ("int32", "int64"):
                column = column.cast(pa.int64())
            columns[key_name(name, kind)] = column
        assert isinstance(self.online_store, LarderOnlineStore)
        store = self.online_store._store(self.repo_config)
        unit = table.unit(store)
        columns[EVENT_TIME] = floored(pulled.column(timestamp), unit)
        if created:
            columns[CREATED_TIME] = floored(pulled.column(created), unit)
        for name, column in features.items():
            columns[table.native[name]] = _kept_online(table, name, pulled.column(column))
        rows = pa.table(columns)
        assert DUMMY_ENTITY_ID not in rows.column_names
        with writing(store):
            table.write(store, rows)


def _kept_online(table: OnlineTable, name: str, column: Any) -> Any:
    """A feature as it is kept online; failures name the feature, its view and the row."""
    try:
        return table.kinds[name].cast(column)
    except (InvalidInputError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidInputError(
            f'Feature "{name}" of "{table.feature_view.name}" cannot be materialized: {error}',
            column=name,
            row=getattr(error, "row", None),
        ) from None
