"""An open store."""

from __future__ import annotations

import ctypes
import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from . import _library
from ._arrow import IncomingBatch, OutgoingBatch, OutgoingStream, counted, single_batch, table
from ._commit import Commit
from ._definitions import Projection, definitions_json
from ._errors import ClosedError, InvalidArgumentError, InvalidInputError
from ._job import Job
from ._library import call, call_for_handle, call_for_json, options
from ._maintenance import Maintenance
from ._times import iso

if TYPE_CHECKING:
    import pyarrow


def open(
    path: Union[str, "os.PathLike[str]"],
    *,
    create: bool = True,
    read_only: bool = False,
    lock_timeout: float = 10,
    keep_snapshots: float = 3600,
    threads: Optional[int] = None,
    online_durability: str = "batch",
    allow_shared_directory: bool = False,
) -> "Store":
    """Opens a store in a directory of a local file system.

    Args:
        path: the directory.
        create: whether a store is made if there is none.
        read_only: whether only to read; makes nothing and needs read permission only.
        lock_timeout: seconds to wait for another process's lock.
        keep_snapshots: seconds that an overtaken state stays readable.
        threads: how many to use; None for all cores.
        online_durability: "batch" (online writes survive the end of power) or "process".
        allow_shared_directory: whether a directory that others may write is accepted.

    Raises:
        NotFoundError: there is no store and none is to be made.
        NotAStoreError, PermissionDeniedError, CorruptError, UnsupportedVersionError,
        UnsupportedError (network file systems), LockedError, NoSpaceError, StorageError.
    """
    access = "readOnly" if read_only else "create" if create else "readWrite"
    given = options(
        access=access,
        lockTimeout=lock_timeout,
        keepSnapshots=keep_snapshots,
        threads=threads,
        onlineDurability=online_durability,
        allowsSharedDirectory=allow_shared_directory,
    )
    return Store(call_for_handle("larder_open", os.fsencode(path), given), os.fspath(path))


class Store(Maintenance):
    """A feature store; `pylarder.open` makes it, and `with` closes it.

    May be used from any number of threads, beside other processes. A forked process opens its own.
    """

    def __init__(self, handle: int, path: str) -> None:
        self._handle: Optional[int] = handle
        self.path = path

    def _open(self) -> int:
        if not self._handle:
            raise ClosedError("The store was closed.")
        return self._handle

    def info(self) -> dict:
        """What the store holds: rows, keys, times, segments and bytes, by view and column."""
        return call_for_json("larder_info", self._open())

    def close(self) -> None:
        """Closes the store; jobs and tables that came from it stay valid."""
        handle, self._handle = self._handle, None
        if handle:
            _library.library().larder_close(handle)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"pylarder.Store({self.path!r})"

    # Definitions

    def apply(
        self, definitions: Any, *, dropping: bool = False, dry_run: bool = False
    ) -> List[dict]:
        """Makes entities, views and services known, in one commit. Idempotent.

        Args:
            definitions: a dict or the path of a file with the JSON of `larder apply`, or Entity,
                FeatureView and FeatureService objects.
            dropping: whether features that the store has and a view given here lacks are dropped.
            dry_run: whether only to say what would change.

        Returns:
            What changed: "kind", "name", "feature", "detail" and "text" for people.
        """
        given = options(dropping=dropping or None, dryRun=dry_run or None)
        return call_for_json("larder_apply", self._open(), definitions_json(definitions), given)

    def definitions(self) -> dict:
        """What the store knows, as the JSON that `apply` takes."""
        return call_for_json("larder_definitions", self._open())

    def drop(self, view: str, *, dry_run: bool = False) -> List[dict]:
        """Drops a view, and its history as of later commits."""
        given = options(dryRun=dry_run or None)
        return call_for_json("larder_drop", self._open(), view.encode(), given)

    # History

    def append(self, view: str, rows: Any) -> Commit:
        """Adds rows to a view's history: all of them durably, or none.

        Args:
            view: the view's name.
            rows: a pyarrow, pandas, polars or DuckDB table, a dict of columns, a
                `pyarrow.RecordBatchReader` (read in bounded memory), or anything with
                `__arrow_c_stream__`: join keys, event time, created time if the view has one,
                features. A feature that is missing is null.

        Raises:
            InvalidInputError: with `column` and `row`; nothing was written.
        """
        with OutgoingStream(rows) as stream:
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
        with OutgoingStream(rows) as stream:
            report = call_for_json("larder_replace", self._open(), view.encode(), given, stream)
        return Commit._of(report)

    def import_parquet(
        self,
        view: str,
        source: Any,
        *,
        format: str = "parquet",
        progress: Optional[Callable[[int], Any]] = None,
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
        paths: Union[str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]],
        *,
        columns: Optional[Mapping[str, str]] = None,
        time_unit: Optional[str] = None,
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

    def _columns(self, view: str) -> "set[str]":
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
        # The engine says which name is the nearest.
        self.pull_all(view)
        return set()

    # Questions

    def historical_features(
        self,
        spine: Any,
        features: Union[str, Sequence[str]],
        timestamp: str = "event_timestamp",
        full_feature_names: bool = False,
        as_known: bool = False,
        projections: Optional[Sequence[Projection]] = None,
        with_event_times: bool = False,
        with_status: bool = False,
        at: Union[Commit, int, str, None] = None,
        memory: Optional[int] = None,
        start: Any = None,
        end: Any = None,
        threads: Optional[int] = None,
    ) -> Job:
        """Features as they were at the time of each row of a spine.

        A view answers a row (key, t) with its row of that key with the greatest event time in
        [t - time to live, t]; ties go to the greater created time, then to the later commit.

        Args:
            spine: a table of any kind (see `append`) with the join keys and times; None makes one
                of the distinct keys and event times of the views from `start` through `end`.
            features: "view:feature" and "view:*"; or the name of a feature service.
            timestamp: the spine's time column.
            full_feature_names: whether columns are called `view__feature`.
            as_known: whether a row counts only if it was created by then.
            projections: views under names of their own, with other spine columns as keys.
            with_event_times: whether to add `<view>__event_timestamp`.
            with_status: whether to add `<view>__status`: "present", "noEntity", "onlyLater",
                "expired" or "notYetKnown".
            at: a commit, or its tag, to ask instead of the newest.
            memory: bytes the engine may take; None for no bound.
            threads: how many to use; None for all cores.

        Returns:
            A job with as many rows as the spine, in its order.
        """
        question = options(
            **(
                {"service": features} if isinstance(features, str) else {"features": list(features)}
            ),
            timestamp=timestamp,
            fullFeatureNames=full_feature_names,
            asKnown=as_known,
            projections=[p.to_json() for p in projections] if projections else None,
            withEventTimes=with_event_times,
            withStatus=with_status,
            memoryBytes=memory,
            threads=threads,
            **{"from": iso(start), "through": iso(end)},
        )
        store = self if at is None else self.at(at)
        if spine is None:
            return Job(call_for_handle("larder_historical_features", store._open(), None, question))
        rows = table(spine).combine_chunks()
        asked = rows.select(_readable(rows.schema))
        with OutgoingStream(asked) as stream:
            handle = call_for_handle("larder_historical_features", store._open(), stream, question)
        job = Job(handle, rows, asked.num_columns)
        if asked.num_columns < rows.num_columns:
            _refuse_clash(handle, rows, asked.num_columns)
        return job

    def pull_latest(
        self,
        view: str,
        start: Any = None,
        end: Any = None,
        features: Optional[Sequence[str]] = None,
    ) -> Job:
        """The latest row of each entity with start <= event time <= end."""
        return self._pull(view, start, end, features, latest=True)

    def pull_all(
        self,
        view: str,
        start: Any = None,
        end: Any = None,
        features: Optional[Sequence[str]] = None,
    ) -> Job:
        """Every row with start <= event time <= end."""
        return self._pull(view, start, end, features, latest=False)

    def _pull(
        self, view: str, start: Any, end: Any, features: Optional[Sequence[str]], latest: bool
    ) -> Job:
        question = options(
            latest=latest,
            features=list(features) if features is not None else None,
            **{"from": iso(start), "through": iso(end)},
        )
        return Job(call_for_handle("larder_pull", self._open(), view.encode(), question))

    def why(
        self, view: str, key: Mapping[str, Any], at: Any, *, as_known: bool = False, limit: int = 20
    ) -> dict:
        """Why a view answers a key at a time as it does.

        Returns:
            "status", the "rule" that decided, and the "candidates" around the decision.
        """
        values = {name: _key_value(value) for name, value in key.items()}
        question = options(key=values, at=iso(at), asKnown=as_known, limit=limit)
        return call_for_json("larder_why", self._open(), view.encode(), question)

    def at(self, commit: Union[Commit, int, str]) -> "Store":
        """The store as of an earlier commit, or of a tag: read-only.

        Raises:
            NotFoundError: there is no such commit or tag, or it is no longer kept.
        """
        if isinstance(commit, str):
            tagged = call_for_handle("larder_snapshot_tagged", self._open(), commit.encode())
            return Store(tagged, self.path)
        number = commit.id if isinstance(commit, Commit) else commit
        return Store(call_for_handle("larder_snapshot", self._open(), number), self.path)

    # Online

    def materialize(
        self, views: Union[str, Sequence[str], None] = None, start: Any = None, end: Any = None
    ) -> List[dict]:
        """Brings the online tables of views up to date with their history.

        Args:
            views: names; None for all views.
            start: None continues where the last run ended; else the range is written as it is.
            end: the last event time, never later than now.

        Returns:
            For each view "rows", of these "lateRows", and the "watermark".
        """
        if views is None:
            views = [view["name"] for view in self.definitions().get("featureViews", [])]
        elif isinstance(views, str):
            views = [views]
        given = options(**{"from": iso(start), "through": iso(end)})
        return [
            call_for_json("larder_materialize", self._open(), view.encode(), given)
            for view in views
        ]

    def write_online(
        self, view: str, rows: Any, progress: Optional[Callable[[int], Any]] = None
    ) -> int:
        """Writes rows straight to a view's online table.

        Of two rows of one key that with the greater event time stays, then that with the greater
        created time, then the later one. Rows of some of the features keep the others.

        Returns:
            How many rows were given.
        """
        written = ctypes.c_int64()
        if progress is not None:
            rows = counted(table(rows).to_reader(), progress)
        with OutgoingStream(rows) as stream:
            call("larder_write_online", self._open(), view.encode(), stream, ctypes.byref(written))
        return written.value

    def read_online(
        self,
        views: Union[str, Sequence[str]],
        keys: Any,
        features: Optional[Sequence[str]] = None,
        *,
        at: Any = None,
        include_expired: bool = False,
        full_feature_names: bool = False,
    ) -> "pyarrow.Table":
        """The latest features of keys: one row for each, in their order.

        Args:
            views: the name of a view, with `features` of it or all of them; or references
                "view:feature" and "view:*" of any number of views, read in one call.
            keys: a dict of columns, or a table, with the join keys.
            features: names of features of the one view; None for all.
            at: when the time to live is judged; None for now.
            include_expired: whether values past the time to live are given.
            full_feature_names: whether columns are called `view__feature`.

        Returns:
            The keys, the features, then for each view `<view>__event_timestamp` and
            `<view>__status`: "present", "nullValue", "notFound" or "outsideMaxAge".
        """
        import pyarrow as pa

        if isinstance(views, str):
            references = [f"{views}:{name}" for name in (["*"] if features is None else features)]
        elif features is not None:
            raise InvalidArgumentError("`features` are those of one view; here are references.")
        else:
            references = list(views)
        question = json.dumps(
            {
                "features": references,
                "fullFeatureNames": full_feature_names,
                "at": iso(at),
                "includeExpired": include_expired,
            }
        ).encode()
        rows = table(keys).combine_chunks()
        answer = self.read_online_batch(question, single_batch(rows))
        columns: Dict[str, Any] = {}
        for name, column in zip(rows.column_names, rows.columns):
            columns[name] = column
        for name, column in zip(answer.schema.names, answer.columns):
            if name in columns:
                raise InvalidInputError(
                    f'Two columns would be called "{name}"; ask for full feature names.',
                    column=name,
                )
            columns[name] = column
        return pa.table(columns)

    def read_online_batch(
        self, question: bytes, keys: "pyarrow.RecordBatch"
    ) -> "pyarrow.RecordBatch":
        """The latest features of keys, in the engine's own form: the least there is to do.

        Args:
            question: the JSON of `larder_read_online` in `larder.h`.
            keys: the join keys.

        Returns:
            The features, then for each view its event time and its status, a dictionary of
            "present", "nullValue", "notFound" and "outsideMaxAge".
        """
        room = IncomingBatch()
        with OutgoingBatch(keys) as (schema, array):
            call("larder_read_online", self._open(), question, schema, array, *room.addresses)
        return room.batch()

    def read_online_messages(self, question: bytes, keys: "pyarrow.RecordBatch") -> bytes:
        """The latest features of keys as the `results` of Feast's GetOnlineFeaturesResponse.

        Args:
            question: the JSON of `larder_read_online_messages` in `larder.h`.
            keys: the join keys.
        """
        place, length = ctypes.c_void_p(), ctypes.c_int64()
        with OutgoingBatch(keys) as (schema, array):
            call(
                "larder_read_online_messages",
                self._open(),
                question,
                schema,
                array,
                ctypes.byref(place),
                ctypes.byref(length),
            )
        try:
            return ctypes.string_at(place.value or 0, length.value)
        finally:
            _library.library().larder_text_free(place)

    def tear_down(self, views: Sequence[str]) -> None:
        """Removes the online tables of views, and only these; twice is allowed."""
        call("larder_tear_down", self._open(), options(views=list(views)))


def entity_keys(keys: Any) -> "pyarrow.Array":
    """Keys as Feast serializes them (entity-key serialization version 3).

    Args:
        keys: a table of any kind with a column for each join key: string, binary, int32, int64 or
            timestamps of whole seconds.
    """
    rows = single_batch(table(keys))
    room = IncomingBatch()
    with OutgoingBatch(rows) as (schema, array):
        call("larder_entity_keys", schema, array, *room.addresses)
    return room.batch().column(0)


def _readable(schema: "pyarrow.Schema") -> List[int]:
    """The columns that the engine reads; others pass an answer by without it."""
    import pyarrow as pa

    def reads(kind: "pyarrow.DataType", nested: bool = False) -> bool:
        types = pa.types
        if types.is_dictionary(kind):
            return not types.is_nested(kind.value_type)
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            return not nested and reads(kind.value_type, nested=True)
        if isinstance(kind, pa.BaseExtensionType):
            return reads(kind.storage_type, nested)
        refused = (
            types.is_nested(kind)
            or types.is_run_end_encoded(kind)
            or types.is_decimal(kind)
            and kind.scale < 0
        )
        return not refused

    return [index for index, field in enumerate(schema) if reads(field.type)]


def _refuse_clash(handle: int, spine: "pyarrow.Table", asked: int) -> None:
    """Refuses an answer with two columns of one name, where the engine did not see the first."""
    import pyarrow as pa

    from ._library import ArrowSchema
    from ctypes import addressof

    room = ArrowSchema()
    call("larder_job_schema", handle, addressof(room))
    made = pa.Schema._import_from_c(addressof(room)).names[asked:]
    for name in made:
        if name in spine.column_names:
            raise InvalidInputError(
                f'Two columns of the result would be called "{name}": a column of the spine and '
                "a feature. Ask for full feature names, or rename the spine's column.",
                column=name,
            )


def _key_value(value: Any) -> Any:
    """A key's value as JSON has it."""
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    if hasattr(value, "item"):
        return value.item()
    return iso(value)
