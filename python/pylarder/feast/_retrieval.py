"""Queries of Feast's that are answered when their answer is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import FileSource, SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage

from .. import UnsupportedError
from .._job import to_pandas


class LarderRetrievalJob(RetrievalJob):
    """A query to the store, which is asked when its answer is."""

    def __init__(
        self,
        evaluate: Callable[[], pa.Table],
        *,
        repo_path: Path | None,
        full_feature_names: bool = False,
        on_demand_feature_views: list[OnDemandFeatureView] | None = None,
        metadata: RetrievalMetadata | None = None,
        explain: Callable[[], str] | None = None,
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
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return self._on_demand_feature_views

    @property
    def metadata(self) -> RetrievalMetadata | None:
        return self._metadata

    def explain(self) -> str:
        """How the store will answer."""
        return self._explain() if self._explain else "every row of a range, by key and time"

    def to_df(self, validation_reference: Any = None, timeout: int | None = None) -> pd.DataFrame:
        """The answer as a pandas table; whole numbers stay whole where some are null."""
        table = self.to_arrow(validation_reference=validation_reference, timeout=timeout)
        return to_pandas(table).reset_index(drop=True)

    def to_arrow_batches(self, rows: int = 1 << 16) -> Any:
        """The answer batch by batch."""
        yield from self.to_arrow().to_batches(max_chunksize=rows)

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return to_pandas(self._evaluate())

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._evaluate()

    def supports_remote_storage_export(self) -> bool:
        return False

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        if not isinstance(storage, SavedDatasetFileStorage):
            raise UnsupportedError(
                f"Answers are saved to files; {type(storage).__name__} is another place."
            )
        path = FileSource.get_uri_for_file_path(self._repo_path, storage.file_options.uri)
        refuse_remote(path)
        if not allow_overwrite and Path(path).exists():
            raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
        table = self.to_arrow(timeout=timeout)
        if path.endswith(".parquet"):
            pq.write_table(table, path)
        else:
            pq.write_to_dataset(table, root_path=path)


def refuse_remote(path: str) -> None:
    if "://" in path and not path.startswith("file://"):
        raise UnsupportedError(f"{path} is remote; files are written to local folders.")
