"""The rows of a source's Parquet files, read by pyarrow in bounded memory."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from .. import InvalidInputError, NotFoundError
from ._files import Part, SourceFile, list_files

_ROWS = 1 << 17


def dataset(path: str, files: Sequence[SourceFile]) -> ds.Dataset:
    """Files of a source as one dataset; below a folder, partitions are columns."""
    is_folder = os.path.isdir(path)
    return ds.dataset(
        [file.path for file in files],
        format="parquet",
        partitioning=ds.partitioning(flavor="hive") if is_folder else None,
        partition_base_dir=path if is_folder else None,
    )


@dataclass
class Place:
    """Where a reader is: the file, and the row of it that its newest batch begins with."""

    path: str
    row: int = 0


def read_parts(
    path: str, parts: Sequence[Part], place: Place | None = None
) -> pa.RecordBatchReader:
    """The rows of parts of files, in the files' order.

    Args:
        path: the file, folder or pattern of the source.
        parts: what to read.
        place: told where the reader is.
    """
    found = dataset(path, [part.file for part in parts])
    schema = found.schema
    at = place or Place(path)

    def batches() -> Iterator[pa.RecordBatch]:
        for part, fragment in zip(parts, found.get_fragments()):
            at.path, at.row = part.file.path, 0
            for batch in _batches(part, fragment, schema):
                yield batch
                at.row += batch.num_rows

    return pa.RecordBatchReader.from_batches(schema, batches())


def _batches(part: Part, fragment: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a part of a file, in the columns of the source."""
    if part.first_group:
        fragment = fragment.subset(row_group_ids=range(part.first_group, len(part.file.groups)))
    scanner = fragment.scanner(
        schema=schema, batch_size=_ROWS, batch_readahead=2, fragment_readahead=1
    )
    try:
        yield from scanner.to_reader()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise _named(part.file.path, schema, error) from None


def _named(path: str, schema: pa.Schema, error: Exception) -> InvalidInputError:
    """What kept a file from being read, by file, column and row."""
    file = pq.ParquetFile(path)
    for field in schema:
        index = file.schema_arrow.get_field_index(field.name)
        if index < 0 or file.schema_arrow.field(index).type == field.type:
            continue
        row = 0
        for batch in file.iter_batches(_ROWS, columns=[field.name]):
            column = batch.column(0)
            bad = first_failure(column, functools.partial(pa.Array.cast, target_type=field.type))
            if bad is not None:
                return InvalidInputError(
                    f'{path}: column "{field.name}", row {row + bad}: {column[bad].as_py()!r} of '
                    f"{column.type} cannot be {field.type}, which the source's first file has. "
                    "Give the files one type.",
                    column=field.name,
                    row=row + bad,
                )
            row += batch.num_rows
    return InvalidInputError(f"{path}: {error}")


def first_failure(column: pa.Array, convert: Callable[[pa.Array], Any]) -> int | None:
    """The first row whose value cannot be converted; None if all can."""

    def fails(start: int, count: int) -> bool:
        try:
            convert(column.slice(start, count))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, TypeError):
            return True
        return False

    start, count = 0, len(column)
    if not count or not fails(0, count):
        return None
    while count > 1:
        half = count // 2
        if fails(start, half):
            count = half
        else:
            start, count = start + half, count - half
    return start


def read_range(
    path: str,
    columns: Sequence[str],
    timestamp: str,
    start: datetime | None,
    end: datetime | None,
) -> pa.Table:
    """Every row of files with start <= time <= end, as it is and in the files' order.

    Raises:
        NotFoundError: the files have no such column, or there are no files.
    """
    found = dataset(path, list_files(path))
    for column in [*columns, timestamp]:
        if column not in found.schema.names:
            raise NotFoundError(
                f'The files at {path} have no column "{column}". '
                f"There are: {', '.join(found.schema.names)}.",
                column=column,
            )
    kind = found.schema.field(timestamp).type
    conditions = []
    for bound, compare in [(start, ds.Expression.__ge__), (end, ds.Expression.__le__)]:
        if bound is not None:
            time = pa.scalar(_utc(bound), pa.timestamp("us", "UTC"))
            # Times without a zone are UTC.
            time = time if getattr(kind, "tz", None) else time.cast(pa.timestamp("us"))
            conditions.append(compare(ds.field(timestamp), time))
    condition = functools.reduce(operator.and_, conditions) if conditions else None
    table = found.to_table(columns=list(columns), filter=condition)
    return table.combine_chunks()


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time
