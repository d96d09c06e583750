"""The rows of a source's Parquet files, read by pyarrow in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ._files import Part, SourceFile

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
