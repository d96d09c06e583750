"""Values and times that both ways of materializing, and pushes, must bring over whole."""

import datetime as dt
import decimal
import math

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_source import PushMode, PushSource
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp
from feast_repo import UTC, at, driver, stats, store

import pylarder

ENGINE = {"type": "pylarder.feast.LarderComputeEngine"}
ENGINES = pytest.mark.parametrize("engine", [False, True], ids=["feast", "larder"])
START, END = dt.datetime(1, 1, 2, tzinfo=UTC), dt.datetime(9999, 12, 31, tzinfo=UTC)


def made(tmp_path, columns, features, engine, ttl=dt.timedelta(0), **source):
    """A repository whose view "stats" is of a Parquet file with the columns."""
    path = tmp_path / "stats.parquet"
    pq.write_table(pa.table(columns), path)
    more = {"batch_engine": ENGINE} if engine else {}
    return store(tmp_path, stats(path, ttl=ttl, features=features, **source), **more)


def micros(*times):
    return pa.array(times, pa.timestamp("us", "UTC"))


def online(fs, keys, *features):
    rows = [{"driver_id": key} for key in keys]
    answer = fs.get_online_features([f"stats:{name}" for name in features], rows).to_dict()
    return [answer[name] for name in features] if len(features) > 1 else answer[features[0]]


def by_name(response, name):
    """The vector of a feature: Feast does not keep their order."""
    return response.results[list(response.metadata.feature_names.val).index(name)]


def test_deleting_a_view_leaves_the_table_of_another_whose_name_goes_on(tmp_path):
    path = tmp_path / "stats.parquet"
    pq.write_table(pa.table({"driver_id": [1], "event_timestamp": micros(at(0)), "x": [1]}), path)
    views = [stats(path, name=name, features={"x": Int64}) for name in ["fv", "fv.v2"]]
    fs = store(tmp_path, *views)
    fs.materialize(at(-9).to_pydatetime(), at(9).to_pydatetime())
    fs.apply([], objects_to_delete=[fs.get_feature_view("fv")], partial=False)
    assert fs.get_online_features(["fv.v2:x"], [{"driver_id": 1}]).to_dict()["x"] == [1]
    with pylarder.open(tmp_path / "data" / "larder") as larder:
        names = [view["name"] for view in larder.definitions()["featureViews"]]
    assert "online.tests.fv.v2" in names and "online.tests.fv" not in names


@ENGINES
def test_nulls_in_lists_are_never_zero(tmp_path, engine):
    time = dt.datetime(2024, 1, 1, tzinfo=UTC)
    columns = {
        "driver_id": [1, 2, 3, 4],
        "event_timestamp": micros(*[at(0)] * 4),
        "doubles": pa.array([[1.5, None], None, [], [None]], pa.list_(pa.float64())),
        "floats": pa.array([[1.5, None], None, [], [None]], pa.list_(pa.float32())),
        "times": pa.array([[time, None], None, [], [None]], pa.list_(pa.timestamp("us", "UTC"))),
    }
    features = {
        "doubles": Array(Float64),
        "floats": Array(Float32),
        "times": Array(UnixTimestamp),
    }
    fs = made(tmp_path, columns, features, engine)
    fs.materialize(START, END)
    found = online(fs, [1, 2, 3, 4], *features)
    for name, lists in zip(features, found):
        first, missing, empty, only = lists
        assert missing is None or missing == []
        assert empty == [] or empty is None
        nothing = [None] if name == "times" else [pytest.approx(math.nan, nan_ok=True)]
        assert only == nothing
        assert first == [time, None] if name == "times" else first[0] == 1.5 and first[1] != 0


@ENGINES
def test_whole_numbers_in_lists_cannot_be_null_and_that_is_said(tmp_path, engine):
    columns = {
        "driver_id": [1, 2],
        "event_timestamp": micros(at(0), at(0)),
        "n": pa.array([[1], [7, None]], pa.list_(pa.int64())),
    }
    fs = made(tmp_path, columns, {"n": Array(Int64)}, engine)
    if engine:
        with pytest.raises(pylarder.InvalidInputError, match=r'"n" of "stats".*row 1'):
            fs.materialize(START, END)
    else:
        # Feast makes the messages, and says it in its own words.
        with pytest.raises(TypeError, match="numpy"):
            fs.materialize(START, END)
    spine = pd.DataFrame({"driver_id": [1, 2], "event_timestamp": [at(9)] * 2})
    table = fs.get_historical_features(spine, ["stats:n"]).to_arrow()
    assert table.column("n").to_pylist() == [[1], [7, None]]


@ENGINES
def test_a_null_created_time_is_the_least(tmp_path, engine):
    columns = {
        "driver_id": [1, 1, 2],
        "event_timestamp": micros(*[at(0)] * 3),
        "created": micros(at(-5), None, None),
        "x": [1, 2, 3],
    }
    path = tmp_path / "stats.parquet"
    pq.write_table(pa.table(columns), path)
    source = FileSource(
        name="s",
        path=str(path),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    view = FeatureView(
        name="stats",
        entities=[driver()],
        ttl=dt.timedelta(0),
        schema=[Field(name="x", dtype=Int64)],
        source=PushSource(name="ps", batch_source=source),
    )
    more = {"batch_engine": ENGINE} if engine else {}
    fs = store(tmp_path, view, **more)
    fs.materialize(START, END)
    assert online(fs, [1, 2], "x") == [1, 3]
    pushed = {"driver_id": [1, 2], "event_timestamp": [at(0), at(1)], "created": [pd.NaT] * 2}
    fs.push("ps", pd.DataFrame({**pushed, "x": [8, 9]}), to=PushMode.ONLINE)
    assert online(fs, [1, 2], "x") == [1, 9]


@ENGINES
@pytest.mark.parametrize("year", [9999, 2263, 1600, 1])
def test_event_times_beyond_nanoseconds_are_served(tmp_path, engine, year):
    far = dt.datetime(year, 12, 30, 1, 2, 3, 456789, tzinfo=UTC)
    columns = {"driver_id": [1, 2], "event_timestamp": micros(far, at(0)), "x": [1, 3]}
    fs = made(tmp_path, columns, {"x": Int64}, engine)
    fs.materialize(START, END)
    assert online(fs, [1, 2], "x") == [1, 3]
    view = fs.get_feature_view("stats")
    provider = fs._get_provider()
    from test_feast_online import key

    assert provider.online_store.online_read(fs.config, view, [key(1)])[0][0] == far


def test_times_before_1970_are_not_rounded_up(tmp_path):
    early = dt.datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)
    columns = {
        "driver_id": [1, 2],
        "event_timestamp": micros(at(0), at(0)),
        "t": micros(early, dt.datetime(1970, 1, 1, 0, 0, 1, 900_000, tzinfo=UTC)),
        "ts": pa.array([[early], [None]], pa.list_(pa.timestamp("us", "UTC"))),
    }
    features = {"t": UnixTimestamp, "ts": Array(UnixTimestamp)}
    fs = made(tmp_path, columns, features, engine=True)
    fs.materialize(START, END)
    rows = [{"driver_id": 1}, {"driver_id": 2}]
    found = fs.get_online_features(["stats:t", "stats:ts"], rows).proto
    values = [[by_name(found, name).values[row] for row in range(2)] for name in features]
    assert [value.unix_timestamp_val for value in values[0]] == [-2, 1]
    assert list(values[1][0].unix_timestamp_list_val.val) == [-2]


@ENGINES
def test_decimals_are_keys(tmp_path, engine):
    key = pa.array([decimal.Decimal(1), decimal.Decimal(2), None], pa.decimal128(38, 0))
    columns = {"driver_id": key, "event_timestamp": micros(*[at(0)] * 3), "x": [5, 6, 7]}
    fs = made(tmp_path, columns, {"x": Int64}, engine)
    for spine_key in [[1, 2], [decimal.Decimal(1), decimal.Decimal(2)]]:
        spine = pd.DataFrame({"driver_id": spine_key, "event_timestamp": [at(9)] * 2})
        table = fs.get_historical_features(spine, ["stats:x"]).to_arrow()
        assert table.column("x").to_pylist() == [5, 6]
        assert table.column("driver_id").to_pylist() == spine_key
    fs.materialize(START, END)
    assert online(fs, [1, 2], "x") == [5, 6]


def test_dates_are_keys(tmp_path):
    day = Entity(name="day", join_keys=["day"], value_type=ValueType.UNIX_TIMESTAMP)
    days = [dt.date(2024, 1, 1), dt.date(1969, 5, 1)]
    path = tmp_path / "stats.parquet"
    columns = {"day": pa.array(days), "event_timestamp": micros(at(0), at(0)), "x": [5, 6]}
    pq.write_table(pa.table(columns), path)
    fs = store(tmp_path, day, stats(path, features={"x": Int64}, entities=[day]))
    spine = pa.table({"day": pa.array(days[::-1]), "event_timestamp": micros(at(9), at(9))})
    job = fs.get_historical_features(spine.to_pandas(), ["stats:x"])
    assert job.to_arrow().column("x").to_pylist() == [6, 5]


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()])
def test_empty_and_all_null_entity_rows(tmp_path, kind):
    keys = pa.array(["1"], pa.string()).cast(kind)
    columns = {"driver_id": keys, "event_timestamp": micros(at(0)), "x": [1]}
    path = tmp_path / "stats.parquet"
    pq.write_table(pa.table(columns), path)
    value_type = ValueType.INT64 if kind == pa.int64() else ValueType.STRING
    entity = Entity(name="driver", join_keys=["driver_id"], value_type=value_type)
    fs = store(tmp_path, stats(path, features={"x": Int64}, entities=[entity]))
    nothing = pd.DataFrame({"driver_id": [None, None], "event_timestamp": [at(9)] * 2})
    frame = fs.get_historical_features(nothing, ["stats:x"]).to_df()
    assert frame["x"].isna().all() and len(frame) == 2
    empty = pd.DataFrame(columns=["driver_id", "event_timestamp"])
    frame = fs.get_historical_features(empty, ["stats:x"]).to_df()
    assert len(frame) == 0 and list(frame.columns) == ["driver_id", "event_timestamp", "x"]


def test_entity_rows_of_arrow_types_come_back_as_others_do(tmp_path):
    columns = {"driver_id": [1], "event_timestamp": micros(at(0)), "x": [1]}
    fs = made(tmp_path, columns, {"x": Int64}, engine=False)
    naive = pd.DataFrame({"driver_id": [1], "event_timestamp": [at(9).tz_localize(None)]})
    arrow = naive.convert_dtypes(dtype_backend="pyarrow")
    found = [fs.get_historical_features(f, ["stats:x"]).to_df() for f in (naive, arrow)]
    pd.testing.assert_frame_equal(*found)


def test_columns_of_mixed_objects_that_are_no_key_pass_by(tmp_path):
    columns = {"driver_id": [1], "event_timestamp": micros(at(0)), "x": [1]}
    fs = made(tmp_path, columns, {"x": Int64}, engine=False)
    spine = {"driver_id": [1, 1], "event_timestamp": [at(9)] * 2}
    for more, name in [({"o": [1, "a"]}, "o"), ({"driver_id": [1, "a"]}, "driver_id")]:
        frame = pd.DataFrame({**spine, **more})
        with pytest.raises(pylarder.InvalidInputError, match=f'"{name}"'):
            fs.get_historical_features(frame, ["stats:x"]).to_df()
    twice = pd.DataFrame([[1, at(9), 1, 2]], columns=["driver_id", "event_timestamp", "q", "q"])
    with pytest.raises(pylarder.InvalidInputError, match='"q"'):
        fs.get_historical_features(twice, ["stats:x"]).to_df()


def test_whole_floats_are_whole_numbers_online(tmp_path):
    columns = {
        "driver_id": [1, 2],
        "event_timestamp": micros(at(0), at(0)),
        "x": pa.array([1.0, math.nan]),
    }
    fs = made(tmp_path, columns, {"x": Int64}, engine=True)
    fs.materialize(START, END)
    assert online(fs, [1, 2], "x") == [1, None]


def test_what_is_past_its_time_to_live_is_told_from_what_is_not_there(tmp_path, caplog):
    time = pd.Timestamp.now("UTC").floor("us") - pd.Timedelta(days=2)
    columns = {"driver_id": [1], "event_timestamp": micros(time), "x": [1], "y": [2]}
    features = {"x": Int64, "y": Int64}
    fs = made(tmp_path, columns, features, engine=True, ttl=dt.timedelta(days=1))
    fs.materialize(START, END)
    rows = [{"driver_id": 1}, {"driver_id": 9}]
    found = fs.get_online_features(["stats:x", "stats:y"], rows).proto
    for vector in [by_name(found, name) for name in features]:
        assert list(vector.statuses) == [4, 3]
        assert vector.event_timestamps[0].ToNanoseconds() == time.value
        assert vector.values[0].WhichOneof("val") is None
    assert not caplog.text
    for _ in range(2):
        fs.get_online_features(["stats:x"], rows[:1])
    lines = [r.getMessage() for r in caplog.records if "serve_expired" in r.getMessage()]
    assert len(lines) == 1 and '"stats": all of the 1 entities' in lines[0]


def test_each_store_tells_what_is_past_its_time_to_live(tmp_path, caplog):
    time = pd.Timestamp.now("UTC").floor("us") - pd.Timedelta(days=2)
    columns = {"driver_id": [1], "event_timestamp": micros(time), "x": [1]}
    for name in ["a", "b"]:
        (tmp_path / name).mkdir()
        ttl = dt.timedelta(days=1)
        fs = made(tmp_path / name, columns, {"x": Int64}, engine=True, ttl=ttl)
        fs.materialize(START, END)
        fs.get_online_features(["stats:x"], [{"driver_id": 1}])
    lines = [r.getMessage() for r in caplog.records if "serve_expired" in r.getMessage()]
    assert len(lines) == 2


def test_an_older_push_says_so(tmp_path, caplog):
    path = tmp_path / "stats.parquet"
    columns = {"driver_id": [1], "event_timestamp": micros(at(50)), "x": [1]}
    pq.write_table(pa.table(columns), path)
    source = FileSource(name="s", path=str(path), timestamp_field="event_timestamp")
    view = FeatureView(
        name="stats",
        entities=[driver()],
        ttl=dt.timedelta(0),
        schema=[Field(name="x", dtype=Int64)],
        source=PushSource(name="ps", batch_source=source),
    )
    fs = store(tmp_path, view)
    fs.materialize(START, END)
    for time in [50, 60]:
        row = {"driver_id": [1], "event_timestamp": [at(time)], "x": [2]}
        fs.push("ps", pd.DataFrame(row), to=PushMode.ONLINE)
    assert "older" not in caplog.text
    row = {"driver_id": [1, 2], "event_timestamp": [at(59), at(0)], "x": [3, 4]}
    fs.push("ps", pd.DataFrame(row), to=PushMode.ONLINE)
    assert '"stats": 1 of 2 rows are older than what is stored online' in caplog.text
    assert online(fs, [1, 2], "x") == [2, 4]


def test_contributed_sources_are_refused_by_name(tmp_path):
    from feast.infra.offline_stores.bigquery_source import BigQuerySource

    source = BigQuerySource(name="bq", table="a.b", timestamp_field="event_timestamp")
    view = FeatureView(
        name="stats",
        entities=[driver()],
        schema=[Field(name="x", dtype=String)],
        source=source,
    )
    from feast_repo import config

    from pylarder.feast._views import native_view

    with pytest.raises(pylarder.UnsupportedError, match="BigQuerySource"):
        native_view(config(tmp_path), view.batch_source, ["driver_id"])


def test_the_longest_ttl_never_ends(tmp_path):
    columns = {"driver_id": [1], "event_timestamp": micros(dt.datetime(1, 1, 3, tzinfo=UTC))}
    features = {"x": Int64}
    fs = made(tmp_path, {**columns, "x": [1]}, features, engine=True, ttl=dt.timedelta.max)
    fs.materialize(START, END)
    assert online(fs, [1], "x") == [1]
