"""What the store holds of a source: the view with its rows, and the state of their files."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .. import Store
from ._files import SourceFile

STATE = "feast.sync"


@dataclass(frozen=True)
class Held:
    """A native view with the rows of a source.

    Attributes:
        name: the view's name.
        number: which of the source's views it is: the greatest that is whole counts.
        state: the files whose rows it has, and what else its tag says.
        features: the type of each native feature.
    """

    name: str
    number: int
    state: dict[str, Any]
    features: dict[str, str]

    @property
    def is_whole(self) -> bool:
        """Whether the view was ever filled; one that is being filled is nobody's."""
        return not self.state.get("preparing")

    def is_current(self, files: Sequence[SourceFile]) -> bool:
        """Whether the files are those whose rows are in the view."""
        if self.state.get("appending") or len(self.state["files"]) != len(files):
            return False
        return all(new.is_untouched(old) for new, old in zip(files, self.files))

    @property
    def files(self) -> list[SourceFile]:
        """The files as they were when their rows were taken."""
        return [SourceFile.from_json(file) for file in self.state["files"]]


def held(store: Store, stem: str) -> list[Held]:
    """The views of a source, the oldest first.

    Args:
        stem: the name of the first; later ones have their number behind it.
    """
    found = []
    for view in store.definitions().get("featureViews", []):
        text = view.get("tags", {}).get(STATE)
        rest = view["name"].removeprefix(stem)
        if not text or rest == view["name"] or not (rest == "" or rest[1:].isdigit()):
            continue
        features = {feature["name"]: feature["type"] for feature in view["features"]}
        number = int(rest[1:]) if rest else 1
        found.append(Held(view["name"], number, json.loads(text), features))
    return sorted(found, key=lambda view: view.number)


def encoded(schema: pa.Schema) -> str:
    """A schema as the state keeps it."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def decoded(text: str) -> pa.Schema:
    """The schema of `encoded`."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def schema_of(state: dict[str, Any]) -> pa.Schema:
    """The columns of a view: those of its files, some of them wider."""
    schema = decoded(state["schema"])
    for column in state.get("widened", []):
        index = schema.get_field_index(column)
        if index >= 0 and pa.types.is_float32(schema.field(index).type):
            schema = schema.set(index, schema.field(index).with_type(pa.float64()))
    return schema
