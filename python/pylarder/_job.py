"""Queries whose names are resolved and which have not run yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import _library
from ._arrow import IncomingBatch, IncomingStream
from ._errors import ClosedError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Job:
    """A query, pinned to the commit it was asked at. Nothing has been read yet.

    Each of `to_arrow`, `to_batches`, `to_pandas` and `to_polars` answers it again; the answer is
    always the same. It may be used while another thread closes it: what was begun is done, what
    comes later raises ClosedError.
    """

    def __init__(self, handle: int, spine: pyarrow.Table | None = None, asked: int = 0) -> None:
        # The spine's own columns, which the answer carries as they came; the first `asked` columns
        # of the engine's answer stand for some of them.
        self._handle: int | None = handle
        self._spine = spine
        self._asked = asked

    def __reduce__(self) -> Any:
        raise TypeError(
            "A job cannot be copied or sent to another process. Send the store, which is opened "
            "again there, and ask again; or send the answer."
        )

    def _open(self) -> int:
        if not self._handle:
            raise ClosedError("The job was closed.")
        return self._handle

    def close(self) -> None:
        """Lets go of the job; a second time is allowed."""
        handle, self._handle = self._handle, None
        if handle:
            _library.library().larder_job_free(handle)

    def __del__(self) -> None:
        self.close()

    def cancel(self) -> None:
        """Ends what the job is doing, from any thread: it raises CancelledError."""
        _library.library().larder_job_cancel(self._open())

    def explain(self) -> str:
        """How the query will be answered. Touches no data."""
        return _library.call_for_text("larder_job_explain", self._open())

    @property
    def report(self) -> dict | None:
        """What the last run did: rows, matches and segments by view, seconds by step."""
        return _library.call_for_json("larder_job_report", self._open())

    def to_arrow(self) -> pyarrow.Table:
        """The answer as a table of one chunk: the rows of the spine in its order, its columns
        untouched, then the features.

        Raises:
            LimitExceededError: the memory given does not suffice.
            CancelledError: `cancel` was called. Ctrl-C cancels, and raises KeyboardInterrupt.
        """
        import pyarrow as pa

        room = IncomingBatch()
        handle = self._open()
        _interruptible(
            lambda: _library.call("larder_job_collect", handle, *room.addresses), self.cancel
        )
        batch = room.batch()
        if self._spine is None:
            return pa.Table.from_batches([batch])
        columns = [*self._spine.columns, *batch.columns[self._asked :]]
        return pa.Table.from_arrays(columns, schema=self._schema(batch.schema))

    def to_batches(self) -> Iterator[pyarrow.RecordBatch]:
        """The answer batch by batch, in order, in bounded memory."""
        import pyarrow as pa

        room = IncomingStream()
        _library.call("larder_job_stream", self._open(), room.address)
        first = 0
        for batch in room.reader():
            if self._spine is not None:
                rows = self._spine.slice(first, batch.num_rows).combine_chunks()
                spine = [_one_chunk(column) for column in rows.columns]
                columns = [*spine, *batch.columns[self._asked :]]
                schema = self._schema(batch.schema)
                first += batch.num_rows
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
            yield batch

    def _schema(self, answer: pyarrow.Schema) -> pyarrow.Schema:
        import pyarrow as pa

        assert self._spine is not None
        fields = [*self._spine.schema, *list(answer)[self._asked :]]
        return pa.schema(fields, metadata=self._spine.schema.metadata)

    def to_pandas(self, **options: Any) -> pandas.DataFrame:
        """The answer as a pandas table.

        Whole numbers stay whole: a column of them that has nulls is of pandas' nullable type.

        Args:
            options: for pyarrow's `Table.to_pandas`.
        """
        return to_pandas(self.to_arrow(), **options)

    def to_polars(self) -> polars.DataFrame:
        """The answer as a polars table."""
        import polars

        return polars.from_arrow(self.to_arrow())


def to_pandas(table: pyarrow.Table, **options: Any) -> pandas.DataFrame:
    """A table in pandas' types, whole numbers as whole numbers even where some are null."""
    import pandas
    import pyarrow as pa

    nullable = {
        pa.int8(): pandas.Int8Dtype(),
        pa.int16(): pandas.Int16Dtype(),
        pa.int32(): pandas.Int32Dtype(),
        pa.int64(): pandas.Int64Dtype(),
        pa.uint8(): pandas.UInt8Dtype(),
        pa.uint16(): pandas.UInt16Dtype(),
        pa.uint32(): pandas.UInt32Dtype(),
        pa.uint64(): pandas.UInt64Dtype(),
    }
    whole = [
        index
        for index, column in enumerate(table.columns)
        if column.type in nullable and column.null_count > 0
    ]
    frame = table.to_pandas(**options)
    for index in whole:
        column = table.column(index)
        name = table.column_names[index]
        if name in frame.columns:
            values = column.to_pandas(types_mapper=nullable.get)
            frame[name] = values.set_axis(frame.index)
    return frame


def _one_chunk(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)
    combined: Any = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else combined
    return combined


def _interruptible(work: Callable[[], None], cancel: Callable[[], None]) -> None:
    """Does work of the engine's so that Ctrl-C ends it.

    A signal reaches Python only between its own instructions, so the main thread waits while
    another one is inside the engine.
    """
    if threading.current_thread() is not threading.main_thread():
        work()
        return
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    worker = threading.Thread(target=run, name="larder")
    worker.start()
    try:
        worker.join()
    except BaseException:
        cancel()
        worker.join()
        raise
    if failures:
        raise failures[0]
