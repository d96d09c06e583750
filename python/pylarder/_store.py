"""An open store."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from ._definitions import definitions_json
from ._history import History
from ._library import call_for_handle, call_for_json, options
from ._maintenance import Maintenance
from ._online import Online
from ._opened import Place
from ._queries import Queries


def open(  # noqa: A001
    path: str | os.PathLike[str],
    *,
    create: bool = True,
    read_only: bool = False,
    lock_timeout: float = 10,
    keep_snapshots: float = 3600,
    threads: int | None = None,
    online_durability: str = "batch",
    allow_shared_directory: bool = False,
) -> Store:
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
    given = partial(
        options,
        lockTimeout=lock_timeout,
        keepSnapshots=keep_snapshots,
        threads=threads,
        onlineDurability=online_durability,
        allowsSharedDirectory=allow_shared_directory,
    )
    access = "readOnly" if read_only else "create" if create else "readWrite"
    handle = call_for_handle("larder_open", os.fsencode(path), given(access=access))
    # A copy is of a store that is there.
    again = given(access="readOnly" if read_only else "readWrite")
    return Store(handle, os.fspath(path), Place(os.path.abspath(os.fspath(path)), again))


class Store(History, Queries, Online, Maintenance):
    """A feature store; `pylarder.open` makes it, and `with` closes it.

    May be used from any number of threads, beside other processes, also while another thread closes
    it: what was begun is done, what comes later raises ClosedError. A forked process opens its own.
    A copy (`copy.copy`, pickle) is opened again, where it is: the same directory at its newest
    commit, an earlier state (`at`) at its commit.
    """

    def apply(
        self, definitions: Any, *, dropping: bool = False, dry_run: bool = False
    ) -> list[dict]:
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

    def drop(self, view: str, *, dry_run: bool = False) -> list[dict]:
        """Drops a view, and its history as of later commits."""
        given = options(dryRun=dry_run or None)
        return call_for_json("larder_drop", self._open(), view.encode(), given)
