"""Larder as Feast's offline store."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Dict, List, Literal, Optional, Tuple, Union

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from feast.data_source import DataSource
from feast.errors import FeastJoinKeysDuringMaterialization, SavedDatasetLocationAlreadyExists
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL, FeatureView
from feast.infra.offline_stores.file_source import (
    FileLoggingDestination,
    FileSource,
    SavedDatasetFileStorage,
)
from feast.infra.offline_stores.offline_store import (
    OfflineStore,
    RetrievalJob,
    RetrievalMetadata,
)
from feast.infra.offline_stores.offline_utils import (
    DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL,
    get_pyarrow_schema_from_batch_source,
)
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.saved_dataset import SavedDatasetStorage
from feast.utils import (
    _get_requested_feature_views_to_features_dict,
    _get_requested_on_demand_feature_views,
    compute_non_entity_date_range,
)

from .. import InvalidInputError, Job, NotFoundError, UnsupportedError
from .._arrow import table as arrow_table
from .._job import to_pandas
from ._source import LarderSource
from ._stores import store_at
from ._views import NativeView, native_view, push, source_column


class LarderOfflineStoreConfig(FeastConfigBaseModel):
    """`offline_store` of `feature_store.yaml`."""

    type: Literal["pylarder.feast.LarderOfflineStore"] = "pylarder.feast.LarderOfflineStore"

    path: str = "data/larder"
    """The store's directory, relative to the repository."""

    memory: Optional[int] = None
    """Bytes that a question may take; no bound if none are given."""


class LarderRetrievalJob(RetrievalJob):
    """A question to the store, which is asked when its answer is."""

    def __init__(
        self,
        evaluate: Callable[[], pa.Table],
        *,
        repo_path: Optional[Path],
        full_feature_names: bool = False,
        on_demand_feature_views: Optional[List[OnDemandFeatureView]] = None,
        metadata: Optional[RetrievalMetadata] = None,
        explain: Optional[Callable[[], str]] = None,
    ) -> None:
        self._evaluate = evaluate
        self._repo_path = repo_path
        self._full_feature_names = full_feature_names
        self._on_demand_feature_views = on_demand_feature_views or []
        self._metadata = metadata
        self._explain = explain

    @property
    def full_feature_names(self) -> bool:
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> List[OnDemandFeatureView]:
        return self._on_demand_feature_views

    @property
    def metadata(self) -> Optional[RetrievalMetadata]:
        return self._metadata

    def explain(self) -> str:
        """How the store will answer."""
        return self._explain() if self._explain else "every row of a range, by key and time"

    def to_df(
        self, validation_reference: Any = None, timeout: Optional[int] = None
    ) -> pd.DataFrame:
        """The answer as a pandas table; whole numbers stay whole where some are null."""
        table = self.to_arrow(validation_reference=validation_reference, timeout=timeout)
        return to_pandas(table).reset_index(drop=True)

    def to_arrow_batches(self, rows: int = 1 << 16) -> Any:
        """The answer batch by batch."""
        yield from self.to_arrow().to_batches(max_chunksize=rows)

    def _to_df_internal(self, timeout: Optional[int] = None) -> pd.DataFrame:
        return to_pandas(self._evaluate())

    def _to_arrow_internal(self, timeout: Optional[int] = None) -> pa.Table:
        return self._evaluate()

    def supports_remote_storage_export(self) -> bool:
        return False

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: Optional[int] = None,
    ) -> None:
        if not isinstance(storage, SavedDatasetFileStorage):
            raise UnsupportedError(
                f"Answers are saved to files; {type(storage).__name__} is another place."
            )
        path = FileSource.get_uri_for_file_path(self._repo_path, storage.file_options.uri)
        _refuse_remote(path)
        if not allow_overwrite and Path(path).exists():
            raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
        table = self.to_arrow(timeout=timeout)
        if path.endswith(".parquet"):
            pq.write_table(table, path)
        else:
            pq.write_to_dataset(table, root_path=path)


class LarderOfflineStore(OfflineStore):
    """History in Larder's segments; Parquet sources are brought into them as they change."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: List[FeatureView],
        feature_refs: List[str],
        entity_df: Any,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **kwargs: Any,
    ) -> RetrievalJob:
        """Features as they were at each row's time: as many rows, in the same order."""
        wanted, _ = _get_requested_feature_views_to_features_dict(
            feature_refs,
            feature_views,
            _get_requested_on_demand_feature_views(feature_refs, project, registry),
        )
        spine: Optional[pa.Table] = None
        start: Any = None
        end: Any = None
        if entity_df is None:
            start, end = compute_non_entity_date_range(
                feature_views,
                start_date=kwargs.get("start_date"),
                end_date=kwargs.get("end_date"),
            )
            timestamp = DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
            keys: List[str] = []
            bounds: Tuple[Any, Any] = (start, end)
        else:
            spine = _spine(entity_df)
            timestamp = _timestamp_column(spine)
            keys = [name for name in spine.column_names if name != timestamp]
            bounds = _bounds(spine.column(timestamp))
        question = _Question(
            config, wanted, spine, timestamp, full_feature_names, filter_by_created_timestamp
        )
        return LarderRetrievalJob(
            lambda: question.answer(start, end),
            repo_path=config.repo_path,
            full_feature_names=full_feature_names,
            on_demand_feature_views=OnDemandFeatureView.get_requested_odfvs(
                feature_refs, project, registry
            ),
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=keys,
                min_event_timestamp=bounds[0],
                max_event_timestamp=bounds[1],
            ),
            explain=lambda: question.ask(start, end)[0].explain(),
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: List[str],
        feature_name_columns: List[str],
        timestamp_field: str,
        created_timestamp_column: Optional[str],
        start_date: Optional[datetime] = None,
        end_date: Optional[datetime] = None,
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
        join_key_columns: List[str],
        feature_name_columns: List[str],
        timestamp_field: str,
        created_timestamp_column: Optional[str] = None,
        start_date: Optional[datetime] = None,
        end_date: Optional[datetime] = None,
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
        progress: Optional[Callable[[int], Any]],
    ) -> None:
        """Adds rows to a feature view's history; the source's files are not touched.

        The rows are kept apart from those of the files, and survive every sync.
        """
        source = feature_view.batch_source
        if source is None:
            raise NotFoundError(f'Feature view "{feature_view.name}" has no batch source.')
        keys = [source_column(source, column.name) for column in feature_view.entity_columns]
        keys = [key for key in keys if key != DUMMY_ENTITY_ID]
        expected, names = get_pyarrow_schema_from_batch_source(config, source)
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
        data: Union[pa.Table, Path],
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
        _refuse_remote(path)
        ds.write_dataset(
            data,
            base_dir=path,
            basename_template=f"{uuid.uuid4().hex}-{{i}}.parquet",
            partitioning=destination.partition_by,
            use_threads=False,
            format=ds.ParquetFileFormat(),
            existing_data_behavior="overwrite_or_ignore",
        )


class _Question:
    """Feature views and features of them, asked for the rows of a spine or for a range."""

    def __init__(
        self,
        config: RepoConfig,
        wanted: Dict[FeatureView, List[str]],
        spine: Optional[pa.Table],
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
        origins = {name: "a column of entity_df" for name in self._spine_names()}
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

    def _spine_names(self) -> List[str]:
        return self.spine.column_names if self.spine is not None else []

    def _name(self, view: FeatureView, feature: str) -> str:
        return f"{view.projection.name_to_use()}__{feature}" if self.full_feature_names else feature

    def ask(self, start: Any, end: Any) -> Tuple[Job, List[Tuple[str, FeatureView, NativeView]]]:
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
            for feature in features:
                references.append(f"{alias}:{native.check(source_column(source, feature))}")
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

    def _check_keys(self, views: List[Tuple[str, FeatureView, NativeView]]) -> None:
        if self.spine is None:
            return
        from feast.errors import FeastEntityDFMissingColumnsError

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


def _expired(view: FeatureView, times: pa.Array, found: pa.ChunkedArray) -> Optional[pa.Array]:
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


def _spine(entity_df: Any) -> pa.Table:
    """The entity rows as a table; SQL is answered by DuckDB."""
    if isinstance(entity_df, str):
        try:
            import duckdb
        except ImportError:
            raise UnsupportedError(
                "entity_df as SQL is answered by DuckDB, which is not installed: pip install duckdb"
            ) from None
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(entity_df).to_arrow_table()
    if isinstance(entity_df, pd.DataFrame):
        entity_df = entity_df.copy(deep=False)
        for name in entity_df.columns:
            column = entity_df[name]
            if column.dtype == object and len(column) and isinstance(column.iloc[0], datetime):
                entity_df[name] = pd.to_datetime(column, utc=True)
        entity_df.columns = [str(name) for name in entity_df.columns]
    elif hasattr(entity_df, "compute"):
        return _spine(entity_df.compute())
    spine = arrow_table(entity_df)
    if spine.schema.metadata and b"pandas" in spine.schema.metadata:
        spine = spine.replace_schema_metadata(None)
    return spine


def _timestamp_column(spine: pa.Table) -> str:
    """The column of the times, as Feast infers it."""
    if DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL in spine.column_names:
        return DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
    found = [field.name for field in spine.schema if pa.types.is_timestamp(field.type)]
    if len(found) == 1:
        print(
            f"Using {found[0]} as the event timestamp. To specify a column explicitly, please "
            f"name it {DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL}."
        )
        return found[0]
    raise ValueError(
        f"Please provide an entity_df with a column named {DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL} "
        "representing the time of events."
    )


def _bounds(column: pa.ChunkedArray) -> Tuple[Any, Any]:
    """The first and last of the times, as pandas has them, in UTC."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return (None, None)
    found = pc.min_max(column)
    first, last = found["min"].as_py(), found["max"].as_py()
    return (
        None if first is None else pd.to_datetime(first, utc=True),
        None if last is None else pd.to_datetime(last, utc=True),
    )


def _refuse_remote(path: str) -> None:
    if "://" in path and not path.startswith("file://"):
        raise UnsupportedError(f"{path} is remote; files are written to local folders.")


def _pull(
    config: RepoConfig,
    source: DataSource,
    join_keys: List[str],
    features: List[str],
    times: Tuple[str, Optional[str]],
    bounds: Tuple[Optional[datetime], Optional[datetime]],
    latest: bool,
) -> RetrievalJob:
    timestamp, created = times
    keys = [key for key in join_keys if key != DUMMY_ENTITY_ID]

    def evaluate() -> pa.Table:
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


def _columns(config: RepoConfig, source: DataSource) -> List[str]:
    return [name for name, _ in source.get_table_column_names_and_types(config)]


__all__ = ["LarderOfflineStore", "LarderOfflineStoreConfig", "LarderRetrievalJob", "store_at"]
