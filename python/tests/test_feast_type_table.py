"""Every type of Feast's, with null, empty, extreme and nested null values, on every way.

The source's Arrow value is the oracle: offline it comes back as it is, online as Feast's messages
can have it. What Feast itself makes otherwise on the way, before Larder has it, is listed.
"""

import datetime as dt
import functools
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureView, Field, FileSource
from feast.data_source import PushMode, PushSource
from feast.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    Int32,
    Int64,
    Json,
    Map,
    String,
    UnixTimestamp,
)
from feast_repo import UTC, driver, store

import pylarder

TIME = dt.datetime(2024, 1, 1, tzinfo=UTC)
START, END = dt.datetime(2023, 1, 1, tzinfo=UTC), dt.datetime(2025, 1, 1, tzinfo=UTC)
MICROS = pa.timestamp("us", "UTC")


def moment(year, *rest):
    return dt.datetime(year, *(rest or (1, 1)), tzinfo=UTC)


# A type's name: Feast's type, Arrow's, values that stand for empty ones, and extreme ones.
SCALARS = {
    "bytes": (Bytes, pa.binary(), [b""], [b"\0\xff" * 40_000, b"\xff"]),
    "string": (String, pa.string(), [""], ["é" * 40_000, "\0", "\U0001f600"]),
    "int32": (Int32, pa.int32(), [0], [2**31 - 1, -(2**31)]),
    "int64": (Int64, pa.int64(), [0], [2**63 - 1, -(2**63), 2**53 + 1]),
    "float32": (Float32, pa.float32(), [0.0], [math.inf, -math.inf, 2.0**-149, 2.0**127]),
    "float64": (Float64, pa.float64(), [0.0], [math.inf, -math.inf, 5e-324, 1.7e308]),
    "bool": (Bool, pa.bool_(), [False], [True]),
    "unix_timestamp": (
        UnixTimestamp,
        MICROS,
        [moment(1970)],
        [moment(2200, 2, 3), moment(1969, 12, 31, 23), moment(1700, 1, 1, 5)],
    ),
    "json": (Json, pa.string(), ["{}"], ['{"a": [1, null, {"b": 9007199254740993}]}']),
}
STRUCT = pa.struct([("a", pa.int64()), ("b", pa.string())])


def cases():
    """The types, and for each of them its kind in Feast, in Arrow, and its values."""
    found = {}
    for name, (kind, arrow, empty, extreme) in SCALARS.items():
        found[name] = (kind, arrow, [None, *empty, *extreme])
        if name == "json":
            continue
        lists = [None, [], empty, extreme, [*extreme, *extreme]]
        found[f"list of {name}"] = (Array(kind), pa.list_(arrow), lists)
        holes = [None, [], [extreme[0], None], [None], [None, extreme[0], None]]
        found[f"list of {name} with nulls"] = (Array(kind), pa.list_(arrow), holes)
    maps = [None, {"a": 2**53 + 1, "b": None}, {"a": None, "b": ""}, {"a": 0, "b": "é"}]
    found["map"] = (Map, STRUCT, maps)
    return found


CASES = cases()


def view(path, kind):
    source = FileSource(name="s", path=str(path), timestamp_field="event_timestamp")
    return FeatureView(
        name="v",
        entities=[driver()],
        ttl=dt.timedelta(0),
        schema=[Field(name="x", dtype=kind)],
        source=PushSource(name="ps", batch_source=source),
    )


def repository(tmp_path, kind, arrow, values, engine):
    """A repository of one view, whose row n has the n-th value."""
    table = pa.table(
        {
            "driver_id": pa.array(range(len(values)), pa.int64()),
            "event_timestamp": pa.array([TIME] * len(values), MICROS),
            "x": pa.array(values, arrow),
        }
    )
    path = tmp_path / "s.parquet"
    pq.write_table(table, path)
    more = {"batch_engine": {"type": "pylarder.feast.LarderComputeEngine"}} if engine else {}
    return store(tmp_path, view(path, kind), **more), table


def plain(value):
    """A value that is like another where they are the same; NaN is itself."""
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def served(name, value):
    """What Feast's messages can have of an Arrow value."""
    if value is None:
        return None
    if name == "json":
        return json.loads(value)
    if isinstance(value, list):
        if "float" in name:
            return ["NaN" if element is None else element for element in value]
        return list(value)
    return value


def online(fs, count, first=0):
    rows = [{"driver_id": n} for n in range(first, first + count)]
    return [plain(value) for value in fs.get_online_features(["v:x"], rows).to_dict()["x"]]


def history(fs, keys, days=1):
    times = pa.array([TIME + dt.timedelta(days=days)] * len(keys), MICROS)
    spine = pa.table({"driver_id": pa.array(keys, pa.int64()), "event_timestamp": times})
    return fs.get_historical_features(spine.to_pandas(), ["v:x"]).to_arrow().column("x")


def refuses_nulls(name):
    """Whether Feast's list of a type has no way to hold a null."""
    return "with nulls" in name and "float" not in name and "timestamp" not in name


# Where Feast itself makes other values, or none, of an Arrow value: none of it reaches Larder.
FEASTS = {
    "list of bytes with nulls": "nulls become empty",
    "list of string with nulls": "nulls become empty",
    "list of bool with nulls": "nulls become False",
    "list of int32 with nulls": "refused in numpy's words",
    "list of int64 with nulls": "refused in numpy's words",
    "int64": "a column with nulls passes through floats",
    "map": "whole numbers beside nulls pass through floats",
}

every = functools.partial(pytest.mark.parametrize, "name", list(CASES))


@every()
def test_offline_is_the_source(tmp_path, name):
    kind, arrow, values = CASES[name]
    fs, table = repository(tmp_path, kind, arrow, values, engine=False)
    found = history(fs, list(range(len(values))))
    assert found.type == arrow
    assert found.combine_chunks().equals(table.column("x").combine_chunks())


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("json", "map")])
def test_the_engine_materializes_what_the_source_has(tmp_path, name):
    # What is kept as messages is made by Feast's own engine.
    kind, arrow, values = CASES[name]
    fs, _ = repository(tmp_path, kind, arrow, values, engine=True)
    if refuses_nulls(name):
        with pytest.raises(Exception, match=r'"x" of "v" cannot be materialized: row 2'):
            fs.materialize(START, END)
        return
    fs.materialize(START, END)
    assert online(fs, len(values)) == [plain(served(name, value)) for value in values]


def check(name, work):
    """Whether work comes to what the source has, but where Feast itself makes it otherwise."""
    if name not in FEASTS:
        work()
        return
    with pytest.raises((AssertionError, TypeError, ValueError)):
        work()


@every()
def test_feasts_engine_materializes_what_the_source_has(tmp_path, name):
    kind, arrow, values = CASES[name]
    fs, _ = repository(tmp_path, kind, arrow, values, engine=False)

    def work():
        fs.materialize(START, END)
        assert online(fs, len(values)) == [plain(served(name, value)) for value in values]

    check(name, work)


@every()
def test_pushed_is_what_was_pushed(tmp_path, name):
    kind, arrow, values = CASES[name]
    fs, table = repository(tmp_path, kind, arrow, values, engine=True)
    first = 100
    keys = pa.array(range(first, first + len(values)), pa.int64())
    pushed = table.set_column(0, "driver_id", keys)
    feature_view = fs.get_feature_view("v")
    provider = fs._get_provider()
    provider.offline_store.offline_write_batch(fs.config, feature_view, pushed, None)
    found = history(fs, keys.to_pylist())
    assert found.combine_chunks().equals(table.column("x").combine_chunks())

    def work():
        fs.push("ps", pylarder._job.to_pandas(pushed), to=PushMode.ONLINE)
        found = online(fs, len(values), first)
        assert found == [plain(served(name, value)) for value in values]

    check(name, work)
