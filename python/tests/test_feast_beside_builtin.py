"""The same steps with Larder and with the stores that come with Feast: the same answers.

What differs on purpose is left out here and told in `test_feast_semantics.py`: the order of rows,
rows that Feast's stores drop, values past their time to live.
"""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import (
    BatchFeatureView,
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    PushSource,
    RequestSource,
    ValueType,
)
from feast.data_source import PushMode
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
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
    Struct,
    UnixTimestamp,
)
from feast_repo import UTC, config, driver

STORES = ["larder", "larder-engine", "dask", "duckdb"]
BEGIN = dt.datetime.now(UTC).replace(microsecond=0) - dt.timedelta(hours=10)


def when(minutes: float) -> dt.datetime:
    """A time some minutes after the beginning of the data, ten hours ago."""
    return BEGIN + dt.timedelta(minutes=minutes)


def repository(folder, store: str) -> FeatureStore:
    more: dict = {}
    if store == "larder-engine":
        more["batch_engine"] = {"type": "pylarder.feast.LarderComputeEngine"}
    if not store.startswith("larder"):
        more["offline"] = {"type": store}
        more["online"] = {"type": "sqlite", "path": str(folder / "online.db")}
    return FeatureStore(config=config(folder, **more))


def plain(value):
    """A value as every store's answers have it."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return {name: plain(element) for name, element in sorted(value.items())}
    if isinstance(value, (pd.Timestamp, dt.datetime)):
        time = pd.Timestamp(value)
        return (time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")).isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() else round(value, 5)
    return value


def rows(frame: pd.DataFrame) -> list:
    """A frame's rows, ordered by the column `row` where it has one."""
    frame = frame[sorted(frame.columns)]
    found = [{name: plain(row[name]) for name in frame.columns} for row in frame.to_dict("records")]
    return sorted(found, key=lambda row: row["row"] if "row" in row else repr(row))


def beside(tmp_path, steps, stores=STORES) -> list:
    """Takes the steps with each store, and finds the same answers.

    Args:
        steps: takes a repository and a folder for its files; gives a list of answers.
    """
    answers = {}
    for store in stores:
        folder = tmp_path / store
        folder.mkdir()
        answers[store] = steps(repository(folder, store), folder)
    first = answers[stores[0]]
    for store in stores[1:]:
        assert len(answers[store]) == len(first)
        for number, (mine, theirs) in enumerate(zip(first, answers[store])):
            assert mine == theirs, f"{stores[0]} and {store} at answer {number}"
    return first


def history(**columns) -> pd.DataFrame:
    """Rows of drivers 1 to 3 at three times, the last one created twice."""
    count = 10
    frame = pd.DataFrame(
        {
            "driver_id": [1, 2, 3] * 3 + [1],
            "event_timestamp": [when(10 * (n // 3)) for n in range(9)] + [when(20)],
            "created": [when(10 * (n // 3) + 1) for n in range(9)] + [when(25)],
            "trips": np.arange(count),
            "rate": np.arange(count) / 8,
        }
    )
    for name, values in columns.items():
        frame[name] = values
    return frame


def save(frame: pd.DataFrame, path) -> None:
    # Feast's DuckDB store reads no nanoseconds.
    frame.to_parquet(path, coerce_timestamps="us", allow_truncated_timestamps=True)


def source(path, **more) -> FileSource:
    more = {
        "name": path.stem,
        "timestamp_field": "event_timestamp",
        "created_timestamp_column": "created",
        **more,
    }
    return FileSource(path=str(path), **more)


def view(path, features=None, name="stats", entities=None, ttl=None, **more) -> FeatureView:
    return FeatureView(
        name=name,
        entities=[driver()] if entities is None else entities,
        ttl=ttl or dt.timedelta(0),
        schema=[
            Field(name=feature, dtype=kind)
            for feature, kind in (features or {"trips": Int64, "rate": Float64}).items()
        ],
        source=more.pop("source", None) or source(path, **more),
    )


def spine(keys=(1, 2, 3, 1, 3), minutes=(5, 15, 25, 35, 45), **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"driver_id": list(keys), "event_timestamp": [when(m) for m in minutes]})
    frame["row"] = range(len(frame))
    for name, values in columns.items():
        frame[name] = values
    return frame


def online(fs, features, keys, **more) -> dict:
    answer = fs.get_online_features(features, keys, **more).to_dict()
    return {name: plain(values) for name, values in sorted(answer.items())}


def drivers(*numbers) -> list:
    return [{"driver_id": number} for number in numbers]


def test_services_with_on_demand_views_and_request_data(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        stats = view(path)
        request = RequestSource(name="request", schema=[Field(name="bonus", dtype=Int64)])

        @on_demand_feature_view(
            sources=[stats, request], schema=[Field(name="better", dtype=Float64)]
        )
        def improved(inputs: pd.DataFrame) -> pd.DataFrame:
            return pd.DataFrame({"better": inputs["rate"] + inputs["bonus"]})

        service = FeatureService(name="service", features=[stats[["trips"]], improved])
        fs.apply([driver(), stats, improved, service])
        asked = spine(bonus=[1, 2, 3, 4, 5])
        answers = []
        for full in (False, True):
            job = fs.get_historical_features(asked, service, full_feature_names=full)
            answers.append(rows(job.to_df()))
            answers.append(rows(job.to_arrow().to_pandas()))
        fs.materialize(when(-60), when(60))
        keys = [{"driver_id": n, "bonus": n * 10} for n in (3, 1)]
        for full in (False, True):
            answers.append(online(fs, service, keys, full_feature_names=full))
            answers.append(online(fs, ["improved:better"], keys, full_feature_names=full))
        return answers

    answers = beside(tmp_path, steps)
    assert answers[0][0]["better"] == 1 and answers[4]["trips"] == [8, 9]


def test_entity_times_in_every_zone(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        fs.apply([driver(), view(path)])
        answers = []
        for zone in ("UTC", "Asia/Kolkata", None):
            asked = spine()
            times = asked["event_timestamp"].dt.tz_convert(zone or "UTC")
            asked["event_timestamp"] = times if zone else times.dt.tz_localize(None)
            answers.append(rows(fs.get_historical_features(asked, ["stats:trips"]).to_df()))
        asked = spine().rename(columns={"event_timestamp": "label_time"})
        answers.append(rows(fs.get_historical_features(asked, ["stats:trips"]).to_df()))
        return answers

    answers = beside(tmp_path, steps)
    assert [row["trips"] for row in answers[0]] == [0, 4, 8, 9, 8]
    assert answers[0] == answers[1] == answers[2]


TYPES = {
    "flag": (Bool, [True, False, None] * 3 + [True]),
    "city": (String, ["a", "", None, "é"] * 2 + ["x", "y"]),
    "raw": (Bytes, [b"\0", b"", None, b"x"] * 2 + [b"y", b"z"]),
    "small": (Int32, list(range(10))),
    "single": (Float32, [n / 4 for n in range(10)]),
    "seen": (UnixTimestamp, [pd.Timestamp(when(n)) for n in range(10)]),
    "numbers": (Array(Int64), [[n, n + 1] for n in range(10)]),
    "words": (Array(String), [["a", ""], ["é"]] * 5),
    "points": (Array(Float32), [[0.5, 0.25], [1.5]] * 5),
    "times": (Array(UnixTimestamp), [[pd.Timestamp(when(n))] for n in range(10)]),
}


def test_features_of_every_plain_type(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        frame = history(**{name: values for name, (_, values) in TYPES.items()})
        frame["single"] = frame["single"].astype("float32")
        frame["small"] = frame["small"].astype("int32")
        save(frame, path)
        fs.apply([driver(), view(path, {name: kind for name, (kind, _) in TYPES.items()})])
        names = [f"stats:{name}" for name in TYPES]
        asked = spine()
        answers = [rows(fs.get_historical_features(asked, names).to_df())]
        fs.materialize(when(-60), when(60))
        answers.append(online(fs, names, drivers(1, 2, 3, 9)))
        return answers

    # Feast's DuckDB store reads no times inside lists.
    beside(tmp_path, steps, ["larder", "larder-engine", "dask"])


def test_nested_features(tmp_path):
    kinds = {
        "about": (Map, [{"k": str(n)} for n in range(10)]),
        "profile": (
            Struct({"name": String, "age": String}),
            [{"name": "é", "age": str(n)} for n in range(10)],
        ),
        "document": (Json, [f'{{"n": {n}}}' for n in range(10)]),
    }

    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(**{name: values for name, (_, values) in kinds.items()}), path)
        fs.apply([driver(), view(path, {name: kind for name, (kind, _) in kinds.items()})])
        names = [f"stats:{name}" for name in kinds]
        answers = [rows(fs.get_historical_features(spine(), names).to_df())]
        fs.materialize(when(-60), when(60))
        answers.append(online(fs, names, drivers(1, 2, 3, 9)))
        return answers

    beside(tmp_path, steps, ["larder", "larder-engine", "dask"])


def test_names_that_engines_stumble_over(tmp_path):
    kinds = {
        "event_ts": Int64,
        "created_ts": Float64,
        "conv rate": Float64,
        "é-100%": Int64,
        "a:b": Int64,
        "feast.x": Int64,
        "__hidden": Int64,
        "select": String,
        "x" * 230: Int64,
    }

    def steps(fs, folder):
        path = folder / "stats v1.parquet"
        more = {
            name: [f"s{n}" for n in range(10)] if kind == String else range(10)
            for name, kind in kinds.items()
        }
        save(history(**more), path)
        name = "driver-stats v1.0"
        fs.apply([driver(), view(path, kinds, name=name)])
        features = [feature for feature in kinds if ":" not in feature]
        asked = [f"{name}:{feature}" for feature in features]
        answers = [rows(fs.get_historical_features(spine(), asked).to_df())]
        fs.materialize(when(-60), when(60))
        answers.append(online(fs, asked, drivers(3, 1, 9)))
        return answers

    beside(tmp_path, steps)


def test_incremental_materialization_twice_and_once_more_after_new_rows(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        frame = history()
        save(frame[:6], path)
        fs.apply([driver(), view(path, ttl=dt.timedelta(days=2))])
        answers = []
        for end in (15, 15, 16):
            fs.materialize_incremental(when(end))
            answers.append(online(fs, ["stats:trips", "stats:rate"], drivers(1, 2, 3)))
        save(frame, path)
        fs.materialize_incremental(when(60))
        answers.append(online(fs, ["stats:trips", "stats:rate"], drivers(1, 2, 3)))
        return answers

    answers = beside(tmp_path, steps)
    assert [answer["trips"] for answer in answers] == [[3, 4, 5]] * 3 + [[9, 7, 8]]


def test_definitions_that_change(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(more=[n * 100 for n in range(10)]), path)
        fs.apply([driver(), view(path, {"trips": Int64})])
        fs.materialize(when(-60), when(60))
        answers = [online(fs, ["stats:trips"], drivers(1, 2))]
        # A feature more: null online until it is written.
        fs.apply([view(path, {"trips": Int64, "more": Int64})])
        answers.append(online(fs, ["stats:trips", "stats:more"], drivers(1, 2)))
        fs.materialize(when(-60), when(60))
        answers.append(online(fs, ["stats:trips", "stats:more"], drivers(1, 2)))
        # One less, and another time to live.
        fs.apply([view(path, {"more": Int64}, ttl=dt.timedelta(days=30))])
        answers.append(online(fs, ["stats:more"], drivers(1, 2)))
        answers.append(rows(fs.get_historical_features(spine(), ["stats:more"]).to_df()))
        # Gone, and there again.
        fs.apply([], objects_to_delete=[fs.get_feature_view("stats")], partial=False)
        fs.apply([driver(), view(path, {"trips": Int64})])
        answers.append(online(fs, ["stats:trips"], drivers(1, 2)))
        fs.materialize(when(-60), when(60))
        answers.append(online(fs, ["stats:trips"], drivers(1, 2)))
        return answers

    answers = beside(tmp_path, steps)
    assert answers[1]["trips"] == [9, 7] and answers[1]["more"] == [None, None]
    assert answers[-2]["trips"] == [None, None] and answers[-1]["trips"] == [9, 7]


def test_teardown_and_all_over_again(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        answers = []
        for _ in range(2):
            fs.apply([driver(), view(path)])
            fs.materialize(when(-60), when(60))
            answers.append(online(fs, ["stats:trips"], drivers(1, 2)))
            answers.append(rows(fs.get_historical_features(spine(), ["stats:trips"]).to_df()))
            fs.teardown()
        return answers

    beside(tmp_path, steps)


def test_writes_and_pushes(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        batch = source(path)
        stats = view(path, source=PushSource(name="pushed", batch_source=batch))
        fs.apply([driver(), stats])
        answers = [online(fs, ["stats:trips"], drivers(1, 7))]
        new = history()[:2].assign(
            driver_id=[7, 1], trips=[70, 71], event_timestamp=when(100), created=when(101)
        )
        fs.push("pushed", new, to=PushMode.ONLINE)
        answers.append(online(fs, ["stats:trips", "stats:rate"], drivers(1, 7, 9)))
        answers.append(rows(fs.get_historical_features(spine(), ["stats:trips"]).to_df()))
        fs.push("pushed", new.assign(trips=[72, 73]), to=PushMode.OFFLINE)
        late = spine(keys=(7, 1, 2), minutes=(120, 120, 120))
        answers.append(rows(fs.get_historical_features(late, ["stats:trips"]).to_df()))
        answers.append(online(fs, ["stats:trips"], drivers(1, 7)))
        fs.push("pushed", new.assign(event_timestamp=when(110)), to=PushMode.ONLINE_AND_OFFLINE)
        answers.append(rows(fs.get_historical_features(late, ["stats:trips"]).to_df()))
        fs.write_to_online_store("stats", new.assign(trips=[80, 81], event_timestamp=when(130)))
        answers.append(online(fs, ["stats:trips"], drivers(1, 7), full_feature_names=True))
        fs.write_to_offline_store("stats", new.assign(trips=[90, 91], event_timestamp=when(140)))
        late = spine(keys=(7, 1), minutes=(150, 150))
        answers.append(rows(fs.get_historical_features(late, ["stats:trips"]).to_df()))
        return answers

    answers = beside(tmp_path, steps)
    assert answers[1]["trips"] == [71, 70, None]


def test_saved_answers(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        fs.apply([driver(), view(path)])
        # Columns beside the keys, of types that are no keys, with nulls.
        asked = spine(
            label=[0.5, None, 1.5, 2.5, 3.5],
            note=["a", None, "c", "d", "e"],
            right=[True, False, True, False, True],
        )
        answers = []
        for full, name in [(False, "plain.parquet"), (True, "folder")]:
            job = fs.get_historical_features(
                asked, ["stats:trips", "stats:rate"], full_feature_names=full
            )
            storage = SavedDatasetFileStorage(path=str(folder / name))
            saved = fs.create_saved_dataset(from_=job, name=name.split(".")[0], storage=storage)
            answers.append(rows(saved.to_df()))
            again = fs.get_saved_dataset(name.split(".")[0])
            answers.append(rows(again.to_df()))
        return answers

    answers = beside(tmp_path, steps, ["larder", "dask"])
    assert len(answers[0]) == len(answers[2]) == 5


def test_views_of_several_keys_and_of_none(tmp_path):
    def steps(fs, folder):
        customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
        pairs, world = folder / "pairs.parquet", folder / "world.parquet"
        frame = history(customer_id=["a", "b"] * 5)
        save(frame, pairs)
        save(frame[["event_timestamp", "created", "trips"]].iloc[[0, 3, 6]], world)
        both = view(pairs, {"rate": Float64}, name="pairs", entities=[driver(), customer])
        everywhere = view(world, {"trips": Int64}, name="world", entities=[])
        fs.apply([driver(), customer, both, everywhere])
        asked = spine(customer_id=["a", "b", "a", "b", "a"])
        asked = asked[["customer_id", "row", "event_timestamp", "driver_id"]]
        names = ["pairs:rate", "world:trips"]
        answers = [rows(fs.get_historical_features(asked, names).to_df())]
        fs.materialize(when(-60), when(60))
        keys = [{"customer_id": c, "driver_id": d} for c, d in [("b", 1), ("a", 1), ("z", 1)]]
        answers.append(online(fs, names, keys))
        answers.append(online(fs, names, {"driver_id": [3, 2], "customer_id": ["a", "a"]}))
        answers.append(online(fs, ["world:trips"], [{"driver_id": 5}]))
        return answers

    # Feast's DuckDB store does not materialize views without entities.
    beside(tmp_path, steps, ["larder", "larder-engine", "dask"])


def test_pulls_of_ranges(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        fs.apply([driver(), view(path)])
        offline = fs._get_provider().offline_store
        answers = []
        for begin, end in [(0, 20), (1, 19), (10, 10), (50, 60)]:
            for pull in (
                offline.pull_latest_from_table_or_query,
                offline.pull_all_from_table_or_query,
            ):
                job = pull(
                    config=fs.config,
                    data_source=fs.get_feature_view("stats").batch_source,
                    join_key_columns=["driver_id"],
                    feature_name_columns=["trips", "rate"],
                    timestamp_field="event_timestamp",
                    created_timestamp_column="created",
                    start_date=when(begin),
                    end_date=when(end),
                )
                frame = job.to_df()
                answers.append(rows(frame[["driver_id", "event_timestamp", "trips", "rate"]]))
        return answers

    beside(tmp_path, steps)


def test_keys_whose_type_is_left_to_feast(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        frame = history(code=[f"c{n % 3}" for n in range(10)])
        frame["driver_id"] = frame["driver_id"].astype("int32")
        save(frame, path)
        code = Entity(name="code")
        number = Entity(name="driver", join_keys=["driver_id"])
        fs.apply(
            [
                code,
                number,
                view(path, {"trips": Int64}, name="codes", entities=[code]),
                view(path, {"rate": Float64}, name="numbers", entities=[number]),
            ]
        )
        asked = spine(code=["c0", "c1", "c2", "c9", "c0"])
        names = ["codes:trips", "numbers:rate"]
        answers = [rows(fs.get_historical_features(asked, names).to_df())]
        fs.materialize(when(-60), when(60))
        answers.append(online(fs, names, [{"driver_id": 1, "code": "c2"}]))
        return answers

    beside(tmp_path, steps)


def test_on_demand_views_that_are_written_online(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        stats = view(path)

        @on_demand_feature_view(
            sources=[stats],
            entities=[driver()],
            schema=[Field(name="twice", dtype=Float64)],
            mode="pandas",
            write_to_online_store=True,
        )
        def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
            return pd.DataFrame({"twice": inputs["rate"] * 2})

        fs.apply([driver(), stats, doubled])
        new = history()[:2].assign(event_timestamp=when(100))
        fs.write_to_online_store("stats", new)
        fs.write_to_online_store("doubled", new)
        return [online(fs, ["doubled:twice", "stats:rate"], drivers(1, 2, 3))]

    beside(tmp_path, steps, ["larder", "dask"])


def test_a_range_without_entity_rows(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history()[:3], path)
        fs.apply([driver(), view(path, ttl=dt.timedelta(days=1))])
        job = fs.get_historical_features(
            None, ["stats:trips"], start_date=when(-60), end_date=when(60)
        )
        frame = job.to_df()
        return [rows(frame[["driver_id", "trips"]])]

    beside(tmp_path, steps, ["larder", "dask"])


@pytest.mark.parametrize("kind", ["int64", "large_string", "decimal"])
def test_entity_columns_of_arrow_types(tmp_path, kind):
    """Entity rows from Arrow-backed pandas: the columns beside the keys come back as they were."""

    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        fs.apply([driver(), view(path)])
        types = {
            "int64": pa.int64(),
            "large_string": pa.large_string(),
            "decimal": pa.decimal128(10, 2),
        }
        values = {"int64": [1, None, 3, 4, 5], "decimal": list(map(Decimal, range(5)))}
        column = pa.array(values.get(kind, list("abcde")), types[kind])
        asked = spine()
        asked["extra"] = pd.Series(column, dtype=pd.ArrowDtype(types[kind]))
        frame = fs.get_historical_features(asked, ["stats:trips"]).to_df()
        found = frame.sort_values("row").to_dict("records")
        return [[(plain(row["trips"]), str(plain(row["extra"]))) for row in found]]

    beside(tmp_path, steps, ["larder", "dask"])


def test_batch_views_with_a_transformation(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)

        def twice(frame: pd.DataFrame) -> pd.DataFrame:
            return frame.assign(twice=frame["rate"] * 2)

        transformed = BatchFeatureView(
            name="transformed",
            mode="pandas",
            entities=[driver()],
            schema=[Field(name="twice", dtype=Float64), Field(name="driver_id", dtype=Int64)],
            source=source(path),
            udf=twice,
            udf_string="twice",
            online=True,
            ttl=dt.timedelta(days=2),
        )
        fs.apply([driver(), transformed])
        fs.materialize(when(-60), when(60))
        return [online(fs, ["transformed:twice"], drivers(1, 2, 9))]

    beside(tmp_path, steps, ["larder", "larder-engine", "dask"])


def test_materialization_without_a_range(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        fs.apply([driver(), view(path)])
        fs.materialize(when(-60), when(5), disable_event_timestamp=True)
        return [online(fs, ["stats:trips"], drivers(1, 2, 9))]

    beside(tmp_path, steps, ["larder", "larder-engine", "dask"])


def test_keys_given_in_other_types(tmp_path):
    def steps(fs, folder):
        path = folder / "stats.parquet"
        save(history(), path)
        fs.apply([driver(), view(path)])
        fs.materialize(when(-60), when(60))
        answers = []
        for keys in ([1, 2], ["1", "2"], [1.0, 2.0], np.array([1, 2]), [True, 2]):
            try:
                found = fs.get_online_features(["stats:trips"], {"driver_id": list(keys)})
                answers.append([plain(value) for value in found.to_dict()["trips"]])
            except Exception:
                answers.append("refused")
        return answers

    beside(tmp_path, steps, ["larder", "dask"])
