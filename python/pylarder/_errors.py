"""The engine's failures as exceptions, one class for each code."""

from __future__ import annotations


class Error(Exception):
    """A failure of the engine. The message says what was found, what was expected, what to do.

    Attributes:
        code: the engine's number for the kind of failure; stable between releases.
        column: the column it happened in, if any.
        row: the zero-based row of the caller's rows, if any.
    """

    code: int = 0

    def __init__(self, message: str, *, column: str | None = None, row: int | None = None) -> None:
        super().__init__(message)
        self.column = column
        self.row = row


class InvalidArgumentError(Error, ValueError):
    """An argument that no store could accept."""

    code = 1


class InvalidInputError(Error, ValueError):
    """Rows or files that the view or the format does not allow."""

    code = 2


class IncompatibleDefinitionError(Error, ValueError):
    """A definition that contradicts what the store holds."""

    code = 3


class NotFoundError(Error, LookupError):
    """A view, feature, column, entity, service, commit or store that does not exist."""

    code = 4


class CorruptError(Error):
    """Bytes on disk that contradict their checksum, their bounds or one another."""

    code = 5


class UnsupportedVersionError(Error):
    """A file written by a later version."""

    code = 6


class LockedError(Error, TimeoutError):
    """Another process held the lock for the whole lock time-out."""

    code = 7


class LimitExceededError(Error):
    """A limit of the engine or a budget of the caller's."""

    code = 8


class StorageError(Error, OSError):
    """A system call failed."""

    code = 9


class NoSpaceError(Error, OSError):
    """The disk is full."""

    code = 10


class PermissionDeniedError(Error, PermissionError):
    """The process may not read or write there."""

    code = 11


class ReadOnlyError(Error):
    """The store was opened read-only, or is an earlier state."""

    code = 12


class OutcomeUnknownError(Error):
    """A sync failed: the commit may or may not survive a crash. Reopen to learn which."""

    code = 13


class PoisonedError(Error):
    """An earlier sync failed and the store must be reopened for writing."""

    code = 14


class CancelledError(Error):
    """The job was cancelled."""

    code = 15


class ForkedError(Error):
    """The store was opened by the parent of this forked process."""

    code = 16


class ClosedError(Error):
    """The store or job was closed."""

    code = 17


class NotAStoreError(Error):
    """The path holds something that is not a Larder store."""

    code = 18


class AlreadyExistsError(Error, FileExistsError):
    """A store exists where a new one was asked for."""

    code = 19


class UnsupportedError(Error, NotImplementedError):
    """The request is understood and not offered."""

    code = 20


class ConflictError(Error):
    """What a command had read changed before it could commit; nothing was written. Try again."""

    code = 21


BY_CODE = {
    kind.code: kind
    for kind in [
        InvalidArgumentError,
        InvalidInputError,
        IncompatibleDefinitionError,
        NotFoundError,
        CorruptError,
        UnsupportedVersionError,
        LockedError,
        LimitExceededError,
        StorageError,
        NoSpaceError,
        PermissionDeniedError,
        ReadOnlyError,
        OutcomeUnknownError,
        PoisonedError,
        CancelledError,
        ForkedError,
        ClosedError,
        NotAStoreError,
        AlreadyExistsError,
        UnsupportedError,
        ConflictError,
    ]
}
