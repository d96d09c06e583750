"""The rows of a source's Parquet files, read by pyarrow in bounded memory."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from .. import NotFoundError
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


def read_parts(path: str, parts: list[Part]) -> pa.RecordBatchReader:
    """The rows of parts of files."""
    whole = [part.file for part in parts if part.first_group == 0]
    schema = dataset(path, [part.file for part in parts]).schema

    def batches() -> Iterator[pa.RecordBatch]:
        if whole:
            scanner = dataset(path, whole).scanner(
                batch_size=_ROWS, batch_readahead=2, fragment_readahead=1
            )
            yield from scanner.to_reader()
        for part in parts:
            if part.first_group == 0:
                continue
            file = pq.ParquetFile(part.file.path)
            groups = list(range(part.first_group, len(part.file.groups)))
            for batch in file.iter_batches(_ROWS, row_groups=groups):
                yield batch.cast(schema) if batch.schema != schema else batch

    return pa.RecordBatchReader.from_batches(schema, batches())


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
