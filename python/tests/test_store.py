"""History in, answers out."""

import datetime as dt
import json
import threading
import time

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import pylarder

KEYS = [2, 1, 1, 9, None, 1]


def unknown(count):
    """Created times that nobody knows."""
    return pa.nulls(count, pa.timestamp("us"))


@pytest.fixture
def spine(moments):
    return pa.table(
        {
            "label": pa.array([{"x": n} for n in range(6)], pa.struct([("x", pa.int8())])),
            "driver_id": pa.array(KEYS, pa.int32()),
            "event_timestamp": pa.array(
                [moments(150), moments(250), moments(150), moments(150), moments(150), moments(99)],
                pa.timestamp("ns", "Europe/Paris"),
            ),
            "kind": pa.array(["u", None, "u", "v", "v", "u"]).dictionary_encode(),
        }
    )


def test_the_answer_has_the_spine_as_it_came_and_the_features(drivers, spine):
    job = drivers.historical_features(
        spine, ["stats:trips", "stats:city"], with_status=True, with_event_times=True
    )
    answer = job.to_arrow()
    assert answer.column_names[:4] == spine.column_names
    for name in spine.column_names:
        assert answer.column(name).type == spine.column(name).type
        assert answer.column(name).to_pylist() == spine.column(name).to_pylist()
    assert answer.column("trips").type == pa.int64()
    assert answer.column("trips").to_pylist() == [2**62 + 1, 11, 10, None, None, None]
    assert answer.column("city").to_pylist() == ["b", None, "a", None, None, None]
    assert answer.column("stats__status").to_pylist() == [
        "present",
        "present",
        "present",
        "noEntity",
        "noEntity",
        "onlyLater",
    ]
    assert all(column.num_chunks == 1 for column in answer.columns)
    assert "stats" in job.explain()
    assert job.report["views"][0]["matchedRows"] == 3


def test_spines_of_every_kind_give_one_answer(drivers, spine):
    plain = spine.drop_columns(["label", "kind"])
    expected = drivers.historical_features(plain, ["stats:trips"]).to_arrow()
    expected = expected.column("trips").to_pylist()
    relation = duckdb.from_arrow(plain)
    chunked = pa.concat_tables([plain.slice(0, 2), plain.slice(2, 1), plain.slice(3)])
    for other in [
        plain.to_pandas(),
        pl.from_arrow(plain),
        relation,
        chunked,
        plain.to_batches()[0],
        plain.to_reader(),
        {name: plain.column(name) for name in plain.column_names},
    ]:
        job = drivers.historical_features(other, ["stats:trips"])
        assert job.to_arrow().column("trips").to_pylist() == expected, type(other)


def test_pandas_keeps_whole_numbers_whole(drivers, spine):
    frame = drivers.historical_features(spine, ["stats:*"]).to_pandas()
    assert str(frame["trips"].dtype) == "Int64"
    assert frame["trips"][0] == 2**62 + 1
    assert frame["trips"].isna().tolist() == [False, False, False, True, True, True]
    assert len(frame) == 6
    polars = drivers.historical_features(spine.drop_columns(["label"]), ["stats:*"]).to_polars()
    assert polars["trips"].to_list() == [2**62 + 1, 11, 10, None, None, None]


def test_batches_are_the_answer_in_pieces(drivers, moments):
    count = 150_000
    spine = pa.table(
        {
            "n": pa.array(range(count)),
            "tag": pa.array([{"n": n} for n in range(count)]),
            "driver_id": pa.array([1] * count),
            "event_timestamp": pa.array([moments(50 + n % 100) for n in range(count)]),
        }
    )
    job = drivers.historical_features(spine, ["stats:trips"])
    batches = list(job.to_batches())
    assert len(batches) > 1
    assert pa.Table.from_batches(batches).equals(job.to_arrow().combine_chunks())


def test_a_clash_of_names_is_refused_also_with_a_column_the_engine_does_not_read(drivers, spine):
    for column in [pa.array(range(6)), spine.column("label")]:
        with pytest.raises(pylarder.InvalidInputError) as failure:
            drivers.historical_features(spine.append_column("trips", column), ["stats:trips"])
        assert failure.value.column == "trips"
    named = spine.append_column("trips", spine.column("label"))
    answer = drivers.historical_features(named, ["stats:trips"], full_feature_names=True)
    assert "stats__trips" in answer.to_arrow().column_names


def test_projections_ask_one_view_by_several_columns(drivers, moments):
    spine = {
        "driver_id": [1],
        "other": [2],
        "event_timestamp": [moments(300)],
    }
    answer = drivers.historical_features(
        spine,
        ["stats:trips", "rival:trips"],
        projections=[pylarder.Projection("stats", "rival", {"driver_id": "other"})],
        full_feature_names=True,
    ).to_arrow()
    assert answer.column("stats__trips").to_pylist() == [11]
    assert answer.column("rival__trips").to_pylist() == [2**62 + 1]


def test_as_known_needs_rows_created_by_then(drivers, moments):
    spine = {"driver_id": [1, 1, 2], "event_timestamp": [moments(205), moments(211), moments(150)]}
    job = drivers.historical_features(spine, ["stats:trips"], as_known=True, with_status=True)
    assert job.to_arrow().column("trips").to_pylist() == [10, 11, None]
    assert job.to_arrow().column("stats__status").to_pylist()[2] == "notYetKnown"


def test_without_a_spine_the_keys_and_times_make_one(drivers, moments):
    answer = drivers.historical_features(
        None, ["stats:trips"], start=moments(0), end=moments(150)
    ).to_arrow()
    assert answer.column("driver_id").to_pylist() == [1, 2]
    assert answer.column("trips").to_pylist() == [10, 2**62 + 1]


def test_an_earlier_commit_answers_as_it_did(drivers, moments):
    before = drivers.append(
        "stats",
        {"driver_id": [5], "event_timestamp": [moments(1)], "created": unknown(1), "trips": [1]},
    )
    drivers.append(
        "stats",
        {"driver_id": [5], "event_timestamp": [moments(2)], "created": unknown(1), "trips": [2]},
    )
    spine = {"driver_id": [5], "event_timestamp": [moments(9)]}
    now = drivers.historical_features(spine, ["stats:trips"]).to_arrow()
    then = drivers.historical_features(spine, ["stats:trips"], at=before).to_arrow()
    assert (now.column("trips").to_pylist(), then.column("trips").to_pylist()) == ([2], [1])
    with drivers.at(before) as past:
        assert past.pull_all("stats").to_arrow().num_rows == 4
        with pytest.raises(pylarder.ReadOnlyError):
            past.append(
                "stats", {"driver_id": [5], "event_timestamp": [moments(2)], "created": unknown(1)}
            )


def test_replace_and_pull(drivers, moments):
    drivers.replace(
        "stats",
        {"driver_id": [3], "event_timestamp": [moments(120)], "created": unknown(1), "trips": [3]},
        start=moments(50),
        end=moments(150),
    )
    rows = drivers.pull_all("stats").to_arrow()
    assert sorted(rows.column("driver_id").to_pylist()) == [1, 3]
    latest = drivers.pull_latest("stats", end=moments(199), features=["trips"]).to_arrow()
    assert latest.column_names == ["driver_id", "trips", "event_timestamp", "created"]
    assert latest.column("driver_id").to_pylist() == [3]


def test_failures_are_exceptions_of_the_engines_codes(drivers, moments, tmp_path):
    rows = pa.table(
        {
            "driver_id": pa.array([1, 2, None]),
            "event_timestamp": [moments(1)] * 3,
            "created": unknown(3),
        }
    )
    with pytest.raises(pylarder.InvalidInputError) as failure:
        drivers.append("stats", rows)
    assert (failure.value.column, failure.value.row) == ("driver_id", 2)
    assert isinstance(failure.value, ValueError)
    assert drivers.pull_all("stats").to_arrow().num_rows == 3
    with pytest.raises(pylarder.NotFoundError, match="stats"):
        drivers.append("stast", rows)
    with pytest.raises(pylarder.NotFoundError, match="trips"):
        drivers.historical_features(
            {"driver_id": [1], "event_timestamp": [moments(1)]}, ["stats:trip"]
        )
    with pytest.raises(pylarder.NotFoundError):
        pylarder.open(tmp_path / "none", create=False)
    (tmp_path / "file").write_text("x")
    with pytest.raises(pylarder.NotAStoreError):
        pylarder.open(tmp_path / "file")
    with pytest.raises(pylarder.InvalidInputError, match=r"line 1|:1:"):
        drivers.apply('{"featureViews": 3}')
    with pytest.raises(pylarder.LimitExceededError):
        drivers.historical_features(
            {"driver_id": [1] * 9, "event_timestamp": [moments(1)] * 9}, ["stats:*"], memory=1
        ).to_arrow()
    with pytest.raises(pylarder.InvalidArgumentError):
        drivers.append("stats", 7)
    with pytest.raises(pylarder.UnsupportedError, match="struct"):
        drivers.append("stats", rows.append_column("rate", pa.array([{"a": 1}] * 3)))


def test_a_closed_store_says_so(drivers, moments):
    job = drivers.historical_features(
        {"driver_id": [1], "event_timestamp": [moments(150)]}, ["stats:trips"]
    )
    drivers.close()
    drivers.close()
    with pytest.raises(pylarder.ClosedError):
        drivers.info()
    assert job.to_arrow().column("trips").to_pylist() == [10]
    job.close()
    with pytest.raises(pylarder.ClosedError):
        job.to_arrow()


def test_cancelled_jobs_stay_cancelled(drivers, moments):
    job = drivers.historical_features(
        {"driver_id": [1], "event_timestamp": [moments(150)]}, ["stats:trips"]
    )
    job.cancel()
    with pytest.raises(pylarder.CancelledError):
        job.to_arrow()


def test_definitions_in_every_form(store, tmp_path):
    definitions = {
        "entities": [{"name": "e", "joinKeys": [{"name": "k", "type": "string"}]}],
        "featureViews": [
            {"name": "v", "entities": ["e"], "features": [{"name": "f", "type": "list<float32>"}]}
        ],
    }
    assert store.apply(definitions, dry_run=True)
    path = tmp_path / "definitions.json"
    path.write_text(json.dumps(definitions))
    assert [change["kind"] for change in store.apply(path)] == ["addedEntity", "addedView"]
    assert store.apply(str(path)) == []
    entity = pylarder.Entity("e", {"k": "string"})
    view = pylarder.FeatureView("v", [entity], [pylarder.Field("f", "list<float32>")])
    assert store.apply(view) == []
    assert store.apply([view, pylarder.FeatureService("s", ["v:f"])]) != []
    assert store.definitions()["featureServices"][0]["name"] == "s"
    spine = {"k": ["a"], "event_timestamp": [dt.datetime(2024, 1, 1)]}
    assert store.historical_features(spine, "s").to_arrow().column_names[-1] == "f"
    assert store.drop("v", dry_run=True)[0]["kind"] == "droppedView"


def test_parquet_comes_in_through_datasets(drivers, moments, tmp_path):
    count = 300_000
    rows = pa.table(
        {
            "driver_id": pa.array(range(count)),
            "event_timestamp": pa.array([moments(1)] * count, pa.timestamp("us", "UTC")),
            "created": unknown(count),
            "trips": pa.array(range(count)),
            "extra": pa.array([{"not": "kept"}] * count),
        }
    )
    folder = tmp_path / "rows"
    folder.mkdir()
    pq.write_table(rows.slice(0, 100_000), folder / "a.parquet")
    pq.write_table(rows.slice(100_000), folder / "b.parquet")
    seen = []
    commit = drivers.import_parquet("stats", folder, progress=seen.append)
    assert commit.rows == count
    assert seen == sorted(seen) and seen[-1] == count and len(seen) > 2
    assert drivers.import_parquet("stats", ds.dataset(folder)).rows == count
    with pytest.raises(pylarder.NotFoundError, match="stats"):
        drivers.import_parquet("stast", folder)


def test_the_latest_values(drivers):
    now = dt.datetime.now(dt.timezone.utc)
    drivers.append(
        "stats",
        {
            "driver_id": [1, 3],
            "event_timestamp": [now - dt.timedelta(seconds=5), now - dt.timedelta(days=2)],
            "created": unknown(2),
            "trips": [100, 300],
        },
    )
    reports = drivers.materialize()
    assert [report["view"] for report in reports] == ["stats"]
    assert (
        drivers.write_online(
            "stats", {"driver_id": [4], "event_timestamp": [now], "created": [now], "trips": [4]}
        )
        == 1
    )
    answer = drivers.read_online("stats", {"driver_id": [4, 1, 3, 9, 4]}, ["trips"])
    assert answer.column_names == ["driver_id", "trips", "stats__event_timestamp", "stats__status"]
    assert answer.column("trips").to_pylist() == [4, 100, None, None, 4]
    assert answer.column("stats__status").to_pylist() == [
        "present",
        "present",
        "outsideMaxAge",
        "notFound",
        "present",
    ]
    late = drivers.read_online("stats", {"driver_id": [3]}, ["trips"], include_expired=True)
    assert late.column("trips").to_pylist() == [300]
    several = drivers.read_online(["stats:trips", "stats:city"], pd.DataFrame({"driver_id": [1]}))
    assert several.column("trips").to_pylist() == [100]
    with pytest.raises(pylarder.NotFoundError):
        drivers.read_online("stats", {"driver_id": [1]}, ["trip"])


def test_stores_take_turns_at_writing_online(drivers, moments, tmp_path):
    row = {"driver_id": [5], "event_timestamp": [moments(300)], "trips": [50]}
    with pylarder.open(tmp_path / "store", lock_timeout=0.2) as other:
        drivers.write_online("stats", row)
        with pytest.raises(pylarder.LockedError):
            other.write_online("stats", row)
        drivers.end_writing()
        other.write_online("stats", row)
        with pylarder.open(tmp_path / "store", lock_timeout=0.2) as third:
            with pytest.raises(pylarder.LockedError):
                third.write_online("stats", row)
            other.close()
            assert third.write_online("stats", row) == 1


def test_the_lock_on_python_is_let_go_inside_the_engine(drivers, moments):
    count = 400_000
    spine = pa.table(
        {
            "driver_id": pa.array(np.arange(count) % 3),
            "event_timestamp": pa.array([moments(150)] * count),
        }
    )
    job = drivers.historical_features(spine, ["stats:*"])
    ticks = 0
    done = threading.Event()

    def work():
        for _ in range(5):
            job.to_arrow()
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.0005)
    worker.join()
    assert ticks > 5


def test_nothing_leaks(drivers, moments):
    spine = pa.table(
        {"driver_id": pa.array([1] * 1000), "event_timestamp": pa.array([moments(150)] * 1000)}
    )
    rows = {"driver_id": [7], "event_timestamp": [moments(7)], "created": unknown(1)}

    def work():
        answer = drivers.historical_features(spine, ["stats:*"]).to_arrow()
        list(drivers.historical_features(spine, ["stats:*"]).to_batches())
        drivers.append("stats", rows)
        return answer

    work()
    before = pa.total_allocated_bytes()
    for _ in range(20):
        work()
    assert pa.total_allocated_bytes() <= before


def test_compaction_changes_no_answer(drivers, moments):
    for second in range(5):
        row = {"driver_id": [1], "event_timestamp": [moments(300 + second)], "created": unknown(1)}
        drivers.append("stats", {**row, "trips": [second]})
    before = drivers.pull_all("stats").to_arrow()
    assert drivers.compact("stats", dry_run=True)["dryRun"]
    report = drivers.compact("stats", partitions=None)["views"][0]
    assert report["name"] == "stats" and report["after"]["rows"] == 8
    assert drivers.pull_all("stats").to_arrow().equals(before)
    with pytest.raises(pylarder.NotFoundError):
        drivers.compact("stast")


def test_why_says_which_rows_were_in_query(drivers, moments):
    found = drivers.why("stats", {"driver_id": 1}, moments(150))
    assert found["status"] == "present" and found["rule"]
    verdicts = [row["verdict"] for row in found["candidates"]]
    assert sorted(verdicts) == ["answer", "later"]
    answer = next(row for row in found["candidates"] if row["verdict"] == "answer")
    assert answer["values"] == {"rate": "0.5", "trips": "10", "city": "a"}
    assert drivers.why("stats", {"driver_id": 77}, moments(150))["status"] == "noEntity"
    with pytest.raises(pylarder.NotFoundError):
        drivers.why("stats", {"drive": 1}, moments(150))


def test_snapshots_are_listed_and_can_be_asked(drivers):
    found = drivers.snapshots()
    assert [row["isHead"] for row in found][-1]
    assert [row["commit"] for row in found] == sorted(row["commit"] for row in found)
    with drivers.at(found[-1]["commit"]) as past:
        assert past.pull_all("stats").to_arrow().num_rows == 3


def test_info_and_verify(drivers):
    view = drivers.info()["views"][0]
    assert (view["name"], view["rows"], view["keys"]) == ("stats", 3, 2)
    assert drivers.verify()["findings"] == []


def test_times_are_exact_to_the_nanosecond(store):
    entity = pylarder.Entity("e", {"k": "int64"})
    store.apply(pylarder.FeatureView("v", [entity], {"f": "int64"}, time_unit="ns"))
    base = 1_700_000_000_000_000_000
    kind = pa.timestamp("ns", "UTC")
    store.append(
        "v",
        pa.table(
            {
                "k": [1, 1],
                "event_timestamp": pa.array([base, base + 1], pa.int64()).cast(kind),
                "f": [0, 1],
            }
        ),
    )
    spine = pa.table(
        {
            "k": [1, 1, 1],
            "event_timestamp": pa.array([base - 1, base, base + 1], pa.int64()).cast(kind),
        }
    )
    answer = store.historical_features(spine, ["v:f"]).to_arrow()
    assert answer.column("f").to_pylist() == [None, 0, 1]
    exact = pd.Timestamp(base + 1, unit="ns", tz="UTC")
    assert store.pull_all("v", start=exact).to_arrow().num_rows == 1
    assert store.pull_all("v", end=np.datetime64(base, "ns")).to_arrow().num_rows == 1


def test_rows_of_no_type_fit_the_keys(drivers, moments):
    times = [moments(300), moments(300)]
    job = drivers.historical_features(
        pd.DataFrame({"driver_id": [None, None], "event_timestamp": times}), ["stats:trips"]
    )
    assert job.to_arrow().column("trips").to_pylist() == [None, None]
    empty = pd.DataFrame(columns=["driver_id", "event_timestamp"])
    answer = drivers.historical_features(empty, ["stats:trips"]).to_arrow()
    assert answer.num_rows == 0
    assert answer.column_names == ["driver_id", "event_timestamp", "trips"]
    drivers.materialize()
    assert drivers.read_online("stats", {"driver_id": []}).num_rows == 0
    found = drivers.read_online("stats", {"driver_id": [None]}).to_pylist()
    assert found[0]["stats__status"] == "notFound" and found[0]["trips"] is None


def test_whole_floats_are_integers(drivers, moments):
    rows = pd.DataFrame(
        {
            "driver_id": [8, 9],
            "event_timestamp": [moments(0)] * 2,
            "created": pd.Series([pd.NaT] * 2, dtype="datetime64[us, UTC]"),
            "trips": [1, np.nan],
        }
    )
    assert drivers.append("stats", rows).rows == 2
    spine = {"driver_id": [8, 9], "event_timestamp": [moments(9)] * 2}
    answer = drivers.historical_features(spine, ["stats:trips"]).to_arrow()
    assert answer.column("trips").to_pylist() == [1, None]
    with pytest.raises(pylarder.InvalidInputError, match="row 1") as caught:
        drivers.append("stats", rows.assign(trips=[1.0, 1.5]))
    assert (caught.value.column, caught.value.row) == ("trips", 1)


def test_online_follows_renames_replacements_and_rollbacks(drivers, moments):
    def latest(feature):
        found = drivers.read_online("stats", {"driver_id": [1, 2]}, include_expired=True)
        return found.column(feature).to_pylist()

    drivers.materialize()
    before = drivers.tag("before")
    assert latest("trips") == [11, 2**62 + 1]
    known = drivers.definitions()
    view = known["featureViews"][0]
    for feature in view["features"]:
        if feature["name"] == "trips":
            feature.update(name="rides", formerly="trips")
    drivers.apply(known)
    assert latest("rides") == [11, 2**62 + 1]
    drivers.materialize()
    assert latest("rides") == [11, 2**62 + 1]
    row = {"driver_id": [1], "event_timestamp": [moments(50)], "created": [moments(50)]}
    drivers.replace("stats", {**row, "rides": [3]})
    drivers.materialize()
    assert latest("rides") == [3, None]
    drivers.rollback(before)
    drivers.materialize()
    assert latest("trips") == [11, 2**62 + 1]
