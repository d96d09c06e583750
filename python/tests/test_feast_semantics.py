"""Where Feast's own stores disagree or err, row by row: what Larder does, through Feast's API.

Everything is compared exactly: rows, their order, types, nanoseconds.
"""

import datetime as dt

import feast
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureView, Field, ValueType
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Float64, Int64, String, UnixTimestamp
from feast_repo import at, driver, stats, store, write

import pylarder

NULL = None


def ask(fs, spine, features=("stats:trips",), **options):
    return fs.get_historical_features(pd.DataFrame(spine), list(features), **options)


def trips(fs, keys, times, **options):
    job = ask(fs, {"driver_id": keys, "event_timestamp": times}, **options)
    return job.to_arrow().column("trips").to_pylist()


@pytest.fixture
def simple(tmp_path):
    """Drivers 1 (at 100 and 200) and 2 (at 100), with a time to live of 50 s."""
    path = write(
        tmp_path / "stats.parquet",
        {
            "driver_id": [1, 1, 2],
            "event_timestamp": [at(100), at(200), at(100)],
            "trips": [10, 11, 20],
            "rate": [0.1, 0.2, np.nan],
        },
    )
    return store(tmp_path, stats(path, ttl=dt.timedelta(seconds=50)))


def test_bounds_are_inclusive_to_the_microsecond(simple):
    step = 1e-6
    times = [at(100 - step), at(100), at(150), at(150 + step), at(200 - step), at(200)]
    assert trips(simple, [1] * 6, times) == [NULL, 10, 10, NULL, NULL, 11]


def test_rows_whose_candidates_are_future_or_expired_are_kept(simple):
    assert trips(simple, [1, 1, 1], [at(1), at(120), at(900)]) == [NULL, 10, NULL]


def test_unknown_keys_are_kept_in_their_place(simple):
    assert trips(simple, [99, 1, 98], [at(120)] * 3) == [NULL, 10, NULL]


def test_duplicate_rows_are_all_kept(simple):
    spine = {"driver_id": [1, 1, 1], "event_timestamp": [at(120)] * 3, "label": [7, 8, 7]}
    frame = ask(simple, spine).to_df()
    assert frame["label"].tolist() == [7, 8, 7]
    assert frame["trips"].tolist() == [10, 10, 10]


def test_rows_that_differ_only_in_the_second_views_key_are_all_kept(tmp_path):
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
    first = write(
        tmp_path / "a.parquet",
        {"driver_id": [1], "event_timestamp": [at(0)], "trips": [1]},
    )
    second = write(
        tmp_path / "b.parquet",
        {"customer_id": [5, 6], "event_timestamp": [at(0)] * 2, "orders": [50, 60]},
    )
    views = [
        stats(first, features={"trips": Int64}),
        stats(second, features={"orders": Int64}, name="orders", entities=[customer]),
    ]
    fs = store(tmp_path, customer, *views)
    spine = {"driver_id": [1, 1], "customer_id": [6, 5], "event_timestamp": [at(9)] * 2}
    frame = ask(fs, spine, ["stats:trips", "orders:orders"]).to_df()
    assert frame["orders"].tolist() == [60, 50]
    assert frame["trips"].tolist() == [1, 1]


def test_of_equal_event_times_the_created_last_and_then_the_last_row_wins(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {
            "driver_id": [1, 1, 1, 2, 2, 3, 3],
            "event_timestamp": [at(0)] * 7,
            "created": [at(5), at(9), at(7), at(1), at(1), None, at(-9)],
            "trips": [10, 11, 12, 20, 21, 30, 31],
        },
    )
    view = stats(path, features={"trips": Int64}, created_timestamp_column="created")
    assert trips(store(tmp_path, view), [1, 2, 3], [at(9)] * 3) == [11, 21, 31]


def test_the_latest_rows_null_stays_null(simple):
    job = ask(
        simple, {"driver_id": [2], "event_timestamp": [at(101)]}, ["stats:rate", "stats:trips"]
    )
    table = job.to_arrow()
    assert np.isnan(table.column("rate").to_pylist()[0] or np.nan)
    assert table.column("trips").to_pylist() == [20]


def test_null_keys_match_nothing(tmp_path):
    path = tmp_path / "stats.parquet"
    table = pa.table(
        {
            "driver_id": pa.array([None, 1], pa.int64()),
            "event_timestamp": pa.array([at(0), at(0)]),
            "trips": pa.array([99, 10]),
        }
    )
    pq.write_table(table, path)
    fs = store(tmp_path, stats(path, features={"trips": Int64}))
    spine = pd.DataFrame(
        {"driver_id": pd.array([None, 1], "Int64"), "event_timestamp": [at(9), at(9)]}
    )
    assert ask(fs, spine).to_arrow().column("trips").to_pylist() == [NULL, 10]


def test_null_times_are_kept_and_match_nothing(simple):
    frame = ask(simple, {"driver_id": [1, 1], "event_timestamp": [pd.NaT, at(120)]}).to_df()
    assert frame["trips"].isna().tolist() == [True, False]


def test_times_are_exact_to_the_nanosecond(tmp_path):
    base = at(100)
    one = pd.Timedelta(1, "ns")
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1, 1], "event_timestamp": [base, base + one], "trips": [10, 11]},
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64}))
    job = ask(fs, {"driver_id": [1] * 3, "event_timestamp": [base - one, base, base + one]})
    table = job.to_arrow()
    assert table.column("trips").to_pylist() == [NULL, 10, 11]
    found = table.column("event_timestamp").cast(pa.int64()).to_pylist()
    assert found == [base.value - 1, base.value, base.value + 1]


def test_whole_numbers_stay_whole(tmp_path):
    large = 2**62 + 1
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1], "event_timestamp": [at(0)], "trips": [large]},
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64}))
    job = ask(fs, {"driver_id": [1, 2], "event_timestamp": [at(9)] * 2})
    assert job.to_arrow().schema.field("trips").type == pa.int64()
    assert job.to_arrow().column("trips").to_pylist() == [large, NULL]
    frame = job.to_df()
    assert str(frame["trips"].dtype) == "Int64"
    assert frame["trips"][0] == large


def test_a_spine_column_named_like_a_feature_is_refused_by_name(simple):
    spine = {"driver_id": [1], "event_timestamp": [at(120)], "trips": [5]}
    with pytest.raises(
        pylarder.InvalidInputError, match=r'"trips".*entity_df.*stats:trips'
    ) as failure:
        ask(simple, spine)
    assert failure.value.column == "trips"
    table = ask(simple, spine, full_feature_names=True).to_arrow()
    assert table.column("trips").to_pylist() == [5]
    assert table.column("stats__trips").to_pylist() == [10]


def test_rows_keep_their_order(tmp_path):
    generator = np.random.default_rng(5)
    count = 5_000
    path = write(
        tmp_path / "stats.parquet",
        {
            "driver_id": generator.integers(0, 50, count),
            "event_timestamp": [at(s) for s in generator.integers(0, 10_000, count)],
            "trips": np.arange(count),
        },
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64}, ttl=dt.timedelta(seconds=300)))
    spine = {
        "driver_id": generator.integers(-5, 60, count),
        "event_timestamp": [at(s) for s in generator.integers(-100, 11_000, count)],
        "number": np.arange(count),
    }
    frame = ask(fs, spine).to_df()
    assert frame["number"].tolist() == list(range(count))
    assert frame["driver_id"].tolist() == spine["driver_id"].tolist()
    # An oracle that looks at every row.
    source = pd.read_parquet(path)
    times = source["event_timestamp"].astype("int64").to_numpy()
    keys = source["driver_id"].to_numpy()
    scale = 10**9 if str(source["event_timestamp"].dtype).startswith("datetime64[ns") else 10**6
    for row in range(0, count, 37):
        time = spine["event_timestamp"][row].value // (10**9 // scale)
        fits = (keys == spine["driver_id"][row]) & (times <= time) & (times >= time - 300 * scale)
        expected = None
        if fits.any():
            latest = times[fits].max()
            expected = int(np.flatnonzero(fits & (times == latest))[-1])
        found = frame["trips"][row]
        assert (None if pd.isna(found) else int(found)) == expected, row


def test_entity_rows_as_sql_are_answered_by_duckdb(simple):
    sql = (
        "SELECT 1 AS driver_id, TIMESTAMPTZ '2024-01-01 00:02:00+00' AS event_timestamp, "
        "'x' AS note"
    )
    table = simple.get_historical_features(sql, ["stats:trips"]).to_arrow()
    assert table.column("trips").to_pylist() == [10]
    assert table.column("note").to_pylist() == ["x"]


def test_without_entity_rows_every_key_and_time_of_the_range_is_one(simple):
    job = simple.get_historical_features(
        None, ["stats:trips"], start_date=at(0).to_pydatetime(), end_date=at(150).to_pydatetime()
    )
    table = job.to_arrow()
    assert table.column("driver_id").to_pylist() == [1, 2]
    assert table.column("trips").to_pylist() == [10, 20]


def test_a_time_to_live_below_a_second_counts(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1], "event_timestamp": [at(100)], "trips": [10]},
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64}, ttl=dt.timedelta(milliseconds=500)))
    assert trips(fs, [1] * 3, [at(100.5), at(100.500001), at(101)]) == [10, NULL, NULL]


def test_times_beyond_what_nanoseconds_reach(tmp_path):
    kind = pa.timestamp("us", "UTC")
    first, last = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc), dt.datetime(9999, 12, 31)
    path = tmp_path / "stats.parquet"
    pq.write_table(
        pa.table(
            {
                "driver_id": [1, 2],
                "event_timestamp": pa.array([first, at(100).to_pydatetime()], kind),
                "trips": [10, 20],
            }
        ),
        path,
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64}, ttl=dt.timedelta(seconds=50)))
    far = pa.array([last, first, at(150).to_pydatetime(), first], pa.timestamp("us"))
    spine = pa.table({"driver_id": [1, 1, 2, 2], "event_timestamp": far})
    found = fs.get_historical_features(spine, ["stats:trips"]).to_arrow()
    assert found.column("trips").to_pylist() == [NULL, 10, 20, NULL]
    assert found.column("event_timestamp").type == pa.timestamp("us")
    fine = pa.array([at(150).value, at(150).value + 1], pa.int64()).cast(pa.timestamp("ns"))
    spine = pa.table({"driver_id": [2, 2], "event_timestamp": fine})
    found = fs.get_historical_features(spine, ["stats:trips"]).to_arrow()
    assert found.column("trips").to_pylist() == [20, NULL]


def test_times_as_text_are_read_and_others_are_refused_by_name(simple):
    spine = {"driver_id": [1, 1], "event_timestamp": ["2024-01-01 00:02:00", None]}
    assert ask(simple, spine).to_arrow().column("trips").to_pylist() == [10, NULL]
    with pytest.raises(pylarder.InvalidInputError, match="event_timestamp") as failure:
        ask(simple, {"driver_id": [1], "event_timestamp": [5]})
    assert failure.value.column == "event_timestamp"


def test_failures_call_views_and_keys_what_the_user_calls_them(simple):
    spine = {"driver_id": ["one"], "event_timestamp": [at(120)]}
    with pytest.raises(pylarder.InvalidInputError, match='"driver_id" of "stats"') as failure:
        ask(simple, spine).to_df()
    assert failure.value.column == "driver_id"


def test_entity_columns_may_be_called_anything(simple):
    names = ["v0__event_timestamp", "v0__trips", "stats", "created", "rate", "stats:trips"]
    spine = {"driver_id": [1], "event_timestamp": [at(120)], **{name: [7] for name in names}}
    table = ask(simple, spine).to_arrow()
    assert table.column_names == ["driver_id", "event_timestamp", *names, "trips"]
    assert table.column("trips").to_pylist() == [10]


def test_a_time_column_is_no_feature(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1], "event_timestamp": [at(0)], "created": [at(1)], "trips": [1]},
    )
    view = stats(
        path,
        features={"trips": Int64, "created": UnixTimestamp},
        created_timestamp_column="created",
    )
    with pytest.raises(pylarder.UnsupportedError, match="time column"):
        ask(
            store(tmp_path, view),
            {"driver_id": [1], "event_timestamp": [at(9)]},
            ["stats:created"],
        ).to_df()


def test_compound_text_keys_never_run_into_each_other(tmp_path):
    pair = [
        Entity(name="left", join_keys=["l"], value_type=ValueType.STRING),
        Entity(name="right", join_keys=["r"], value_type=ValueType.STRING),
    ]
    path = write(
        tmp_path / "stats.parquet",
        {"l": ["1", "11"], "r": ["11", "1"], "event_timestamp": [at(0)] * 2, "trips": [10, 20]},
    )
    fs = store(tmp_path, *pair, stats(path, features={"trips": Int64}, entities=pair))
    spine = {"r": ["1", "11", "111"], "l": ["11", "1", ""], "event_timestamp": [at(9)] * 3}
    assert ask(fs, spine).to_arrow().column("trips").to_pylist() == [20, 10, NULL]


def test_views_without_entities(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"event_timestamp": [at(0), at(100)], "trips": [10, 11]},
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64}, entities=[]))
    spine = {"event_timestamp": [at(150), at(50), at(-1)], "note": ["a", "b", "c"]}
    assert ask(fs, spine).to_arrow().column("trips").to_pylist() == [11, 10, NULL]
    provider = fs._get_provider()
    pulled = provider.offline_store.pull_latest_from_table_or_query(
        config=fs.config,
        data_source=fs.get_feature_view("stats").batch_source,
        join_key_columns=[],
        feature_name_columns=["trips"],
        timestamp_field="event_timestamp",
        created_timestamp_column=None,
        start_date=at(0).to_pydatetime(),
        end_date=at(500).to_pydatetime(),
    ).to_arrow()
    assert pulled.column("trips").to_pylist() == [11]
    assert pulled.column("__dummy_id").to_pylist() == [""]
    fs.materialize(at(-1).to_pydatetime(), dt.datetime.now(dt.timezone.utc))
    # Feast counts the rows by some entity, needed or not.
    online = fs.get_online_features(["stats:trips"], [{"driver_id": 1}]).to_dict()
    assert online["trips"] == [11]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_sources_in_every_unit_with_and_without_a_zone(tmp_path, unit):
    for zone in [None, "UTC", "America/New_York"]:
        kind = pa.timestamp(unit, zone)
        ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        base = at(0).value // 10**9 * ticks
        times = pa.array([base, base + 100 * ticks], pa.int64()).cast(kind)
        name = f"v_{unit}_{(zone or 'naive').replace('/', '_')}"
        path = tmp_path / f"{name}.parquet"
        pq.write_table(
            pa.table({"driver_id": [1, 1], "event_timestamp": times, "trips": [10, 11]}), path
        )
        fs = store(tmp_path / name, stats(path, features={"trips": Int64}, name=name))
        job = ask(
            fs,
            {"driver_id": [1] * 3, "event_timestamp": [at(99), at(100), at(-1)]},
            [f"{name}:trips"],
        )
        assert job.to_arrow().column("trips").to_pylist() == [10, 11, NULL]
        pulled = (
            fs._get_provider()
            .offline_store.pull_all_from_table_or_query(
                config=fs.config,
                data_source=fs.get_feature_view(name).batch_source,
                join_key_columns=["driver_id"],
                feature_name_columns=["trips"],
                timestamp_field="event_timestamp",
                start_date=at(0).to_pydatetime(),
                end_date=at(100).to_pydatetime(),
            )
            .to_arrow()
        )
        assert pulled.num_rows == 2


def test_a_feature_that_the_source_lacks_is_named(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1], "event_timestamp": [at(0)], "trips": [1]},
    )
    fs = store(tmp_path, stats(path, features={"trips": Int64, "rate": Float64}))
    with pytest.raises(pylarder.NotFoundError, match='"rate"') as failure:
        ask(fs, {"driver_id": [1], "event_timestamp": [at(9)]}, ["stats:rate"]).to_df()
    assert failure.value.column == "rate"


def test_pulls_have_both_bounds_inside(simple):
    source = simple.get_feature_view("stats").batch_source
    for latest, expected in [(False, [10, 11, 20]), (True, [11, 20])]:
        store_class = simple._get_provider().offline_store
        pull = (
            store_class.pull_latest_from_table_or_query
            if latest
            else store_class.pull_all_from_table_or_query
        )
        table = pull(
            config=simple.config,
            data_source=source,
            join_key_columns=["driver_id"],
            feature_name_columns=["trips"],
            timestamp_field="event_timestamp",
            created_timestamp_column=None,
            start_date=at(100).to_pydatetime(),
            end_date=at(200).to_pydatetime(),
        ).to_arrow()
        assert sorted(table.column("trips").to_pylist()) == expected
        assert all(column.num_chunks <= 1 for column in table.columns)


def test_as_known_then(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {
            "driver_id": [1, 1, 1],
            "event_timestamp": [at(0), at(10), at(20)],
            "created": [at(1), at(99), None],
            "trips": [10, 11, 12],
        },
    )
    view = stats(path, features={"trips": Int64}, created_timestamp_column="created")
    fs = store(tmp_path, view)
    times = [at(50), at(99), at(0)]
    assert trips(fs, [1] * 3, times, filter_by_created_timestamp=True) == [10, 11, NULL]
    assert trips(fs, [1] * 3, times) == [12, 12, 10]


def test_saved_answers_keep_rows_without_keys(tmp_path, simple):
    spine = pd.DataFrame(
        {
            "driver_id": pd.array([None, 1, None], "Int64"),
            "event_timestamp": [at(120)] * 3,
            "note": ["a", None, "c"],
        }
    )
    saved = simple.create_saved_dataset(
        from_=ask(simple, spine),
        name="saved",
        storage=SavedDatasetFileStorage(path=str(tmp_path / "saved.parquet")),
    )
    assert saved.to_arrow().column("trips").to_pylist() == [NULL, 10, NULL]


def test_aliases_map_their_own_keys(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1, 2], "event_timestamp": [at(0)] * 2, "trips": [10, 20]},
    )
    view = stats(path, features={"trips": Int64})
    fs = store(tmp_path, view)
    view = fs.get_feature_view("stats")
    service = feast.FeatureService(
        name="pair",
        features=[
            view.with_name("first").with_join_key_map({"driver_id": "a"}),
            view.with_name("second").with_join_key_map({"driver_id": "b"}),
        ],
    )
    fs.apply([service])
    spine = pd.DataFrame({"a": [1, 2], "b": [2, 9], "event_timestamp": [at(9)] * 2})
    table = fs.get_historical_features(spine, service, full_feature_names=True).to_arrow()
    assert table.column("first__trips").to_pylist() == [10, 20]
    assert table.column("second__trips").to_pylist() == [20, NULL]


def test_two_views_of_one_source_may_have_different_times_to_live(tmp_path):
    path = write(
        tmp_path / "stats.parquet",
        {"driver_id": [1], "event_timestamp": [at(0)], "trips": [10]},
    )
    fs = store(
        tmp_path,
        stats(path, features={"trips": Int64}, name="short", ttl=dt.timedelta(seconds=5)),
        stats(path, features={"trips": Int64}, name="long"),
    )
    spine = {"driver_id": [1, 1], "event_timestamp": [at(5), at(6)]}
    table = ask(fs, spine, ["short:trips", "long:trips"], full_feature_names=True).to_arrow()
    assert table.column("short__trips").to_pylist() == [10, NULL]
    assert table.column("long__trips").to_pylist() == [10, 10]


def test_a_native_view_is_a_source(tmp_path):
    from pylarder.feast import LarderSource

    native = pylarder.open(tmp_path / "data" / "larder") if (tmp_path / "data").exists() else None
    (tmp_path / "data").mkdir(exist_ok=True)
    native = native or pylarder.open(tmp_path / "data" / "larder")
    key = pylarder.Entity("d", {"driver_id": "int64"})
    native.apply(pylarder.FeatureView("native", [key], {"trips": "int64", "city": "string"}))
    native.append(
        "native",
        {
            "driver_id": [1, 1],
            "event_timestamp": [at(0), at(50)],
            "trips": [10, 11],
            "city": ["a", None],
        },
    )
    view = FeatureView(
        name="stats",
        entities=[driver()],
        schema=[Field(name="trips", dtype=Int64), Field(name="city", dtype=String)],
        source=LarderSource(view="native"),
    )
    fs = store(tmp_path, view)
    assert trips(fs, [1, 1], [at(9), at(90)]) == [10, 11]
    again = fs.get_feature_view("stats").batch_source
    assert (again.view, again) == ("native", LarderSource(view="native"))
