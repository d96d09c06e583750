"""A Feast source that is a view of a Larder store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from feast import ValueType, type_map
from feast.data_source import DataSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.repo_config import RepoConfig

from .. import NotFoundError
from ._stores import store_at


class LarderSource(DataSource):
    """Names a native view, whose rows are written with `pylarder` or the command `larder`.

    Args:
        view: the view's name.
        path: the store's directory; None for the one of the offline store.
        name: the source's name; the view's if none is given.
    """

    def __init__(
        self,
        *,
        view: str,
        path: str | None = None,
        name: str | None = None,
        timestamp_field: str | None = "event_timestamp",
        created_timestamp_column: str | None = "",
        field_mapping: dict[str, str] | None = None,
        description: str | None = "",
        tags: dict[str, str] | None = None,
        owner: str | None = "",
    ) -> None:
        super().__init__(
            name=name or view,
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            field_mapping=field_mapping,
            description=description,
            tags=tags,
            owner=owner,
        )
        self.view = view
        self.path = path

    def __hash__(self) -> int:
        return super().__hash__()

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, LarderSource)
            and super().__eq__(other)
            and (self.view, self.path) == (other.view, other.path)
        )

    def source_type(self) -> DataSourceProto.SourceType.ValueType:
        return DataSourceProto.CUSTOM_SOURCE

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> LarderSource:
        options = json.loads(data_source.custom_options.configuration)
        return LarderSource(
            view=options["view"],
            path=options.get("path"),
            name=data_source.name,
            timestamp_field=data_source.timestamp_field,
            created_timestamp_column=data_source.created_timestamp_column,
            field_mapping=dict(data_source.field_mapping),
            description=data_source.description,
            tags=dict(data_source.tags),
            owner=data_source.owner,
        )

    def _to_proto_impl(self) -> DataSourceProto:
        configuration = json.dumps({"view": self.view, "path": self.path}).encode()
        return DataSourceProto(
            name=self.name,
            type=DataSourceProto.CUSTOM_SOURCE,
            data_source_class_type="pylarder.feast.LarderSource",
            field_mapping=self.field_mapping,
            custom_options=DataSourceProto.CustomSourceOptions(configuration=configuration),
            timestamp_field=self.timestamp_field,
            created_timestamp_column=self.created_timestamp_column,
            description=self.description,
            tags=self.tags,
            owner=self.owner,
        )

    def get_table_query_string(self) -> str:
        raise NotImplementedError("A view of a Larder store is no SQL.")

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        return type_map.pa_to_feast_value_type

    def validate(self, config: RepoConfig) -> None:
        self.definition(config)

    def store(self, config: RepoConfig) -> Any:
        """The store that has the view."""
        path = self.path or config.offline_store.path
        return store_at(config.repo_path, path)

    def definition(self, config: RepoConfig) -> dict[str, Any]:
        """The view's definition, with its entities' join keys as "joinKeys".

        Raises:
            NotFoundError: the store has no such view.
        """
        known = self.store(config).definitions()
        keys = {entity["name"]: entity["joinKeys"] for entity in known.get("entities", [])}
        for view in known.get("featureViews", []):
            if view["name"] == self.view:
                return {**view, "joinKeys": [k for e in view["entities"] for k in keys[e]]}
        raise NotFoundError(
            f'The store has no view "{self.view}", which source "{self.name}" names.'
        )

    def get_table_column_names_and_types(self, config: RepoConfig) -> Iterable[tuple[str, str]]:
        view = self.definition(config)
        job = self.store(config).pull_all(self.view, "1970-01-01", "1970-01-01")
        schema = job.to_arrow().schema
        names = [key["name"] for key in view["joinKeys"]] + [view["timestamp"]]
        names += [view["created"]] if "created" in view else []
        names += [feature["name"] for feature in view["features"]]
        return [(name, str(schema.field(name).type)) for name in names]
