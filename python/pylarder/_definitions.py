"""Entities, views and services as Python objects; `Store.apply` takes them, JSON, or a path."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._errors import InvalidArgumentError


@dataclass(frozen=True)
class Entity:
    """A kind of thing that features describe.

    Attributes:
        name: the entity's name.
        join_keys: the type of each key column by name: "string", "int32", "int64", "bytes" or
            "timestamp".
    """

    name: str
    join_keys: Mapping[str, str]
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict:
        """The member of "entities"."""
        return _stripped(
            name=self.name,
            joinKeys=[{"name": name, "type": kind} for name, kind in self.join_keys.items()],
            description=self.description,
            tags=dict(self.tags),
        )


@dataclass(frozen=True)
class Field:
    """A feature: "bool", "int32", "int64", "float32", "float64", "string", "bytes",
    "timestamp", "timestamp(ns)", "date", "json", "uuid", "decimal", or "list<...>" of one."""

    name: str
    type: str
    formerly: str | None = None
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict:
        """The member of "features"."""
        return _stripped(
            name=self.name,
            type=self.type,
            formerly=self.formerly,
            description=self.description,
            tags=dict(self.tags),
        )


@dataclass(frozen=True)
class FeatureView:
    """A table of feature history.

    Attributes:
        name: the view's name.
        entities: entities, or names of entities that the store knows.
        features: fields, or a mapping of name to type.
        time_to_live: how old a value may be; None for no limit.
        timestamp: the column of the event time.
        created: the column of the created time, if there is one.
        time_unit: "us" or "ns"; never changes.
        partition: "auto", "hour", "day", "month" or "year".
    """

    name: str
    entities: Sequence[Entity | str]
    features: Sequence[Field] | Mapping[str, str]
    time_to_live: datetime.timedelta | str | None = None
    timestamp: str = "event_timestamp"
    created: str | None = None
    time_unit: str = "us"
    partition: str = "auto"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict:
        """The member of "featureViews"."""
        features = self.features
        if isinstance(features, Mapping):
            features = [Field(name, kind) for name, kind in features.items()]
        return _stripped(
            name=self.name,
            entities=[e if isinstance(e, str) else e.name for e in self.entities],
            timeToLive=duration(self.time_to_live),
            timestamp=self.timestamp,
            created=self.created,
            timeUnit=self.time_unit,
            partition=self.partition,
            features=[feature.to_json() for feature in features],
            description=self.description,
            tags=dict(self.tags),
        )


@dataclass(frozen=True)
class Projection:
    """A view under a name of its own, with other spine columns as its keys."""

    view: str
    alias: str
    join_keys: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict:
        """The member of "projections"."""
        return _stripped(view=self.view, **{"as": self.alias}, joinKeys=dict(self.join_keys))


@dataclass(frozen=True)
class FeatureService:
    """Features that are asked for together."""

    name: str
    features: Sequence[str]
    projections: Sequence[Projection] = ()
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict:
        """The member of "featureServices"."""
        return _stripped(
            name=self.name,
            features=list(self.features),
            projections=[projection.to_json() for projection in self.projections],
            description=self.description,
            tags=dict(self.tags),
        )


Definition = Entity | FeatureView | FeatureService


def definitions_json(given: Any) -> bytes:
    """Definitions of any form as the engine's JSON.

    Args:
        given: a dict, JSON text, the path of a file with it, or one or several of the classes
            above. Entities of views come along.
    """
    if isinstance(given, (bytes, bytearray)):
        return bytes(given)
    if isinstance(given, dict):
        return json.dumps(given).encode()
    if isinstance(given, os.PathLike) or (isinstance(given, str) and "{" not in given):
        with open(given, "rb") as file:
            return file.read()
    if isinstance(given, str):
        return given.encode()
    if isinstance(given, (Entity, FeatureView, FeatureService)):
        given = [given]
    return json.dumps(_collect(given)).encode()


def _collect(given: Iterable[Definition]) -> dict:
    entities: list[Entity] = []
    views: list[FeatureView] = []
    services: list[FeatureService] = []
    for item in given:
        if isinstance(item, Entity):
            entities.append(item)
        elif isinstance(item, FeatureView):
            views.append(item)
            entities += [entity for entity in item.entities if isinstance(entity, Entity)]
        elif isinstance(item, FeatureService):
            services.append(item)
        else:
            raise InvalidArgumentError(
                "Definitions are a dict, a path, or Entity, FeatureView and FeatureService "
                f"objects, not {type(item).__name__}."
            )
    distinct = {entity.name: entity for entity in entities}
    for entity in entities:
        if distinct[entity.name] != entity:
            raise InvalidArgumentError(f'Entity "{entity.name}" is given in two forms.')
    return _stripped(
        entities=[entity.to_json() for entity in distinct.values()],
        featureViews=[view.to_json() for view in views],
        featureServices=[service.to_json() for service in services],
    )


def _stripped(**members: Any) -> dict:
    """The members that say something."""
    empty: tuple = (None, "", {})
    return {name: value for name, value in members.items() if value not in empty}


def duration(given: Any) -> Any:
    """A duration as the engine reads it: whole microseconds; seconds and text as they are."""
    if isinstance(given, datetime.timedelta):
        return f"{given // datetime.timedelta(microseconds=1)}us"
    return given
