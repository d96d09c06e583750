"""Tables of any kind into the engine and out of it, by Arrow's C interfaces."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import addressof
from typing import TYPE_CHECKING, Any

from ._errors import InvalidArgumentError
from ._library import ArrowArray, ArrowArrayStream, ArrowSchema

if TYPE_CHECKING:
    import pyarrow


def table(data: Any) -> pyarrow.Table:
    """Rows of any kind as a pyarrow table.

    Args:
        data: a pyarrow, pandas, polars or DuckDB table, a dict of columns, or anything else with
            `__arrow_c_stream__`. The index of a pandas table is left out.
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, dict):
        return pa.table(data)
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    kind = type(data)
    if kind.__module__.split(".")[0] == "pandas" and kind.__name__ == "DataFrame":
        return pa.Table.from_pandas(data, preserve_index=False)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    if hasattr(data, "fetch_arrow_table"):
        return data.fetch_arrow_table()
    raise InvalidArgumentError(
        "Rows come as a pyarrow, pandas, polars or DuckDB table, a dict of columns, or anything "
        f"with __arrow_c_stream__; {kind.__module__}.{kind.__name__} is none of these."
    )


def single_batch(rows: pyarrow.Table) -> pyarrow.RecordBatch:
    """All rows of a table as one batch."""
    import pyarrow as pa

    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)


class OutgoingStream:
    """A stream for the engine to take: rows of any kind, batch by batch.

    Use it as a context: what the engine did not take is released at the end.
    """

    def __init__(self, data: Any) -> None:
        import pyarrow as pa

        self._stream = ArrowArrayStream()
        if not isinstance(data, pa.RecordBatchReader):
            data = table(data).to_reader()
        data._export_to_c(addressof(self._stream))

    def __enter__(self) -> int:
        return addressof(self._stream)

    def __exit__(self, *_: Any) -> None:
        _release(self._stream)


class OutgoingBatch:
    """One batch for the engine to take: the addresses of its schema and its array."""

    def __init__(self, batch: pyarrow.RecordBatch) -> None:
        self._schema = ArrowSchema()
        self._array = ArrowArray()
        batch._export_to_c(addressof(self._array), addressof(self._schema))

    def __enter__(self) -> tuple[int, int]:
        return addressof(self._schema), addressof(self._array)

    def __exit__(self, *_: Any) -> None:
        _release(self._array)
        _release(self._schema)


class IncomingBatch:
    """Room for a batch that the engine fills."""

    def __init__(self) -> None:
        self._schema = ArrowSchema()
        self._array = ArrowArray()

    @property
    def addresses(self) -> tuple[int, int]:
        """Where the schema and the array go."""
        return addressof(self._schema), addressof(self._array)

    def batch(self) -> pyarrow.RecordBatch:
        """The batch, which shares the engine's memory."""
        import pyarrow as pa

        return pa.RecordBatch._import_from_c(addressof(self._array), addressof(self._schema))


class IncomingStream:
    """Room for a stream that the engine fills."""

    def __init__(self) -> None:
        self._stream = ArrowArrayStream()

    @property
    def address(self) -> int:
        """Where the stream goes."""
        return addressof(self._stream)

    def reader(self) -> pyarrow.RecordBatchReader:
        """The stream, to read from."""
        import pyarrow as pa

        return pa.RecordBatchReader._import_from_c(addressof(self._stream))


_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _release(struct: ctypes.Structure) -> None:
    """Releases what nobody took."""
    if struct.release:
        _RELEASE(struct.release)(addressof(struct))


def counted(reader: pyarrow.RecordBatchReader, progress: Any) -> pyarrow.RecordBatchReader:
    """A reader that tells a function how many rows it has given so far."""
    import pyarrow as pa

    def batches() -> Iterator[pyarrow.RecordBatch]:
        rows = 0
        for batch in reader:
            yield batch
            rows += batch.num_rows
            progress(rows)

    return pa.RecordBatchReader.from_batches(reader.schema, batches())
