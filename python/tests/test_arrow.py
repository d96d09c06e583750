"""Rows of every Arrow type go in and come out as they were."""

import datetime as dt
import decimal
import random

import pyarrow as pa
import pytest

import pylarder

MAKERS = {
    "bool": (pa.bool_(), lambda r: r.random() < 0.5),
    "int8": (pa.int8(), lambda r: r.randint(-128, 127)),
    "uint8": (pa.uint8(), lambda r: r.randint(0, 255)),
    "int16": (pa.int16(), lambda r: r.randint(-(2**15), 2**15 - 1)),
    "uint16": (pa.uint16(), lambda r: r.randint(0, 2**16 - 1)),
    "int32": (pa.int32(), lambda r: r.randint(-(2**31), 2**31 - 1)),
    "uint32": (pa.uint32(), lambda r: r.randint(0, 2**32 - 1)),
    "int64": (pa.int64(), lambda r: r.randint(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), lambda r: r.randint(0, 2**63 - 1)),
    "float32": (pa.float32(), lambda r: float(r.randint(-9999, 9999)) / 4),
    "float64": (pa.float64(), lambda r: r.uniform(-1e300, 1e300)),
    "string": (pa.string(), lambda r: "é" * r.randint(0, 9)),
    "large_string": (pa.large_string(), lambda r: "y" * r.randint(0, 30)),
    "string_view": (pa.string_view(), lambda r: "z" * r.randint(0, 30)),
    "binary": (pa.binary(), lambda r: r.randbytes(r.randint(0, 9))),
    "large_binary": (pa.large_binary(), lambda r: r.randbytes(r.randint(0, 9))),
    "binary_view": (pa.binary_view(), lambda r: r.randbytes(r.randint(0, 30))),
    "fixed_binary": (pa.binary(3), lambda r: r.randbytes(3)),
    "timestamp_s": (
        pa.timestamp("s"),
        lambda r: dt.datetime(2000, 1, 1) + dt.timedelta(seconds=r.randint(0, 10**9)),
    ),
    "timestamp_ms": (pa.timestamp("ms", "Asia/Tokyo"), lambda r: r.randint(0, 10**12)),
    "timestamp_us": (pa.timestamp("us", "UTC"), lambda r: r.randint(0, 10**15)),
    "timestamp_ns": (pa.timestamp("ns"), lambda r: r.randint(0, 10**18)),
    "date32": (pa.date32(), lambda r: dt.date(2000, 1, 1) + dt.timedelta(days=r.randint(0, 9999))),
    "decimal": (
        pa.decimal128(20, 3),
        lambda r: decimal.Decimal(r.randint(-(10**9), 10**9)).scaleb(-3),
    ),
    "list": (pa.list_(pa.int64()), lambda r: [r.randint(0, 9) for _ in range(r.randint(0, 4))]),
    "large_list": (pa.large_list(pa.string()), lambda r: ["q" * r.randint(0, 3)] * r.randint(0, 3)),
    "fixed_list": (pa.list_(pa.float32(), 3), lambda r: [0.5 * r.randint(0, 9) for _ in range(3)]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), lambda r: r.choice(["u", "v", "w"])),
}

KINDS = {
    "bool": "bool",
    "int8": "int32",
    "uint8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "int32": "int32",
    "uint32": "int64",
    "int64": "int64",
    "uint64": "int64",
    "float32": "float32",
    "float64": "float64",
    "string": "string",
    "large_string": "string",
    "string_view": "string",
    "dictionary": "string",
    "binary": "bytes",
    "large_binary": "bytes",
    "binary_view": "bytes",
    "fixed_binary": "bytes",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_us": "timestamp",
    "timestamp_ns": "timestamp(ns)",
    "date32": "date",
    "decimal": "decimal",
    "list": "list<int64>",
    "large_list": "list<string>",
    "fixed_list": "list<float32>",
}


def column(name: str, rows: int, nulls: float, generator: random.Random) -> pa.Array:
    kind, make = MAKERS[name]
    values = [None if generator.random() < nulls else make(generator) for _ in range(rows)]
    if pa.types.is_timestamp(kind) and name != "timestamp_s":
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values).cast(pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)


@pytest.mark.parametrize("seed", range(6))
def test_random_tables_of_all_types_come_back(tmp_path, seed):
    generator = random.Random(seed)
    entity = pylarder.Entity("e", {"k": "int64"})
    with pylarder.open(tmp_path / "s") as store:
        store.apply(pylarder.FeatureView("v", [entity], {f"f_{n}": k for n, k in KINDS.items()}))
        rows = generator.choice([1, 7, 64, 1000, 3000])
        table = pa.table(
            {
                "k": pa.array(range(rows)),
                "event_timestamp": pa.array([dt.datetime(2024, 1, 1)] * rows),
                **{
                    f"f_{name}": column(name, rows, generator.choice([0, 0.3, 1]), generator)
                    for name in MAKERS
                },
            }
        )
        first = generator.randint(0, rows // 2)
        parts = [table.slice(first, rows // 3), table.slice(first + rows // 3)]
        table = pa.concat_tables(parts)
        store.append("v", table)
        answer = store.pull_all("v").to_arrow().sort_by("k")
        for name in MAKERS:
            given = table.column(f"f_{name}")
            found = answer.column(f"f_{name}")
            assert found.cast(given.type).to_pylist() == given.to_pylist(), (seed, name)


def test_tables_without_rows_and_without_columns(store):
    store.apply(pylarder.FeatureView("plain", [], {"f": "int64"}))
    empty = pa.table(
        {"event_timestamp": pa.array([], pa.timestamp("us")), "f": pa.array([], pa.int64())}
    )
    assert store.append("plain", empty).rows == 0
    store.append("plain", {"event_timestamp": [dt.datetime(2024, 1, 1)], "f": [1]})
    spine = pa.table({"event_timestamp": pa.array([], pa.timestamp("us"))})
    assert store.historical_features(spine, ["plain:f"]).to_arrow().num_rows == 0
    late = pa.table({"event_timestamp": [dt.datetime(2025, 1, 1)] * 2})
    answer = store.historical_features(late, ["plain:f"]).to_arrow()
    assert answer.column("f").to_pylist() == [1, 1]


def test_unsupported_columns_are_refused_by_name_when_written(store):
    entity = pylarder.Entity("e", {"k": "int64"})
    store.apply(pylarder.FeatureView("v", [entity], {"f": "int64"}))
    row = {"k": [1], "event_timestamp": [dt.datetime(2024, 1, 1)]}
    for values, words in [
        (pa.array([{"a": 1}]), "struct"),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), "Maps"),
        (pa.array([[[1]]]), "Lists of lists"),
    ]:
        with pytest.raises(pylarder.UnsupportedError, match=words) as failure:
            store.append("v", {**row, "f": values})
        assert failure.value.column == "f"
