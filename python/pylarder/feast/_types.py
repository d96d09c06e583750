"""Types of Arrow, Feast and Larder, and the values between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from feast.protos.feast.types import Value_pb2
from feast.value_type import ValueType

from .. import InvalidInputError
from ._nested import NESTED, can_nest, decode

Value = Value_pb2.Value

_T = pa.types


def key_kind(kind: pa.DataType) -> str | None:
    """The type of join keys that hold a column's values; None if none do."""
    if _T.is_dictionary(kind):
        return key_kind(kind.value_type)
    if _T.is_integer(kind) or _T.is_floating(kind) or _T.is_decimal(kind):
        return "int64"
    if _T.is_string(kind) or _T.is_large_string(kind) or _T.is_string_view(kind):
        return "string"
    if _T.is_binary(kind) or _T.is_large_binary(kind) or _T.is_binary_view(kind):
        return "bytes"
    if _T.is_timestamp(kind) or _T.is_date(kind):
        return "timestamp"
    return None


def key_name(name: str, kind: str) -> str:
    """The native join key for a key of Feast's.

    A join key has one type in a whole store; in Feast, views may differ. With its type in the name
    each is a key of its own.
    """
    return f"key.{name}.{kind}"


def feature_kind(kind: pa.DataType, in_list: bool = False) -> str | None:
    """The type of features that hold a column's values; None if none do."""
    if _T.is_dictionary(kind):
        return feature_kind(kind.value_type, in_list)
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.json":
            return "json"
        if kind.extension_name == "arrow.uuid":
            return "uuid"
        return feature_kind(kind.storage_type, in_list)
    scalars: list[tuple[Callable[[Any], bool], str]] = [
        (_T.is_null, "string"),
        (_T.is_boolean, "bool"),
        (_T.is_int64, "int64"),
        (_T.is_uint64, "int64"),
        (_T.is_uint32, "int64"),
        (_T.is_integer, "int32"),
        (_T.is_float64, "float64"),
        (_T.is_floating, "float32"),
        (_T.is_string, "string"),
        (_T.is_large_string, "string"),
        (_T.is_string_view, "string"),
        (_T.is_binary, "bytes"),
        (_T.is_large_binary, "bytes"),
        (_T.is_binary_view, "bytes"),
        (_T.is_fixed_size_binary, "bytes"),
        (_T.is_date32, "date"),
        (_T.is_date64, "timestamp"),
        (_T.is_time, "int64"),
        (_T.is_duration, "int64"),
    ]
    for test, name in scalars:
        if test(kind):
            return name
    if _T.is_decimal(kind):
        return "decimal" if kind.scale >= 0 else None
    if _T.is_timestamp(kind):
        return "timestamp(ns)" if kind.unit == "ns" else "timestamp"
    if not in_list and (_T.is_list(kind) or _T.is_large_list(kind) or _T.is_fixed_size_list(kind)):
        element = feature_kind(kind.value_type, in_list=True)
        if element:
            return f"list<{element}>"
    return NESTED if not in_list and can_nest(kind) else None


def as_source(column: Any, kind: pa.DataType) -> Any:
    """A column of the engine's in the type that its source has."""
    if column.type == kind or _T.is_null(kind):
        return column
    if _T.is_nested(kind) and not _T.is_nested(column.type):
        return decode(column, kind)
    if _T.is_date64(kind):
        return column.cast(pa.timestamp("ms", column.type.tz)).cast(pa.timestamp("ms")).cast(kind)
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.uuid":
        return column
    return column.cast(kind)


# Online: what Feast's types become.

ENTITY_KINDS: dict[ValueType, str] = {
    ValueType.STRING: "string",
    ValueType.INT32: "int32",
    ValueType.INT64: "int64",
    ValueType.BYTES: "bytes",
    ValueType.UNIX_TIMESTAMP: "timestamp",
}

# Value type: the engine's type, Arrow's type, the proto's member, the proto's class for lists.
_SCALARS: dict[ValueType, tuple[str, pa.DataType, str]] = {
    ValueType.BYTES: ("bytes", pa.binary(), "bytes_val"),
    ValueType.STRING: ("string", pa.string(), "string_val"),
    ValueType.INT32: ("int32", pa.int32(), "int32_val"),
    ValueType.INT64: ("int64", pa.int64(), "int64_val"),
    ValueType.DOUBLE: ("float64", pa.float64(), "double_val"),
    ValueType.FLOAT: ("float32", pa.float32(), "float_val"),
    ValueType.BOOL: ("bool", pa.bool_(), "bool_val"),
    ValueType.UNIX_TIMESTAMP: ("int64", pa.int64(), "unix_timestamp_val"),
}
_LISTS: dict[ValueType, tuple[ValueType, str, Any]] = {
    ValueType.BYTES_LIST: (ValueType.BYTES, "bytes_list_val", Value_pb2.BytesList),
    ValueType.STRING_LIST: (ValueType.STRING, "string_list_val", Value_pb2.StringList),
    ValueType.INT32_LIST: (ValueType.INT32, "int32_list_val", Value_pb2.Int32List),
    ValueType.INT64_LIST: (ValueType.INT64, "int64_list_val", Value_pb2.Int64List),
    ValueType.DOUBLE_LIST: (ValueType.DOUBLE, "double_list_val", Value_pb2.DoubleList),
    ValueType.FLOAT_LIST: (ValueType.FLOAT, "float_list_val", Value_pb2.FloatList),
    ValueType.BOOL_LIST: (ValueType.BOOL, "bool_list_val", Value_pb2.BoolList),
    ValueType.UNIX_TIMESTAMP_LIST: (
        ValueType.UNIX_TIMESTAMP,
        "unix_timestamp_list_val",
        Value_pb2.Int64List,
    ),
}


class OnlineKind:
    """How values of one of Feast's types are kept online.

    Scalars and lists are columns of their own. Everything else is kept as the bytes of its `Value`
    message: nothing is lost, and nothing is looked into.
    """

    def __init__(self, value_type: ValueType) -> None:
        self.member: str | None = None
        # The field of `Value`; 0 for values that are kept as its bytes.
        self.field = 0
        self.list_class: Any = None
        if value_type in _SCALARS:
            self.name, self.arrow, self.member = _SCALARS[value_type]
        elif value_type in _LISTS:
            element, self.member, self.list_class = _LISTS[value_type]
            self.name = f"list<{_SCALARS[element][0]}>"
            self.arrow = pa.list_(_SCALARS[element][1])
        else:
            self.name = "bytes"
            self.arrow = pa.binary()
        if self.member is not None:
            self.field = Value.DESCRIPTOR.fields_by_name[self.member].number

    def column(self, values: Sequence[Any | None]) -> pa.Array:
        """Values of Feast's messages as a column; None and an empty message are null."""
        member = self.member
        if member is None:
            return pa.array(
                [
                    (
                        None
                        if value is None or value.WhichOneof("val") is None
                        else value.SerializeToString()
                    )
                    for value in values
                ],
                self.arrow,
            )
        found: list[Any] = []
        for value in values:
            which = None if value is None else value.WhichOneof("val")
            if which is None or which == "null_val":
                found.append(None)
            elif self.list_class is not None:
                found.append(list(getattr(value, which).val))
            else:
                found.append(getattr(value, which))
        return pa.array(found, self.arrow)

    def messages(self, column: Any) -> list[Any]:
        """A column's values as Feast's messages; a null is an empty message."""
        member = self.member
        values = column.to_pylist()
        if member is None:
            return [Value() if v is None else Value.FromString(v) for v in values]
        if self.list_class is not None:
            make = self.list_class
            return [Value() if v is None else Value(**{member: make(val=v)}) for v in values]
        return [Value() if v is None else Value(**{member: v}) for v in values]

    def cast(self, column: Any) -> Any:
        """A column of a source in the type that is kept online.

        What a message cannot hold in a list is what Feast makes of it: of a null number NaN, of a
        null time Feast's own mark of one. Other lists with nulls are refused.

        Raises:
            InvalidInputError: with the row; a value cannot be had in this type.
            NotImplementedError: values of this type are kept as messages.
        """
        if self.member is None:
            raise NotImplementedError(f"{column.type} is kept as messages.")
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks) if column.num_chunks else column
        if isinstance(column, pa.ChunkedArray):
            column = pa.array([], column.type)
        if _T.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if self.list_class is None:
            return _whole(column, self.arrow, self.member == "unix_timestamp_val")
        if _T.is_null(column.type):
            return column.cast(self.arrow)
        return self._cast_lists(column)

    def _cast_lists(self, column: Any) -> Any:
        column = column.cast(pa.list_(column.type.value_type))
        # The elements of a slice, and of rows that are null none.
        lengths = pc.fill_null(pc.list_value_length(column), 0)
        offsets = pa.concat_arrays(
            [pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())]
        )
        elements = column.flatten()
        is_time = self.member == "unix_timestamp_list_val"
        elements = _whole(elements, self.arrow.value_type, is_time)
        if elements.null_count:
            if is_time:
                elements = elements.fill_null(_NO_TIME)
            elif _T.is_floating(elements.type):
                elements = elements.fill_null(float("nan"))
            else:
                place = elements.is_null().index(True).as_py()
                row = int(pc.sum(pc.less_equal(offsets, place)).as_py()) - 1
                raise InvalidInputError(
                    f"row {row} has a null in its list, which Feast's {self.member} cannot hold.",
                    row=row,
                )
        mask = column.is_null() if column.null_count else None
        return pa.ListArray.from_arrays(offsets, elements, type=self.arrow, mask=mask)


# What Feast writes for a null time in a list.
_NO_TIME = -(2**63)


def _whole(column: Any, kind: pa.DataType, is_time: bool) -> Any:
    """A flat column in another type, without a value changed: times to the second, rounded down."""
    if is_time and _T.is_timestamp(column.type):
        return floored(column, "s").cast(pa.timestamp("s")).cast(pa.int64())
    if is_time and _T.is_temporal(column.type):
        return column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    if _T.is_floating(column.type) and _T.is_integer(kind):
        # Whole numbers with gaps come as floats from pandas.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column.cast(kind)


_UNITS = {"s": "second", "ms": "millisecond", "us": "microsecond", "ns": "nanosecond"}


def floored(column: Any, unit: str) -> Any:
    """Times in a coarser unit, rounded down, before 1970 too; others as they are."""
    order = list(_UNITS)
    if not _T.is_timestamp(column.type) or order.index(column.type.unit) <= order.index(unit):
        return column
    ticks = column.cast(pa.int64())
    step = 1000 ** (order.index(column.type.unit) - order.index(unit))
    down = pc.divide(ticks, step)
    down = pc.if_else(pc.less(ticks, pc.multiply(down, step)), pc.subtract(down, 1), down)
    return down.cast(pa.timestamp(unit, column.type.tz))
