"""Values of nested types as bytes: what the engine does not look into, it keeps."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

_T = pa.types

# The engine's type of such a feature.
NESTED = "opaque(feast.json)"


def can_nest(kind: pa.DataType) -> bool:
    """Whether every value of a nested type has a form in JSON that loses nothing."""
    if _T.is_struct(kind):
        return all(_can_hold(kind.field(index).type) for index in range(kind.num_fields))
    if _T.is_map(kind):
        return _can_hold(kind.key_type) and _can_hold(kind.item_type)
    if _T.is_list(kind) or _T.is_large_list(kind) or _T.is_fixed_size_list(kind):
        return _can_hold(kind.value_type)
    return False


def _can_hold(kind: pa.DataType) -> bool:
    return (
        can_nest(kind)
        or _T.is_null(kind)
        or _T.is_boolean(kind)
        or _T.is_integer(kind)
        or _T.is_floating(kind)
        or _T.is_string(kind)
        or _T.is_large_string(kind)
    )


def encode(column: Any) -> pa.Array:
    """A nested column as bytes of JSON."""
    return pa.array(
        [
            None if value is None else json.dumps(value, separators=(",", ":")).encode()
            for value in column.to_pylist()
        ],
        pa.binary(),
    )


def decode(column: Any, kind: pa.DataType) -> Any:
    """A column of `encode` in its own type again."""
    values = [
        None if value is None else _rebuild(json.loads(value), kind) for value in column.to_pylist()
    ]
    array = pa.array(values, kind)
    return pa.chunked_array([array]) if isinstance(column, pa.ChunkedArray) else array


def _rebuild(value: Any, kind: pa.DataType) -> Any:
    """JSON's lists as the pairs of maps."""
    if value is None:
        return None
    if _T.is_struct(kind):
        return {field.name: _rebuild(value.get(field.name), field.type) for field in kind}
    if _T.is_map(kind):
        return [(_rebuild(k, kind.key_type), _rebuild(v, kind.item_type)) for k, v in value]
    if _T.is_list(kind) or _T.is_large_list(kind) or _T.is_fixed_size_list(kind):
        return [_rebuild(element, kind.value_type) for element in value]
    return value
