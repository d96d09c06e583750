"""Feast repositories for the tests: two lines of configuration, and sources in Parquet files."""

import datetime as dt
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.repo_config import RegistryConfig
from feast.types import Float64, Int64

UTC = dt.timezone.utc


def config(folder: Path, offline=None, online=None, **more) -> RepoConfig:
    """A repository in a folder, on Larder unless said otherwise."""
    return RepoConfig(
        project="tests",
        provider="local",
        repo_path=folder,
        registry=RegistryConfig(path=str(folder / "registry.db")),
        offline_store=offline
        or {"type": "pylarder.feast.LarderOfflineStore", "path": "data/larder"},
        online_store=online or {"type": "pylarder.feast.LarderOnlineStore", "path": "data/larder"},
        entity_key_serialization_version=3,
        **more,
    )


def driver() -> Entity:
    return Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)


def stats(path, ttl=dt.timedelta(0), features=None, name="stats", entities=None, **source):
    """A feature view of a Parquet file."""
    source = {"timestamp_field": "event_timestamp", **source}
    return FeatureView(
        name=name,
        entities=[driver()] if entities is None else entities,
        ttl=ttl,
        schema=[
            Field(name=feature, dtype=kind)
            for feature, kind in (features or {"rate": Float64, "trips": Int64}).items()
        ],
        source=FileSource(name=f"{name}_source", path=str(path), **source),
    )


def store(folder: Path, *views, **more) -> FeatureStore:
    """A repository with feature views applied."""
    feast = FeatureStore(config=config(folder, **more))
    entities = {entity.name: entity for entity in [driver()]}
    feast.apply([*entities.values(), *views])
    return feast


def write(path: Path, columns: dict, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path, index=False, **options)
    return path


def at(seconds: float) -> pd.Timestamp:
    return pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(seconds=seconds)
