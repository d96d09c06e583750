"""Larder, an embedded feature store: history in, point-in-time answers out, no server.

    import pylarder
    store = pylarder.open("features.larder")
    store.apply({"entities": [...], "featureViews": [...]})
    store.append("driver_stats", table)
    training = store.historical_features(spine, ["driver_stats:*"]).to_arrow()

Importing this module is cheap: the engine, pyarrow, pandas and polars are loaded when first used.
"""

from __future__ import annotations

from ._commit import Commit
from ._definitions import Entity, FeatureService, FeatureView, Field, Projection
from ._entity_keys import entity_keys
from ._errors import (
    AlreadyExistsError,
    CancelledError,
    ClosedError,
    ConflictError,
    CorruptError,
    Error,
    ForkedError,
    IncompatibleDefinitionError,
    InvalidArgumentError,
    InvalidInputError,
    LimitExceededError,
    LockedError,
    NoSpaceError,
    NotAStoreError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PoisonedError,
    ReadOnlyError,
    StorageError,
    UnsupportedError,
    UnsupportedVersionError,
)
from ._job import Job
from ._store import Store, open

__version__ = "0.1.0"

__all__ = [
    "AlreadyExistsError",
    "CancelledError",
    "ClosedError",
    "Commit",
    "ConflictError",
    "CorruptError",
    "Entity",
    "Error",
    "FeatureService",
    "FeatureView",
    "Field",
    "ForkedError",
    "IncompatibleDefinitionError",
    "InvalidArgumentError",
    "InvalidInputError",
    "Job",
    "LimitExceededError",
    "LockedError",
    "NoSpaceError",
    "NotAStoreError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "PoisonedError",
    "Projection",
    "ReadOnlyError",
    "StorageError",
    "Store",
    "UnsupportedError",
    "UnsupportedVersionError",
    "entity_keys",
    "open",
]
