"""Which Parquet files the engine reads itself, and what it is to take from them."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

_T = pa.types


def _is_plain(kind: pa.DataType) -> bool:
    """Whether the engine reads values of a type as pyarrow and the plug-in do."""
    return (
        _T.is_boolean(kind)
        or (_T.is_integer(kind) and not _T.is_uint64(kind))
        or _T.is_float32(kind)
        or _T.is_float64(kind)
        or _T.is_string(kind)
        or _T.is_large_string(kind)
        or _T.is_binary(kind)
        or _T.is_large_binary(kind)
        or _T.is_date32(kind)
        or _T.is_timestamp(kind)
    )


def _is_feature(kind: pa.DataType) -> bool:
    if _T.is_dictionary(kind):
        return _T.is_string(kind.value_type) or _T.is_large_string(kind.value_type)
    if _T.is_list(kind) or _T.is_large_list(kind):
        return _is_plain(kind.value_type)
    return _is_plain(kind)


def _is_key(kind: pa.DataType) -> bool:
    return _is_plain(kind) and (
        _T.is_integer(kind)
        or _T.is_string(kind)
        or _T.is_large_string(kind)
        or _T.is_binary(kind)
        or _T.is_large_binary(kind)
    )


def _has_nulls(metadata: pq.FileMetaData, column: str) -> bool:
    """Whether a file's statistics leave it open that a column holds nulls."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            if chunk.path_in_schema != column:
                continue
            known = chunk.statistics
            if known is None or not known.has_null_count or known.null_count > 0:
                return True
    return False


def can_be_read(
    paths: Sequence[str],
    schema: pa.Schema,
    keys: Sequence[str],
    times: Sequence[str | None],
    features: Sequence[str],
) -> bool:
    """Whether the rows of files are, read by the engine, what they are read by pyarrow.

    Not so if a key or an event time may be null, for such rows are left out; if a type is changed
    on the way (nested values, floats as keys, text as times); or if a file lacks columns, or has
    them in its path.

    Args:
        paths: the files.
        schema: their common columns.
        keys: the columns of the join keys.
        times: the columns of the event time and of the created time, None if there is none.
        features: the columns of the features.
    """
    event, created = times
    if event is None or event == created:
        return False
    for name in [event, created]:
        if name is not None and not _T.is_timestamp(schema.field(name).type):
            return False
    if not all(_is_key(schema.field(name).type) for name in keys):
        return False
    if not all(_is_feature(schema.field(name).type) for name in features):
        return False
    for path in paths:
        metadata = pq.read_metadata(path)
        if not metadata.schema.to_arrow_schema().equals(schema):
            return False
        if any(_has_nulls(metadata, name) for name in [*keys, event]):
            return False
    return True
