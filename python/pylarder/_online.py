"""The latest values."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _library
from ._arrow import IncomingBatch, OutgoingBatch, OutgoingStream, counted, single_batch, table
from ._errors import InvalidArgumentError, InvalidInputError
from ._fitting import fitted_keys
from ._library import call, call_for_json, options
from ._opened import Opened
from ._times import iso

if TYPE_CHECKING:
    import pyarrow


class Online(Opened):
    """The online tables of a `Store`."""

    def materialize(
        self,
        views: str | Sequence[str] | None = None,
        start: Any = None,
        end: Any = None,
        full: bool = False,
    ) -> list[dict]:
        """Brings the online tables of views up to date with their history.

        Args:
            views: names; None for all views.
            start: None continues where the last run ended; else the range is written as it is.
            end: the last event time, never later than now; before that of the last run it changes
                nothing, unless all values are recomputed.
            full: recompute every value from history; else only after a change that needs it.

        Returns:
            For each view "rows", of these "lateRows", "changedKeys", "isRebuilt", "leftOut" (rows
            that an online table cannot hold), and the "watermark".
        """
        if views is None:
            views = [view["name"] for view in self.definitions().get("featureViews", [])]
        elif isinstance(views, str):
            views = [views]
        given = options(**{"from": iso(start), "through": iso(end), "full": full or None})
        self._online_writer = os.getpid()
        return [
            call_for_json("larder_materialize", self._open(), view.encode(), given)
            for view in views
        ]

    def write_online(
        self, view: str, rows: Any, progress: Callable[[int], Any] | None = None
    ) -> int:
        """Writes rows straight to a view's online table.

        Of two rows of one key that with the greater event time stays, then that with the greater
        created time, then the later one. Rows of some of the features keep the others.

        Returns:
            How many rows were given.
        """
        written = ctypes.c_int64()
        self._online_writer = os.getpid()
        if progress is not None:
            rows = counted(table(rows).to_reader(), progress)
        with OutgoingStream(rows) as stream:
            call("larder_write_online", self._open(), view.encode(), stream, ctypes.byref(written))
        return written.value

    def read_online(
        self,
        views: str | Sequence[str],
        keys: Any,
        features: Sequence[str] | None = None,
        *,
        at: Any = None,
        include_expired: bool = False,
        full_feature_names: bool = False,
    ) -> pyarrow.Table:
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
        query = json.dumps(
            {
                "features": references,
                "fullFeatureNames": full_feature_names,
                "at": iso(at),
                "includeExpired": include_expired,
            }
        ).encode()
        rows = table(keys).combine_chunks()
        asked = fitted_keys(rows, self.definitions)
        answer = self.read_online_batch(query, single_batch(asked))
        columns: dict[str, Any] = dict(zip(rows.column_names, rows.columns))
        for name, column in zip(answer.schema.names, answer.columns):
            if name in columns:
                raise InvalidInputError(
                    f'Two columns would be called "{name}"; ask for full feature names.',
                    column=name,
                )
            columns[name] = column
        return pa.table(columns)

    def read_online_batch(self, query: bytes, keys: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
        """The latest features of keys, in the engine's own form: the least there is to do.

        Args:
            query: the JSON of `larder_read_online` in `larder.h`.
            keys: the join keys.

        Returns:
            The features, then for each view its event time and its status, a dictionary of
            "present", "nullValue", "notFound" and "outsideMaxAge".
        """
        room = IncomingBatch()
        with OutgoingBatch(keys) as (schema, array):
            call("larder_read_online", self._open(), query, schema, array, *room.addresses)
        return room.batch()

    def read_online_messages(self, query: bytes, keys: pyarrow.RecordBatch) -> bytes:
        """The latest features of keys as the `results` of Feast's GetOnlineFeaturesResponse.

        Args:
            query: the JSON of `larder_read_online_messages` in `larder.h`.
            keys: the join keys.
        """
        place, length = ctypes.c_void_p(), ctypes.c_int64()
        with OutgoingBatch(keys) as (schema, array):
            call(
                "larder_read_online_messages",
                self._open(),
                query,
                schema,
                array,
                ctypes.byref(place),
                ctypes.byref(length),
            )
        try:
            return ctypes.string_at(place.value or 0, length.value)
        finally:
            _library.library().larder_text_free(place)

    def end_writing(self) -> None:
        """Ends writing online: what was written is durable, and other processes may write.

        A store that writes online holds the table's lock from its first write until this call or
        `close`; the next write takes it again.
        """
        call("larder_end_writing", self._open())

    def tear_down(self, views: Sequence[str]) -> None:
        """Removes the online tables of views, and only these; twice is allowed."""
        call("larder_tear_down", self._open(), options(views=list(views)))
