"""Rows into a store's history."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._arrow import OutgoingStream, counted, table
from ._commit import Commit
from ._errors import NotFoundError
from ._fitting import fitted_features, has_floats
from ._job import Job
from ._library import call_for_handle, call_for_json, options
from ._opened import Opened
from ._times import iso


class History(Opened):
    """The ways of rows into the history of a `Store`'s views."""

    def append(self, view: str, rows: Any) -> Commit:
        """Adds rows to a view's history: all of them durably, or none.

            Args:
                view: the view's name.
                rows: a pyarrow, pandas, polars or DuckDB table, a dict of columns, a
                    `pyarrow.RecordBatchReader` (read in bounded memory), or anything with
        XX
            Raises:
                InvalidInputError: with `column` and `row`; nothing was written.
        """
        with OutgoingStream(self._fitted(view, rows)) as stream:
            report = call_for_json("larder_append", self._open(), view.encode(), stream)
        return Commit._of(report)

    def replace(self, view: str, rows: Any, start: Any = None, end: Any = None) -> Commit:
        """Replaces the rows of a range of event times, or all of a view's, in one commit.

        Args:
            view: the view's name.
            rows: as for `append`, all within the range.
            start: the first event time; None for no bound.
            end: the last event time, inclusive; None for no bound.
        """
        given = options(**{"from": iso(start), "through": iso(end)})
        with OutgoingStream(self._fitted(view, rows)) as stream:
            report = call_for_json("larder_replace", self._open(), view.encode(), given, stream)
        return Commit._of(report)

    def import_parquet(
        self,
        view: str,
        source: Any,
        *,
        format: str = "parquet",  # noqa: A002
        progress: Callable[[int], Any] | None = None,
        batch_rows: int = 1 << 17,
    ) -> Commit:
        """Adds the rows of files to a view's history, in one commit and in bounded memory.

        Columns that the view does not have are left out.

        Args:
            view: the view's name.
            source: a path, a folder, a list of paths, or a `pyarrow.dataset.Dataset`.
            format: "parquet", "csv", "ipc" or another that pyarrow's datasets read.
            progress: told how many rows were read so far.
            batch_rows: rows read at a time.
        """
        import pyarrow.dataset as ds

        if not isinstance(source, ds.Dataset):
            paths = [os.fspath(p) for p in source] if isinstance(source, (list, tuple)) else source
            source = ds.dataset(paths, format=format)
        known = self._columns(view)
        columns = [name for name in source.schema.names if name in known]
        scanner = source.scanner(
            columns=columns, batch_size=batch_rows, batch_readahead=2, fragment_readahead=1
        )
        reader = scanner.to_reader()
        return self.append(view, counted(reader, progress) if progress else reader)

    def import_csv(self, view: str, source: Any, **arguments: Any) -> Commit:
        """`import_parquet` of CSV files."""
        return self.import_parquet(view, source, format="csv", **arguments)

    def import_ipc(self, view: str, source: Any, **arguments: Any) -> Commit:
        """`import_parquet` of Arrow IPC ("Feather") files."""
        return self.import_parquet(view, source, format="ipc", **arguments)

    def import_files(
        self,
        view: str,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        columns: Mapping[str, str] | None = None,
        time_unit: str | None = None,
        replace: bool = False,
    ) -> Commit:
        """Adds the rows of files, which the engine reads itself, in one commit.

        Faster than `import_parquet` where the engine reads all that is wanted: it decodes row
        groups on all cores, and nothing passes through Python.

        Args:
            view: the view's name.
            paths: Parquet, Arrow IPC and CSV files, told by their first bytes; a folder stands for
                those in it and below.
            columns: for columns of the view, the files' columns, where they differ.
            time_unit: "s", "ms", "us" or "ns", of times that are integers.
            replace: whether the rows take the place of all rows of the view.

        Raises:
            InvalidInputError: with file, `column` and `row`; nothing was written.
            UnsupportedError: a wanted column is of a type that is not read.
        """
        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        given = options(
            paths=[os.fspath(path) for path in paths],
            columns=dict(columns) if columns else None,
            timeUnit=time_unit,
            replace=replace or None,
        )
        report = call_for_json("larder_import_files", self._open(), view.encode(), given)
        return Commit._of(report)

    def _fitted(self, view: str, rows: Any) -> Any:
        """Rows whose floats are integers where the view has integers."""
        import pyarrow as pa

        if isinstance(rows, pa.RecordBatchReader):
            return rows
        rows = table(rows)
        if not has_floats(rows):
            return rows
        for definition in self.definitions().get("featureViews", []):
            if definition["name"] == view:
                features = {f["name"]: f["type"] for f in definition["features"]}
                return fitted_features(rows, features)
        return rows

    def _columns(self, view: str) -> set[str]:
        """The columns that rows of a view may have."""
        known = self.definitions()
        for definition in known.get("featureViews", []):
            if definition["name"] != view:
                continue
            keys = {entity["name"]: entity["joinKeys"] for entity in known.get("entities", [])}
            columns = {feature["name"] for feature in definition["features"]}
            columns.add(definition["timestamp"])
            columns.add(definition.get("created", definition["timestamp"]))
            for entity in definition["entities"]:
                columns.update(key["name"] for key in keys[entity])
            return columns
        # Asked for a view that it does not know, the engine says which name is the nearest.
        Job(call_for_handle("larder_pull", self._open(), view.encode(), None)).close()
        raise NotFoundError(f'The store has no view "{view}".')
