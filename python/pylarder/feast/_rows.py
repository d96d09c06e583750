"""Rows of a source as the native view behind it takes them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .. import InvalidInputError
from ._native import NativeView, native_name
from ._nested import NESTED, encode
from ._parquet import Place, first_failure
from ._types import feature_kind

logger = logging.getLogger(__name__)

# The native feature that tells rows of `offline_write_batch` from those of the source's files.
PUSHED = "feast.pushed"


def native_rows(
    view: NativeView,
    rows: pa.RecordBatchReader,
    path: str,
    *,
    pushed: bool = False,
    place: Place | None = None,
) -> pa.RecordBatchReader:
    """A source's rows in the native view's columns.

    Rows with a null key or a null event time match nothing, in Feast as here: they are left out,
    and how many there were is logged.

    Args:
        view: the view, with the source's columns as its schema.
        rows: rows with these columns.
        path: where the source lies, for what is logged.
        pushed: whether the rows are those of `offline_write_batch`.
        place: where the reader of the rows is, for failures.
    """
    empty = _native_batch(view, pa.RecordBatch.from_pylist([], schema=view.schema), pushed)

    def batches() -> Iterator[pa.RecordBatch]:
        at = place or Place(f"{path}, pushed rows" if pushed else path)
        for batch in rows:
            made = _native_batch(view, batch, pushed, at)
            yield _with_keys(view, made, path).cast(empty.schema)
            if place is None:
                at.row += batch.num_rows

    return pa.RecordBatchReader.from_batches(empty.schema, batches())


def _native_batch(
    view: NativeView, batch: pa.RecordBatch, pushed: bool, at: Place | None = None
) -> pa.RecordBatch:
    columns: dict[str, Any] = {}
    for key, name in view.keys.items():
        columns[name] = _made(batch, key, _key, at)
    for name in view.times:
        columns[native_name(name)] = _made(
            batch, name, functools.partial(_time, unit=view.time_unit), at
        )
    for name in view.features:
        column = _made(batch, name, _feature, at)
        if pa.types.is_float64(view.schema.field(name).type):
            # Pushed rows may have widened what the files hold.
            column = column.cast(pa.float64())
        columns[native_name(name)] = column
    columns[PUSHED] = pa.repeat(pa.scalar(pushed), batch.num_rows)
    return pa.RecordBatch.from_pydict(columns)


def _made(
    batch: pa.RecordBatch, name: str, convert: Callable[[pa.Array], pa.Array], at: Place | None
) -> pa.Array:
    """A column converted; failures name the file, the column and the row."""
    column = batch.column(name)
    try:
        return convert(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, TypeError) as error:
        bad = first_failure(column, convert)
        if at is None or bad is None:
            raise
        raise InvalidInputError(
            f'{at.path}: column "{name}", row {at.row + bad}: {column[bad].as_py()!r} of '
            f"{column.type} cannot be taken: {error}",
            column=name,
            row=at.row + bad,
        ) from None


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
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        # Databases have whole numbers as decimals.
        return column.cast(pa.int64())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms", "UTC"))
    return column


def _time(column: pa.Array, unit: str | None) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column
    if is_number(kind):
        if unit is None:
            raise ValueError("the tag larder.time_unit says what numbers count")
        return _counted(column, unit)
    import pandas as pd

    return pa.array(pd.to_datetime(column.to_pandas(), utc=True))


def is_number(kind: pa.DataType) -> bool:
    """Whether times of a type are counted, in a unit that it does not say."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _counted(column: pa.Array, unit: str) -> pa.Array:
    """Numbers as times: those of a unit since 1970, to the microsecond."""
    target = pa.timestamp("ns" if unit == "ns" else "us", "UTC")
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        scale = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1.0}[unit]
        return pc.round(pc.multiply(column, scale)).cast(pa.int64()).cast(target)
    return column.cast(pa.int64()).cast(pa.timestamp(unit, "UTC")).cast(target)


def _feature(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        return column.dictionary_decode()
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if feature_kind(kind) == NESTED:
        return encode(column)
    return column
