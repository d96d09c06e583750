"""What keeps a store small, sound and as it should be."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ._arrow import OutgoingBatch, single_batch, table
from ._commit import Commit, CommitReference, commit_number
from ._definitions import duration
from ._library import call, call_for_json, options
from ._opened import Opened

_Duration = float | datetime.timedelta | str


class Maintenance(Opened):
    """The maintenance of a `Store`."""

    # Segments

    def compact(
        self,
        views: str | Sequence[str] | None = None,
        *,
        partitions: Sequence[str] | None = None,
        cold: bool = False,
        dedupe: bool = False,
        max_seconds: float | None = None,
        dry_run: bool = False,
    ) -> dict:
        """Brings the rows of partitions of time together in few segments.

        Args:
            views: names; None for all views.
            partitions: such as "2026-03"; None leaves the choice to the store.
            cold: smaller, and slower to read.
            dedupe: drops rows whose key, event and created time a later one repeats.
            max_seconds: after which no further view is begun.
            dry_run: whether only to say what would be done.

        Returns:
            For each of the "views" segments, rows and bytes "before" and "after".
        """
        given = options(
            views=[views] if isinstance(views, str) else None if views is None else list(views),
            partitions=list(partitions) if partitions else None,
            cold=cold or None,
            dedupe=dedupe or None,
            maxSeconds=max_seconds,
            dryRun=dry_run or None,
        )
        return call_for_json("larder_compact", self._open(), given)

    def expire(self, view: str, older_than: _Duration, *, dry_run: bool = False) -> dict:
        """Takes rows of a view away that are older than an age.

        Age counts from the view's newest event that is not in the future. Earlier commits still
        show the rows, for as long as they are kept.

        Args:
            view: the view's name.
            older_than: seconds, a timedelta, or text such as "90d".
            dry_run: whether only to say what would expire.

        Returns:
            "cutoff", "rows" that expired, "rowsLeft", and what became of the "space".
        """
        given = options(olderThan=duration(older_than), dryRun=dry_run or None)
        return call_for_json("larder_expire", self._open(), view.encode(), given)

    def vacuum(self, keep: _Duration = 0, *, dry_run: bool = False) -> dict:
        """Ends the keeping of earlier commits, once, and removes the files only they name.

        The newest stays, and so do those with tags and those that readers hold.

        Args:
            keep: how long a commit stays after a newer one took its place.
            dry_run: whether only to say what would be removed.

        Returns:
            "filesRemoved", "bytesReturned", and "bytesWaiting" until "waitingUntil".
        """
        given = options(keep=duration(keep), dryRun=dry_run or None)
        return call_for_json("larder_vacuum", self._open(), given)

    # Snapshots

    def snapshots(self) -> list[dict]:
        """The commits that can still be looked at, oldest first: "commit", "time", "tags"."""
        return call_for_json("larder_snapshots", self._open())

    def tag(self, name: str, commit: CommitReference | None = None) -> Commit:
        """Gives a commit a name, by which it is kept until the tag is removed.

        Args:
            name: without spaces and "@", and not a number. A tag that exists moves.
            commit: as in `Store.at`; None for the newest.

        Raises:
            NotFoundError: the commit is no longer kept.
        """
        number = None if commit is None else commit_number(self._open(), commit)
        given = options(commit=number)
        return Commit._of(call_for_json("larder_tag", self._open(), name.encode(), given))

    def remove_tag(self, name: str) -> None:
        """Removes a tag; its commit is kept no longer than others then."""
        call("larder_remove_tag", self._open(), name.encode())

    def rollback(self, commit: CommitReference, *, dry_run: bool = False) -> dict:
        """Makes the state of an earlier commit the newest again, definitions included.

        Nothing is lost: the commits in between stay for as long as others do. What is online stays
        as it is.

        Args:
            commit: as in `Store.at`.
            dry_run: whether only to say what would change.

        Returns:
            "from", "to", the new "commit", and the "views" that differ.
        """
        number = commit_number(self._open(), commit)
        given = options(dryRun=dry_run or None)
        return call_for_json("larder_rollback", self._open(), number, given)

    # Verification, repair and backup

    def verify(self, *, deep: bool = False) -> dict:
        """Checks every checksum, order, count and reference; "findings" is empty if all is well.

        Args:
            deep: whether every value is decoded too.
        """
        return call_for_json("larder_verify", self._open(), options(deep=deep or None))

    def repair(self, *, dry_run: bool = False) -> dict:
        """Rebuilds what is derived and damaged; what was committed is not touched.

        Returns:
            The "steps" taken, and the "findings" that only a backup can mend.
        """
        return call_for_json("larder_repair", self._open(), options(dryRun=dry_run or None))

    def backup(self, path: str | os.PathLike[str]) -> dict:
        """Copies the store as of its newest commit, beside running writers, and verifies the copy.

        Args:
            path: a directory that does not exist yet, or is empty.
        """
        return call_for_json("larder_backup", self._open(), os.fsencode(path))

    # Erasure

    def forget(
        self,
        entity: str,
        keys: Any,
        *,
        timeout: _Duration = 0,
        dry_run: bool = False,
        **earlier: Any,
    ) -> dict:
        """Erases entities: hidden in every commit at once, then gone from every file.

        Covered is every set of join keys that includes the entity's, and the online tables. Rows
        of these keys that are appended later are visible again.

        Args:
            entity: the entity's name.
            keys: a dict of the entity's join keys, each one value or a list, or a table of them.
            timeout: how long to wait for readers of earlier commits; what they still hold then is
                "pending", and the same call again, or `finish_erasures`, finishes it.
            dry_run: whether only to say what would go.

        Returns:
            The certificate: "complete", the "files" that held something, what is "pending". It
            holds no key and no value.
        """
        _refuse_earlier("forget", earlier)
        if isinstance(keys, Mapping):
            keys = {name: _values(given) for name, given in keys.items()}
        given = options(timeout=duration(timeout), dryRun=dry_run or None)
        with OutgoingBatch(single_batch(table(keys))) as (schema, array):
            return call_for_json(
                "larder_forget", self._open(), entity.encode(), given, schema, array
            )

    def finish_erasures(self, *, timeout: _Duration = 0, **earlier: Any) -> dict | None:
        """Finishes erasures that something kept from being finished.

        Returns:
            The certificate; None if nothing was pending.
        """
        _refuse_earlier("finish_erasures", earlier)
        given = options(timeout=duration(timeout))
        return call_for_json("larder_finish_erasures", self._open(), given)


def _refuse_earlier(method: str, given: Mapping[str, Any]) -> None:
    """Refuses arguments that do not exist, and names what an earlier version called otherwise."""
    for name in given:
        now = {"patience": "timeout"}.get(name)
        hint = f"; it is called '{now}' now" if now else ""
        raise TypeError(f"{method}() got an unexpected keyword argument '{name}'{hint}")


def _values(given: Any) -> Any:
    """A key's values: one as a list of one."""
    is_one = isinstance(given, (str, bytes)) or not hasattr(given, "__len__")
    return [given] if is_one else given
