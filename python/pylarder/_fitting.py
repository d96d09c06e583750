"""Columns of a caller's in the types that the store has, where no value changes by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow


def fitted_keys(
    rows: pyarrow.Table,
    definitions: Any,
    projections: Iterable[Mapping[str, str]] = (),
    timestamp: str | None = None,
) -> pyarrow.Table:
    """Rows whose keys are of the store's types: what is empty or all null has no type of its own.

    Whole numbers come as decimals from databases, and instants as dates.

    Args:
        rows: with columns of join keys.
        definitions: gives what the store knows; called only if there is something to fit.
        projections: for join keys the columns that stand for them.
        timestamp: the column of the times.

    Raises:
        InvalidInputError: a decimal is no whole number.
    """
    import pyarrow as pa

    types = pa.types
    open_ones = [
        index
        for index, field in enumerate(rows.schema)
        if types.is_null(field.type) or types.is_decimal(field.type) or types.is_date(field.type)
    ]
    if not open_ones:
        return rows
    kinds = key_kinds(definitions(), projections)
    for index in open_ones:
        field = rows.schema.field(index)
        if field.name == timestamp:
            target = pa.timestamp("us", "UTC") if types.is_null(field.type) else None
        else:
            target = _target(field.type, kinds.get(field.name))
        if target is not None:
            column = _cast(rows.column(index), field.name, target)
            rows = rows.set_column(index, field.name, column)
    return rows


def key_kinds(known: dict, projections: Iterable[Mapping[str, str]] = ()) -> dict[str, str]:
    """The type of each column that may stand for a join key."""
    keys = {
        key["name"]: key["type"]
        for entity in known.get("entities", [])
        for key in entity["joinKeys"]
    }
    kinds = dict(keys)
    for projection in projections:
        kinds.update({column: keys[key] for key, column in projection.items() if key in keys})
    return kinds


def _target(given: Any, kind: str | None) -> Any:
    import pyarrow as pa

    if pa.types.is_decimal(given):
        return pa.int64() if kind in ("int32", "int64") else None
    if pa.types.is_date(given):
        return pa.timestamp("s", "UTC") if kind == "timestamp" else None
    types: dict[str | None, Any] = {
        "string": pa.string(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "bytes": pa.binary(),
        "timestamp": pa.timestamp("s", "UTC"),
    }
    return types.get(kind)


def fitted_features(rows: pyarrow.Table, features: Mapping[str, str]) -> pyarrow.Table:
    """Rows whose floats are whole numbers where the features are: pandas' integers with gaps.

    Args:
        rows: the caller's.
        features: the type of each feature.

    Raises:
        InvalidInputError: with column and row; a float is no whole number.
    """
    import pyarrow as pa

    for index, field in enumerate(rows.schema):
        kind = features.get(field.name)
        if kind in ("int32", "int64") and pa.types.is_floating(field.type):
            target = pa.int32() if kind == "int32" else pa.int64()
            rows = rows.set_column(index, field.name, _cast(rows.column(index), field.name, target))
    return rows


def has_floats(rows: pyarrow.Table) -> bool:
    """Whether a column holds floats."""
    import pyarrow as pa

    return any(pa.types.is_floating(field.type) for field in rows.schema)


def _cast(column: Any, name: str, target: Any) -> Any:
    """A column in another type; NaN is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        return column.cast(target)
    except pa.ArrowInvalid:
        row = _first_failure(column, target)
        raise InvalidInputError(
            f'column "{name}", row {row}: {column[row].as_py()!r} is no {target}.',
            column=name,
            row=row,
        ) from None


def _first_failure(column: Any, target: Any) -> int:
    import pyarrow as pa

    start, count = 0, len(column)
    while count > 1:
        half = count // 2
        try:
            column.slice(start, half).cast(target)
        except pa.ArrowInvalid:
            count = half
        else:
            start, count = start + half, count - half
    return start
