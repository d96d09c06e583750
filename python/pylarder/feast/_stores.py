"""The stores that this process has open, one for each directory."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from .. import Store
from .. import open as open_store

# The directory of each configured path, and the file that says that the store is there.
_paths: dict[tuple[str | Path | None, str], tuple[str, str]] = {}
_open: dict[tuple[int, str], Store] = {}
_lock = threading.Lock()


def _unlock_in_child() -> None:
    """Another thread of the parent's may have held the lock when it was forked."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_unlock_in_child)


def store_path(repo_path: str | Path | None, path: str) -> str:
    """A store's directory: relative paths count from the repository."""
    if repo_path is not None and not os.path.isabs(path):
        path = os.path.join(str(repo_path), path)
    return os.path.abspath(path)


def store_at(repo_path: str | Path | None, path: str) -> Store:
    """The store of a directory, opened once for each process, also after a fork."""
    known = _paths.get((repo_path, path))
    if known is None or not os.path.isabs(path if repo_path is None else str(repo_path)):
        directory = store_path(repo_path, path)
        known = _paths[repo_path, path] = (directory, os.path.join(directory, "LOCK"))
    directory, lock = known
    key = (os.getpid(), directory)
    store = _open.get(key)
    # A directory that was removed and made again is another store.
    if store is not None and os.path.exists(lock):
        return store
    with _lock:
        store = _open.get(key)
        if store is None or not os.path.exists(lock):
            os.makedirs(os.path.dirname(directory) or ".", exist_ok=True)
            store = _open[key] = open_store(directory)
        return store
