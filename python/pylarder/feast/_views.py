"""The native views that Feast's sources become."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from feast.data_source import DataSource
from feast.infra.offline_stores.file_source import FileSource
from feast.repo_config import RepoConfig

from .. import InvalidInputError, UnsupportedError
from ._files import source_path
from ._native import NativeView
from ._source import LarderSource
from ._stores import store_at
from ._sync import Sync


def native_view(
    config: RepoConfig,
    source: DataSource,
    join_keys: Sequence[str],
    timestamp: str | None = None,
    created: str | None = None,
) -> NativeView:
    """The view of a source, brought up to date.

    Args:
        source: a FileSource or a LarderSource.
        join_keys: the source's key columns, by which rows are found.
        timestamp, created: the source's time columns; its own if None.

    Raises:
        UnsupportedError: the source is of another kind, remote, or no Parquet.
    """
    own_times = source_times(source)
    timestamp = timestamp or own_times[0]
    created = created or own_times[1]
    if isinstance(source, LarderSource):
        return _view_of_larder_source(config, source, join_keys, timestamp)
    if not isinstance(source, FileSource):
        raise UnsupportedError(
            f'Source "{source.name}" is a {type(source).__name__}; Larder reads FileSource '
            "(Parquet) and LarderSource. Write its rows to Parquet files, or to the store."
        )
    store = store_at(config.repo_path, config.offline_store.path)
    path = source_path(config.repo_path, source)
    keys = sorted(set(join_keys))
    return Sync(store, path, keys, timestamp, created, time_unit(source)).view()


def source_column(source: DataSource | None, name: str) -> str:
    """The source's column behind a name of the feature view."""
    mapping = source.field_mapping if source is not None else {}
    for column, mapped in (mapping or {}).items():
        if mapped == name:
            return column
    return name


def source_times(source: DataSource) -> tuple[str, str | None]:
    """The source's own columns of event and created time."""
    created = source.created_timestamp_column
    return (
        source_column(source, source.timestamp_field),
        source_column(source, created) if created else None,
    )


def time_unit(source: DataSource) -> str | None:
    """What a source's times count where they are numbers, as its tag says.

    Raises:
        InvalidInputError: the tag names no unit.
    """
    unit = (source.tags or {}).get("larder.time_unit")
    if unit is not None and unit not in ("s", "ms", "us", "ns"):
        raise InvalidInputError(
            f'Source "{source.name}": the tag larder.time_unit is "{unit}"; it is s, ms, us or ns.'
        )
    return unit


def _view_of_larder_source(
    config: RepoConfig, source: LarderSource, join_keys: Sequence[str], timestamp: str
) -> NativeView:
    definition = source.definition(config)
    own = {key["name"] for key in definition["joinKeys"]}
    if set(join_keys) != own:
        raise InvalidInputError(
            f'View "{source.view}" is found by {sorted(own)}, the feature view by '
            f"{sorted(join_keys)}."
        )
    if timestamp != definition["timestamp"]:
        raise InvalidInputError(
            f'The event time of view "{source.view}" is "{definition["timestamp"]}", not '
            f'"{timestamp}".'
        )
    store = source.store(config)
    schema = store.pull_all(source.view, "1970-01-01", "1970-01-01").to_arrow().schema
    return NativeView(
        store,
        source.view,
        {key: key for key in sorted(own)},
        schema,
        definition["timestamp"],
        definition.get("created"),
    )


def push(config: RepoConfig, source: FileSource, join_keys: Sequence[str], rows: pa.Table) -> None:
    """Adds rows to the view of a source, where they survive every sync."""
    store = store_at(config.repo_path, config.offline_store.path)
    path = source_path(config.repo_path, source)
    keys = sorted(set(join_keys))
    Sync(store, path, keys, *source_times(source), time_unit(source)).push(rows)
