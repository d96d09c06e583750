"""Rows of a source as the native view behind it takes them."""

from __future__ import annotations

import logging
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ._native import NativeView, native_name
from ._nested import NESTED, encode
from ._types import feature_kind

logger = logging.getLogger(__name__)

# The native feature that tells rows of `offline_write_batch` from those of the source's files.
PUSHED = "feast.pushed"


def native_rows(
    view: NativeView, rows: pa.RecordBatchReader, path: str, *, pushed: bool = False
) -> pa.RecordBatchReader:
    """A source's rows in the native view's columns.

    Rows with a null key or a null event time match nothing, in Feast as here: they are left out,
    and how many there were is logged.

    Args:
        view: the view, with the source's columns as its schema.
        rows: rows with these columns.
        path: where the source lies, for what is logged.
        pushed: whether the rows are those of `offline_write_batch`.
    """
    empty = _native_batch(view, pa.RecordBatch.from_pylist([], schema=view.schema), pushed)

    def convert(batch: pa.RecordBatch) -> pa.RecordBatch:
        made = _native_batch(view, batch, pushed)
        return _with_keys(view, made, path).cast(empty.schema)

    return pa.RecordBatchReader.from_batches(empty.schema, map(convert, rows))


def _native_batch(view: NativeView, batch: pa.RecordBatch, pushed: bool) -> pa.RecordBatch:
    columns: dict[str, Any] = {}
    for key, name in view.keys.items():
        columns[name] = _key(batch.column(key))
    for name in view.times:
        columns[native_name(name)] = _time(batch.column(name))
    for name in view.features:
        column = _feature(batch.column(name))
        if pa.types.is_float64(view.schema.field(name).type):
            # Pushed rows may have widened what the files hold.
            column = column.cast(pa.float64())
        columns[native_name(name)] = column
    columns[PUSHED] = pa.repeat(pa.scalar(pushed), batch.num_rows)
    return pa.RecordBatch.from_pydict(columns)


def _with_keys(view: NativeView, batch: pa.RecordBatch, path: str) -> pa.RecordBatch:
    """The rows that have keys and an event time."""
    needed = [*view.keys.values(), native_name(view.timestamp)]
    mask: Any = None
    for name in needed:
        column = batch.column(name)
        if column.null_count:
            valid = column.is_valid()
            mask = valid if mask is None else pc.and_(mask, valid)
    if mask is None:
        return batch
    kept = batch.filter(mask)
    logger.warning(
        "%s: %d rows have no key or no event time and are left out",
        path,
        batch.num_rows - kept.num_rows,
    )
    return kept


def _key(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _key(column.dictionary_decode())
    if pa.types.is_floating(kind):
        # Whole numbers with gaps come as floats from pandas.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
        return column.cast(pa.int64())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    return column


def _time(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return column
    import pandas as pd

    return pa.array(pd.to_datetime(column.to_pandas(), utc=True))


def _feature(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        return column.dictionary_decode()
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if feature_kind(kind) == NESTED:
        return encode(column)
    return column
