"""Rows of `offline_write_batch`, carried from one state of a source's view to the next."""

from __future__ import annotations

import dataclasses
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .. import InvalidInputError
from ._held import Held
from ._native import NativeView, native_name
from ._rows import PUSHED, is_number, native_rows
from ._types import as_source


def pushed_rows(view: NativeView, before: Held, path: str) -> tuple[pa.Table, dict[str, str]]:
    """The pushed rows of a view, as the view that comes after it takes them.

    Args:
        view: the view that comes after.
        before: the view that has the rows.
        path: where the source lies, for failures.

    Returns:
        The rows, and the types of features that pushed rows have and the files lack: they are kept
        until the files have them again.

    Raises:
        InvalidInputError: the files hold a type now that a pushed value cannot have.
    """
    job = view.store.pull_all(before.name)
    batches = [b.filter(pc.fill_null(b.column(PUSHED), False)) for b in job.to_batches()]
    schema = batches[0].schema if batches else job.to_arrow().schema
    table = pa.Table.from_batches(batches, schema)
    # Times that the files count are times here.
    for name in view.times:
        index = view.schema.get_field_index(name)
        if is_number(view.schema.field(index).type):
            field = pa.field(name, schema.field(native_name(name)).type)
            view = dataclasses.replace(view, schema=view.schema.set(index, field))
    columns = []
    for field in view.schema:
        native = native_name(field.name)
        if field.name in view.keys:
            native = next(n for n in schema.names if n.rsplit(".", 1)[0] == f"key.{field.name}")
        if native in schema.names:
            columns.append(_converted(table.column(native), field, path, before.name))
        else:
            columns.append(pa.nulls(table.num_rows, field.type))
    rows = pa.table(columns, schema=view.schema)
    made = native_rows(view, rows.to_reader(), path, pushed=True).read_all()
    absent = {}
    for name, kind in before.features.items():
        column = table.column(name)
        if name not in made.column_names and column.null_count < table.num_rows:
            made = made.append_column(name, column)
            absent[name] = kind
    return made, absent


def _converted(column: Any, field: pa.Field, path: str, view: str) -> Any:
    """A native column in the type of the source's, with every value it had."""
    try:
        made = as_source(column, field.type)
        if pa.types.is_string(column.type) and not pa.types.is_nested(field.type):
            # Text that is read as a number must be what the number is written as.
            again = made.cast(pa.string())
            if not pc.all(pc.equal(again, column), skip_nulls=True).as_py() and not again.equals(
                column
            ):
                raise pa.ArrowInvalid("the texts are written otherwise")
        return made
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, TypeError) as error:
        raise InvalidInputError(
            f'{path}: column "{field.name}" holds {field.type} now; rows that were pushed hold '
            f"{column.type} there, and not all of them can be {field.type}: {error}. Nothing was "
            f'changed. Mend the files, or give the pushed rows up: drop view "{view}".',
            column=field.name,
        ) from None


def with_times(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Pushed rows with times where the source has times; a text without a zone is UTC."""
    import pandas as pd

    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0 or not pa.types.is_timestamp(field.type):
            continue
        column = table.column(index)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            try:
                times = pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601")
            except ValueError as error:
                raise InvalidInputError(
                    f'Column "{field.name}" of the pushed rows: {error}', column=field.name
                ) from None
            table = table.set_column(index, field.name, pa.array(times))
    return table


def losing(table: pa.Table, schema: pa.Schema) -> list[str]:
    """The columns whose values would lose digits in the source's type: they are kept wider."""
    found = []
    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0 or not pa.types.is_float32(field.type):
            continue
        column = table.column(index)
        if pa.types.is_float64(column.type):
            narrow = column.cast(pa.float32(), safe=False).cast(pa.float64())
            same = pc.or_(pc.equal(narrow, column), pc.is_nan(column))
            if not pc.all(same, skip_nulls=True).as_py():
                found.append(field.name)
    return found
