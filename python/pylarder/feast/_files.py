"""The Parquet files of a Feast source: which there are, and how they changed."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pyarrow.parquet as pq
from feast.data_format import ParquetFormat
from feast.infra.offline_stores.file_source import FileSource

from .. import NotFoundError, UnsupportedError


@dataclass(frozen=True)
class SourceFile:
    """A file as it was when it was looked at.

    Attributes:
        path: its absolute path.
        size, time: in bytes and nanoseconds, as the file system says.
        groups: the rows of each row group.
        data_end: where the row groups end.
        digest: of the bytes up to there; None until the rows were taken.
    """

    path: str
    size: int
    time: int
    groups: Sequence[int] = ()
    data_end: int = 0
    digest: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "size": self.size,
            "time": self.time,
            "groups": list(self.groups),
            "dataEnd": self.data_end,
            "digest": self.digest,
        }

    @staticmethod
    def from_json(given: dict[str, Any]) -> SourceFile:
        return SourceFile(
            given["path"],
            given["size"],
            given["time"],
            tuple(given["groups"]),
            given["dataEnd"],
            given["digest"],
        )

    def is_untouched(self, other: SourceFile) -> bool:
        """Whether the file system says that nothing happened to it."""
        return (self.path, self.size, self.time) == (other.path, other.size, other.time)

    def examined(self) -> SourceFile:
        """The file with its row groups and the digest of their bytes."""
        metadata = pq.read_metadata(self.path)
        end = 4
        groups = []
        for group in range(metadata.num_row_groups):
            part = metadata.row_group(group)
            groups.append(part.num_rows)
            for column in range(part.num_columns):
                chunk = part.column(column)
                first = chunk.data_page_offset
                if chunk.dictionary_page_offset is not None:
                    first = min(first, chunk.dictionary_page_offset)
                end = max(end, first + chunk.total_compressed_size)
        return SourceFile(
            self.path, self.size, self.time, tuple(groups), end, digest(self.path, end)
        )


def digest(path: str, end: int) -> str:
    """A digest of the first bytes of a file."""
    state = hashlib.sha256()
    with open(path, "rb") as file:
        left = end
        while left > 0:
            block = file.read(min(left, 1 << 22))
            if not block:
                break
            state.update(block)
            left -= len(block)
    return state.hexdigest()


def source_path(repo_path: str | Path | None, source: FileSource) -> str:
    """The local path, folder or pattern of a source.

    Raises:
        UnsupportedError: the source is remote or no Parquet.
    """
    path = source.path
    scheme = urlparse(path).scheme
    if scheme == "file":
        path = urlparse(path).path
    elif scheme and "://" in path:
        raise UnsupportedError(
            f'Source "{source.name}" lies at {path}: remote sources ({scheme}) are not read. '
            "Copy the files to a local folder."
        )
    if source.file_format is not None and not isinstance(source.file_format, ParquetFormat):
        kind = type(source.file_format).__name__.replace("Format", "")
        raise UnsupportedError(
            f'Source "{source.name}" is of format {kind}, which is not read; Parquet is.'
        )
    if repo_path is not None and not os.path.isabs(path):
        path = os.path.join(str(repo_path), path)
    return os.path.abspath(path)


def list_files(path: str) -> list[SourceFile]:
    """The files of a path, a folder or a pattern, in the order of their paths.

    Raises:
        NotFoundError: there is none.
    """
    if os.path.isfile(path):
        names = [path]
    elif os.path.isdir(path):
        names = [
            os.path.join(folder, name)
            for folder, _, inside in os.walk(path)
            for name in inside
            if name.endswith((".parquet", ".pq")) and not name.startswith((".", "_"))
        ]
    else:
        names = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
    if not names:
        raise NotFoundError(f"There is no Parquet file at {path}.")
    files = []
    for name in sorted(names):
        status = os.stat(name)
        files.append(SourceFile(name, status.st_size, status.st_mtime_ns))
    return files


@dataclass(frozen=True)
class Part:
    """Rows of a file: those of the row groups from one on."""

    file: SourceFile
    first_group: int = 0


def growth(before: Sequence[SourceFile], now: Sequence[SourceFile]) -> list[Part] | None:
    """What was added to files since; None if anything else happened to them.

    Args:
        before: the files as they were when their rows were taken.
        now: the files with their row groups and digests.
    """
    known = {file.path: file for file in before}
    present = {file.path for file in now}
    if not set(known) <= present:
        return None
    added = []
    for file in now:
        old = known.get(file.path)
        if old is None:
            added.append(Part(file))
            continue
        if file.is_untouched(old) or (file.groups, file.digest) == (old.groups, old.digest):
            continue
        count = len(old.groups)
        if tuple(file.groups[:count]) != tuple(old.groups) or file.data_end < old.data_end:
            return None
        if digest(file.path, old.data_end) != old.digest:
            return None
        added.append(Part(file, count))
    return added
