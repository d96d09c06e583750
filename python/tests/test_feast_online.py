"""The latest values through Feast's API."""

import asyncio
import datetime as dt
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
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
from feast_repo import UTC, config, driver, stats, store, write

import pylarder
from pylarder.feast import _turns


def key(number: int) -> EntityKey:
    return EntityKey(join_keys=["driver_id"], entity_values=[Value(int64_val=number)])


def now(seconds: float = 0) -> dt.datetime:
    return dt.datetime.now(UTC) + dt.timedelta(seconds=seconds)


@pytest.fixture
def fs(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1], "event_timestamp": [now(-60)], "trips": [1], "rate": [0.5]},
    )
    return store(tmp_path, stats(path, ttl=dt.timedelta(hours=1)))


def online(fs):
    return fs._get_provider().online_store


def put(fs, rows):
    view = fs.get_feature_view("stats")
    online(fs).online_write_batch(fs.config, view, rows, None)


def get(fs, numbers, features=("trips",)):
    view = fs.get_feature_view("stats")
    keys = [key(number) for number in numbers]
    return online(fs).online_read(fs.config, view, keys, list(features) if features else None)


def test_answers_stand_in_the_order_of_the_keys_repeats_and_all(fs):
    put(fs, [(key(n), {"trips": Value(int64_val=n)}, now(), None) for n in (1, 2)])
    answers = get(fs, [2, 9, 1, 2])
    assert [v and v["trips"].int64_val for _, v in answers] == [2, None, 1, 2]
    assert answers[1] == (None, None)
    assert get(fs, []) == []


def test_the_greater_event_time_stays_then_the_greater_created_time_then_the_later_write(fs):
    early, late = now(-30), now(-20)
    put(fs, [(key(1), {"trips": Value(int64_val=1)}, late, None)])
    put(fs, [(key(1), {"trips": Value(int64_val=2)}, early, None)])
    assert get(fs, [1])[0][1]["trips"].int64_val == 1
    put(fs, [(key(1), {"trips": Value(int64_val=3)}, late, now())])
    put(fs, [(key(1), {"trips": Value(int64_val=4)}, late, now(-90))])
    assert get(fs, [1])[0][1]["trips"].int64_val == 3
    created = now(5)
    put(fs, [(key(1), {"trips": Value(int64_val=n)}, late, created) for n in (5, 6)])
    assert get(fs, [1])[0][1]["trips"].int64_val == 6


def test_event_times_are_exact_and_in_utc_wherever_they_are_read(fs, tmp_path):
    time = now(-1).replace(microsecond=123_457)
    put(fs, [(key(1), {"trips": Value(int64_val=1)}, time, None)])
    put(fs, [(key(2), {"trips": Value(int64_val=2)}, time.replace(tzinfo=None), None)])
    assert [t for t, _ in get(fs, [1, 2])] == [time, time]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from feast import FeatureStore; "
        "from feast_repo import config; from test_feast_online import get, key; "
        "from pathlib import Path; "
        "fs = FeatureStore(config=config(Path(sys.argv[2]))); print(get(fs, [1])[0][0].isoformat())"
    )
    for zone in ["America/New_York", "Asia/Tokyo"]:
        done = subprocess.run(
            [sys.executable, "-c", code, os.path.dirname(__file__), str(tmp_path)],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == time.isoformat(), done.stderr


def test_rows_past_the_time_to_live_are_not_given(fs):
    put(fs, [(key(1), {"trips": Value(int64_val=1)}, now(-3601), None)])
    put(fs, [(key(2), {"trips": Value(int64_val=2)}, now(-3500), None)])
    assert [values is None for _, values in get(fs, [1, 2])] == [True, False]
    response = fs.get_online_features(["stats:trips"], [{"driver_id": 1}]).proto
    assert (
        response.results[-1].statuses[0] == 2
        or response.results[-1].values[0].WhichOneof("val") is None
    )


def test_rows_past_the_time_to_live_are_served_where_that_is_asked_for(fs):
    put(fs, [(key(1), {"trips": Value(int64_val=1)}, now(-3601), None)])
    fs.config.online_store.serve_expired = True
    assert get(fs, [1])[0][1]["trips"].int64_val == 1


def test_a_write_of_some_features_keeps_the_others(fs):
    put(fs, [(key(1), {"trips": Value(int64_val=1), "rate": Value(double_val=0.5)}, now(-9), None)])
    put(fs, [(key(1), {"trips": Value(int64_val=2)}, now(-8), None)])
    values = get(fs, [1], None)[0][1]
    assert values["trips"].int64_val == 2 and values["rate"].double_val == 0.5
    assert set(get(fs, [1], ["rate"])[0][1]) == {"rate"}


def test_nulls_are_values(fs):
    put(fs, [(key(1), {"trips": Value()}, now(), None)])
    time, values = get(fs, [1])[0]
    assert time is not None and values["trips"] == Value()


TYPES = {
    "an_int32": (Int32, Value(int32_val=-5)),
    "an_int64": (Int64, Value(int64_val=2**62 + 1)),
    "a_float32": (Float32, Value(float_val=0.1)),
    "a_float64": (Float64, Value(double_val=0.1)),
    "a_string": (String, Value(string_val="é")),
    "some_bytes": (Bytes, Value(bytes_val=b"\0\xff")),
    "a_bool": (Bool, Value(bool_val=False)),
    "a_time": (UnixTimestamp, Value(unix_timestamp_val=-7)),
    "int64s": (Array(Int64), None),
    "strings": (Array(String), None),
    "floats": (Array(Float32), None),
    "bools": (Array(Bool), None),
    "times": (Array(UnixTimestamp), None),
    "a_json": (Json, Value(json_val='{"a": 1}')),
    "a_map": (Map, None),
}


def _list_values():
    values = {name: value for name, (_, value) in TYPES.items() if value is not None}
    values["int64s"] = Value()
    values["int64s"].int64_list_val.val.extend([1, -2, 2**62 + 1])
    values["strings"] = Value()
    values["strings"].string_list_val.val.extend(["a", "", "é"])
    values["floats"] = Value()
    values["floats"].float_list_val.val.extend([0.5, 0.1])
    values["bools"] = Value()
    values["bools"].bool_list_val.val.extend([True, False])
    values["times"] = Value()
    values["times"].unix_timestamp_list_val.val.extend([1, 2])
    values["a_map"] = Value()
    values["a_map"].map_val.val["k"].string_val = "v"
    return values


def test_values_of_every_type_come_back_as_they_were(tmp_path):
    path = write(tmp_path / "all.parquet", {"driver_id": [1], "event_timestamp": [now(-60)]})
    view = stats(path, features={name: kind for name, (kind, _) in TYPES.items()})
    fs = store(tmp_path, view)
    values = _list_values()
    put(fs, [(key(1), values, now(), None)])
    found = get(fs, [1], None)[0][1]
    for name in TYPES:
        assert found[name] == values[name], name


def test_materialization_with_and_without_the_compute_engine_comes_to_the_same(tmp_path):
    count = 3_000
    generator = np.random.default_rng(3)
    columns = {
        "driver_id": generator.integers(0, 500, count),
        "event_timestamp": [now(-float(s)) for s in generator.integers(10, 3000, count)],
        "created": [now(-float(s)) for s in generator.integers(10, 3000, count)],
        "trips": np.arange(count),
        "rate": generator.random(count),
        "city": generator.choice(["a", "b", None], count),
        "seen": [pd.Timestamp(now()).floor("s")] * count,
        "vector": [[float(n), 0.5] for n in range(count)],
    }
    path = write(tmp_path / "stats.parquet", columns)
    features = {
        "trips": Int64,
        "rate": Float64,
        "city": String,
        "seen": UnixTimestamp,
        "vector": Array(Float64),
    }
    found = []
    for name, more in [
        ("local", {}),
        ("larder", {"batch_engine": {"type": "pylarder.feast.LarderComputeEngine"}}),
    ]:
        view = stats(
            path, features=features, created_timestamp_column="created", ttl=dt.timedelta(days=1)
        )
        fs = store(tmp_path / name, view, **more)
        fs.materialize(now(-9999), now())
        rows = [{"driver_id": n} for n in range(510)]
        found.append(fs.get_online_features([f"stats:{f}" for f in features], rows).to_dict())
    assert found[0] == found[1]
    frame = pd.read_parquet(path).sort_values(["event_timestamp", "created"], kind="stable")
    expected = frame.groupby("driver_id")["trips"].last()
    for number, trips in zip(found[0]["driver_id"], found[0]["trips"]):
        assert trips == (int(expected[number]) if number in expected else None)


def test_several_views_are_answered_in_one_request(tmp_path):
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    path = write(
        tmp_path / "a.parquet", {"driver_id": [1], "event_timestamp": [now(-9)], "trips": [1]}
    )
    other = write(
        tmp_path / "b.parquet",
        {"customer_id": ["x", "y"], "event_timestamp": [now(-9)] * 2, "orders": [5, 6]},
    )
    fs = store(
        tmp_path,
        customer,
        stats(path, features={"trips": Int64}),
        stats(other, features={"orders": Int64}, name="orders", entities=[customer]),
    )
    fs.materialize(now(-99), now())
    rows = [{"driver_id": 1, "customer_id": "y"}, {"driver_id": 2, "customer_id": "x"}]
    answer = fs.get_online_features(["stats:trips", "orders:orders"], rows).to_dict()
    assert answer["trips"] == [1, None] and answer["orders"] == [6, 5]


def test_asynchronous_reads_and_writes(fs):
    view = fs.get_feature_view("stats")

    async def work():
        row = (key(1), {"trips": Value(int64_val=3)}, now(), None)
        await online(fs).online_write_batch_async(fs.config, view, [row], None)
        return await online(fs).online_read_async(fs.config, view, [key(1)], ["trips"])

    assert asyncio.run(work())[0][1]["trips"].int64_val == 3


def test_update_and_teardown_are_idempotent(fs):
    put(fs, [(key(1), {"trips": Value(int64_val=1)}, now(), None)])
    view = fs.get_feature_view("stats")
    for _ in range(2):
        online(fs).update(fs.config, [], [view], [], [driver()], partial=True)
    assert get(fs, [1])[0][1] is not None
    for _ in range(2):
        online(fs).teardown(fs.config, [view], [driver()])
    assert get(fs, [1]) == [(None, None)]
    for _ in range(2):
        online(fs).update(fs.config, [view], [], [driver()], [], partial=True)
    # History stays.
    spine = pd.DataFrame({"driver_id": [1], "event_timestamp": [now()]})
    assert fs.get_historical_features(spine, ["stats:trips"]).to_df()["trips"].tolist() == [1]


def test_a_feature_of_another_type_makes_the_table_anew(fs):
    put(fs, [(key(1), {"trips": Value(int64_val=1)}, now(), None)])
    source = fs.get_feature_view("stats").batch_source
    changed = FeatureView(
        name="stats",
        entities=[driver()],
        schema=[Field(name="driver_id", dtype=Int64), Field(name="trips", dtype=String)],
        source=source,
    )
    online(fs).update(fs.config, [], [changed], [], [driver()], partial=True)
    assert online(fs).online_read(fs.config, changed, [key(1)], ["trips"]) == [(None, None)]


def test_keys_that_a_view_is_not_found_by_are_refused(tmp_path):
    path = write(tmp_path / "world.parquet", {"event_timestamp": [now(-9)], "trips": [1]})
    fs = store(tmp_path, stats(path, features={"trips": Int64}, entities=[]))
    # Otherwise the rows of all entities would be one, as with Feast's precomputed vectors.
    with pytest.raises(pylarder.InvalidInputError, match="driver_id"):
        put(fs, [(key(1), {"trips": Value(int64_val=1)}, now(), None)])
    with pytest.raises(pylarder.InvalidInputError, match="driver_id"):
        get(fs, [1])


def _push_in_child(folder, number, outcomes, end):
    fs = FeatureStore(config=config(folder))
    try:
        for turn in range(3):
            put(fs, [(key(number), {"trips": Value(int64_val=number)}, now(turn), None)])
        outcomes.put(None)
    except Exception as error:
        outcomes.put(repr(error))
    # It stays, as a server does, while others write.
    end.wait(90)


def test_several_processes_write_to_one_table(fs, tmp_path):
    put(fs, [(key(0), {"trips": Value(int64_val=0)}, now(), None)])
    context = multiprocessing.get_context("spawn")
    outcomes, end = context.Queue(), context.Event()
    workers = [
        context.Process(target=_push_in_child, args=(tmp_path, number, outcomes, end))
        for number in (1, 2)
    ]
    for worker in workers:
        worker.start()
    assert [outcomes.get(timeout=90) for _ in workers] == [None, None]
    put(fs, [(key(3), {"trips": Value(int64_val=3)}, now(), None)])
    end.set()
    for worker in workers:
        worker.join()
    assert [v["trips"].int64_val for _, v in get(fs, [0, 1, 2, 3])] == [0, 1, 2, 3]


def test_reads_and_writes_go_on_while_turns_end(fs, monkeypatch):
    monkeypatch.setattr(_turns, "_SHORTEST", 0.005)
    ended = []
    original = pylarder.Store.end_writing
    monkeypatch.setattr(
        pylarder.Store, "end_writing", lambda self: (ended.append(1), original(self))
    )
    put(fs, [(key(1), {"trips": Value(int64_val=0)}, now(), None)])
    failures = []

    def read():
        last = 0
        while not done.is_set():
            found = get(fs, [1])[0][1]["trips"].int64_val
            if found < last:
                failures.append((last, found))
            last = found

    done = threading.Event()
    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for turn in range(1, 200):
                put(fs, [(key(1), {"trips": Value(int64_val=turn)}, now(), None)])
        finally:
            done.set()
        for reader in readers:
            reader.result()
    assert not failures
    assert get(fs, [1])[0][1]["trips"].int64_val == 199
    assert len(ended) >= 2


def test_vectors_and_versions_are_refused_by_name(fs):
    with pytest.raises(pylarder.UnsupportedError, match="vectors"):
        online(fs).retrieve_online_documents_v2(fs.config, None, [], [], [0.1], 1)
    with pytest.raises(pylarder.UnsupportedError, match="vectors"):
        online(fs).retrieve_online_documents(fs.config, None, [], [0.1], 1)
    assert online(fs)._is_versioned_read_supported() is False


def test_keys_of_every_type(tmp_path):
    kinds = {
        "s": (ValueType.STRING, "é", {"string_val": "é"}),
        "i": (ValueType.INT32, 7, {"int32_val": 7}),
        "l": (ValueType.INT64, -(2**62), {"int64_val": -(2**62)}),
        "b": (ValueType.BYTES, b"\0\1", {"bytes_val": b"\0\1"}),
        "t": (
            ValueType.UNIX_TIMESTAMP,
            pd.Timestamp("2024-01-01", tz="UTC"),
            {"unix_timestamp_val": 1704067200},
        ),
    }
    for name, (kind, value, _) in kinds.items():
        entity = Entity(name=f"e_{name}", join_keys=[name], value_type=kind)
        path = write(
            tmp_path / f"{name}.parquet",
            {name: [value], "event_timestamp": [now(-60)], "trips": [1]},
        )
        view = FeatureView(
            name=f"v_{name}",
            entities=[entity],
            schema=[Field(name="trips", dtype=Int64)],
            source=FileSource(name=name, path=str(path), timestamp_field="event_timestamp"),
        )
        fs = store(tmp_path / name, entity, view)
        fs.materialize(now(-99), now())
        asked = EntityKey(join_keys=[name], entity_values=[Value(**kinds[name][2])])
        found = online(fs).online_read(fs.config, fs.get_feature_view(f"v_{name}"), [asked], None)
        assert found[0][1]["trips"].int64_val == 1, name
        spine = pd.DataFrame({name: [value], "event_timestamp": [now()]})
        assert fs.get_historical_features(spine, [f"v_{name}:trips"]).to_df()["trips"].tolist() == [
            1
        ]


def test_a_request_is_one_native_call(tmp_path, monkeypatch):
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    early, late = now(-9), now(-5)
    sources = {
        "stats": {"driver_id": [1, 2], "event_timestamp": [early, late], "trips": [1, 2]},
        "orders": {"customer_id": ["x"], "event_timestamp": [early], "trips": [5]},
        "pairs": {
            "driver_id": [1],
            "customer_id": ["x"],
            "event_timestamp": [late],
            "trips": [7],
        },
        "world": {"event_timestamp": [early, late], "trips": [8, 9]},
    }
    entities = {"stats": None, "orders": [customer], "pairs": [driver(), customer], "world": []}
    views = []
    for name, columns in sources.items():
        path = write(tmp_path / f"{name}.parquet", columns)
        views.append(stats(path, features={"trips": Int64}, name=name, entities=entities[name]))
    fs = store(tmp_path, customer, *views)
    calls = []
    original = pylarder.Store.read_online_messages

    def counting(self, query, keys):
        calls.append(keys.num_rows)
        return original(self, query, keys)

    monkeypatch.setattr(pylarder.Store, "read_online_messages", counting)
    rows = [
        {"driver_id": 1, "customer_id": "x"},
        {"driver_id": 2, "customer_id": "y"},
        {"driver_id": 1, "customer_id": "x"},
    ]
    references = [f"{name}:trips" for name in sources]

    def ask():
        answer = fs.get_online_features(references, rows, full_feature_names=True)
        return answer.to_dict(include_event_timestamps=True)

    # Nothing is online yet: nobody is found.
    assert ask()["stats__trips"] == [None] * 3
    fs.materialize(now(-99), now(), feature_views=["stats"])
    assert ask()["stats__trips"] == [1, 2, 1] and ask()["world__trips"] == [None] * 3
    fs.materialize(now(-99), now())
    calls.clear()
    found = ask()
    assert calls == [3]
    assert found["stats__trips"] == [1, 2, 1]
    assert found["orders__trips"] == [5, None, 5]
    assert found["pairs__trips"] == [7, None, 7]
    assert found["world__trips"] == [9, 9, 9]
    times = [pd.Timestamp(t, unit="s") for t in found["stats__trips__ts"]]
    expected = [pd.Timestamp(t).tz_localize(None) for t in (early, late, early)]
    assert all(abs(a - b) < pd.Timedelta(seconds=1) for a, b in zip(times, expected))
    # Asynchronously the same, and for a projection with other keys.
    answer = asyncio.run(
        fs.get_online_features_async(references, rows, full_feature_names=True)
    ).to_dict()
    assert answer["pairs__trips"] == [7, None, 7]
    aliased = fs.get_feature_view("stats").with_name("origin")
    aliased = aliased.with_join_key_map({"driver_id": "origin_id"})[["trips"]]
    from feast import FeatureService

    service = FeatureService(name="aliased", features=[aliased])
    fs.apply(service)
    calls.clear()
    rows = [{"origin_id": 2}, {"origin_id": 9}]
    answer = fs.get_online_features(service, rows, full_feature_names=True).to_dict()
    assert calls == [2]
    assert answer["origin__trips"] == [2, None]


def test_a_request_without_a_join_key_is_refused_as_feast_refuses_it(fs):
    with pytest.raises(KeyError, match="driver_id"):
        fs.get_online_features(["stats:trips"], [{"other": 1}])


@pytest.mark.parametrize("rows", [1, 7])
def test_the_engines_messages_are_those_that_feast_makes(tmp_path, rows):
    path = write(tmp_path / "all.parquet", {"driver_id": [1], "event_timestamp": [now(-60)]})
    view = stats(
        path, features={name: kind for name, (kind, _) in TYPES.items()}, ttl=dt.timedelta(hours=1)
    )
    fs = store(tmp_path, view)
    values = _list_values()
    nothing = {name: Value() for name in values}
    put(
        fs,
        [
            (key(0), values, now(), None),
            (key(1), nothing, now(-1).replace(microsecond=7), None),
            (key(2), values, now(-7200), None),
            (key(4), values, dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), None),
        ],
    )
    references = [f"stats:{name}" for name in TYPES]
    asked = [{"driver_id": n} for n in range(rows)]
    for expired in (False, True):
        fs.config.online_store.serve_expired = expired
        ours = fs.get_online_features(references, asked).proto
        # The same by `online_read` and the messages that Feast makes of it, one by one.
        kind = type(online(fs))
        mine = kind.__dict__["_read_features_per_fv"]
        del kind._read_features_per_fv
        try:
            theirs = fs.get_online_features(references, asked).proto
        finally:
            kind._read_features_per_fv = mine
        if not expired:
            # What is past its time to live, `online_read` has no way to tell from what is missing.
            late = [4 in vector.statuses for vector in ours.results]
            assert sum(late) == (len(TYPES) if rows > 2 else 0)
            for vector in ours.results:
                for place, status in enumerate(vector.statuses):
                    if status == 4:
                        vector.statuses[place] = 3
                        vector.event_timestamps[place].Clear()
        assert ours == theirs
        assert len(ours.results) == len(TYPES) + 1
