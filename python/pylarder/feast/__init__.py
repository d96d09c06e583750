"""Larder as Feast's offline store, online store and compute engine.

In `feature_store.yaml`:

    offline_store: { type: pylarder.feast.LarderOfflineStore, path: data/larder }
    online_store:  { type: pylarder.feast.LarderOnlineStore,  path: data/larder }
    batch_engine:  { type: pylarder.feast.LarderComputeEngine }   # optional

Sources stay as they are: Parquet files of a `FileSource` are brought into segments when they are
first asked for, and again when they changed. `LarderSource` names a view of the store itself.
"""

from ._engine import LarderComputeEngine, LarderComputeEngineConfig
from ._offline import LarderOfflineStore, LarderOfflineStoreConfig
from ._online import LarderOnlineStore, LarderOnlineStoreConfig
from ._source import LarderSource

__all__ = [
    "LarderComputeEngine",
    "LarderComputeEngineConfig",
    "LarderOfflineStore",
    "LarderOfflineStoreConfig",
    "LarderOnlineStore",
    "LarderOnlineStoreConfig",
    "LarderSource",
]
