"""Larder as Feast's offline store."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from feast.data_source import DataSource
from feast.errors import FeastJoinKeysDuringMaterialization
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL, FeatureView
from feast.infra.offline_stores.file_source import FileLoggingDestination, FileSource
from feast.infra.offline_stores.offline_store import (
    OfflineStore,
    RetrievalJob,
    RetrievalMetadata,
)
from feast.infra.offline_stores.offline_utils import DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.utils import (
    _get_requested_feature_views_to_features_dict,
    compute_non_entity_date_range,
)

from .. import NotFoundError, UnsupportedError
from ._files import source_path
from ._parquet import read_range
from ._query import Query
from ._retrieval import LarderRetrievalJob, refuse_remote
from ._source import LarderSource
from ._spine import bounds_of, spine_of, timestamp_column, with_times
from ._views import native_view, push, source_column


class LarderOfflineStoreConfig(FeastConfigBaseModel):
    """`offline_store` of `feature_store.yaml`."""

    type: Literal["pylarder.feast.LarderOfflineStore"] = "pylarder.feast.LarderOfflineStore"

    path: str = "data/larder"
    """The store's directory, relative to the repository."""

    memory: int | None = None
    """Bytes that a query may take; no bound if none are given."""


class LarderOfflineStore(OfflineStore):
    """History in Larder's segments; Parquet sources are brought into them as they change."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: Any,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **kwargs: Any,
    ) -> RetrievalJob:
        """Features as they were at each row's time: as many rows, in the same order."""
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        wanted, _ = _get_requested_feature_views_to_features_dict(
            feature_refs, feature_views, on_demand
        )
        spine: pa.Table | None = None
        start: Any = None
        end: Any = None
        if entity_df is None:
            start, end = compute_non_entity_date_range(
                feature_views,
                start_date=kwargs.get("start_date"),
                end_date=kwargs.get("end_date"),
            )
            timestamp = DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
            keys: list[str] = []
            bounds: tuple[datetime | None, datetime | None] = (start, end)
        else:
            spine = spine_of(entity_df)
            timestamp = timestamp_column(spine)
            spine = with_times(spine, timestamp)
            keys = [name for name in spine.column_names if name != timestamp]
            bounds = bounds_of(spine.column(timestamp))
        query = Query(
            config, wanted, spine, timestamp, full_feature_names, filter_by_created_timestamp
        )
        return LarderRetrievalJob(
            lambda: query.answer(start, end),
            repo_path=config.repo_path,
            full_feature_names=full_feature_names,
            on_demand_feature_views=on_demand,
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=keys,
                min_event_timestamp=bounds[0],
                max_event_timestamp=bounds[1],
            ),
            explain=lambda: query.ask(start, end)[0].explain(),
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """The latest row of each entity in a range, both ends inclusive."""
        return _pull(
            config,
            data_source,
            join_key_columns,
            feature_name_columns,
            (timestamp_field, created_timestamp_column),
            (start_date, end_date),
            latest=True,
        )

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Every row of a range, both ends inclusive."""
        return _pull(
            config,
            data_source,
            join_key_columns,
            feature_name_columns,
            (timestamp_field, created_timestamp_column),
            (start_date, end_date),
            latest=False,
        )

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Adds rows to a feature view's history; the source's files are not touched.

        The rows are kept apart from those of the files, and survive every sync.
        """
        source = feature_view.batch_source
        if source is None:
            raise NotFoundError(f'Feature view "{feature_view.name}" has no batch source.')
        keys = [source_column(source, column.name) for column in feature_view.entity_columns]
        keys = [key for key in keys if key != DUMMY_ENTITY_ID]
        names = _columns(config, source)
        if names != table.column_names:
            raise ValueError(
                f"The columns are {table.column_names}; in this order they must be {names}."
            )
        if isinstance(source, LarderSource):
            source.store(config).append(source.view, table)
        elif isinstance(source, FileSource):
            push(config, source, keys, table)
        else:
            raise UnsupportedError(
                f'Source "{source.name}" is a {type(source).__name__}; rows are written to '
                "FileSource and LarderSource."
            )
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,
        logging_config: LoggingConfig,
        registry: BaseRegistry,
    ) -> None:
        """Adds logged features as Parquet files to the folder of their destination."""
        destination = logging_config.destination
        if not isinstance(destination, FileLoggingDestination):
            raise UnsupportedError(
                f"Features are logged to files; {type(destination).__name__} is another place."
            )
        if isinstance(data, Path):
            data = pq.read_table(data, use_threads=False, pre_buffer=False)
        path = FileSource.get_uri_for_file_path(config.repo_path, destination.path)
        refuse_remote(path)
        ds.write_dataset(
            data,
            base_dir=path,
            basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
            partitioning=destination.partition_by,
            use_threads=False,
            format=ds.ParquetFileFormat(),
            existing_data_behavior="overwrite_or_ignore",
        )


def _pull(
    config: RepoConfig,
    source: DataSource,
    join_keys: list[str],
    features: list[str],
    times: tuple[str, str | None],
    bounds: tuple[datetime | None, datetime | None],
    latest: bool,
) -> RetrievalJob:
    timestamp, created = times
    keys = [key for key in join_keys if key != DUMMY_ENTITY_ID]

    def evaluate() -> pa.Table:
        if isinstance(source, FileSource) and not source.timestamp_field and not latest:
            # Files without a time column of their own are no history: saved answers, logged
            # features. Their "keys" are whatever came beside the answers.
            path = source_path(config.repo_path, source)
            columns = list(dict.fromkeys([*keys, *features, timestamp]))
            return read_range(path, columns, timestamp, *bounds)
        try:
            view = native_view(config, source, keys, timestamp, created or None)
        except NotFoundError as error:
            if error.column in keys:
                raise FeastJoinKeysDuringMaterialization(
                    source.name, set(keys), set(_columns(config, source))
                ) from error
            raise
        wanted = [*features]
        if not wanted:
            own = {*keys, timestamp, created}
            wanted = [name for name in view.schema.names if name not in own]
        columns = list(dict.fromkeys([*keys, *wanted, timestamp, *([created] if created else [])]))
        table = view.pull(latest, bounds[0], bounds[1], columns)
        if not keys:
            dummy = pa.array([DUMMY_ENTITY_VAL] * table.num_rows, pa.string())
            table = table.append_column(DUMMY_ENTITY_ID, dummy)
        return table

    return LarderRetrievalJob(evaluate, repo_path=config.repo_path)


def _columns(config: RepoConfig, source: DataSource) -> list[str]:
    return [name for name, _ in source.get_table_column_names_and_types(config)]
