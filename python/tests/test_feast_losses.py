"""What must not be lost at the edges of syncing, and is told where something cannot be done."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureView, Field, FileSource
from feast.data_source import PushMode, PushSource
from feast.types import Int64, String
from feast_repo import at, driver, stats, store, write

import pylarder
from pylarder.feast import _sync


def pushing(tmp_path, columns, kind=Int64, **more):
    """A repository of one view of a pushed source, whose file has the columns."""
    path = write(tmp_path / "h.parquet", columns)
    batch = FileSource(name="h", path=str(path), timestamp_field="event_timestamp", **more)
    names = [name for name in columns if name not in ("driver_id", "event_timestamp", "created")]
    view = FeatureView(
        name="fv",
        entities=[driver()],
        ttl=dt.timedelta(0),
        schema=[Field(name=name, dtype=kind) for name in names],
        source=PushSource(name="ps", batch_source=batch),
    )
    return store(tmp_path, view), path


def ask(fs, keys, *features, when=99):
    spine = pd.DataFrame({"driver_id": keys, "event_timestamp": [at(when)] * len(keys)})
    table = fs.get_historical_features(spine, [f"fv:{name}" for name in features]).to_arrow()
    return table.select(list(features)).to_pylist()


def row(key, time=0, **features):
    made = {"driver_id": [key], "event_timestamp": [at(time)]}
    return pd.DataFrame({**made, **{name: [value] for name, value in features.items()}})


def two(**features):
    return {"driver_id": [1, 2], "event_timestamp": [at(0)] * 2, **features}


def test_a_failed_sync_leaves_pushed_rows(tmp_path):
    fs, path = pushing(tmp_path, two(x=[1, 2]))
    fs.push("ps", row(9, 5, x=900), to=PushMode.OFFLINE)
    write(path, two(x=["a", "b"]) | {"driver_id": [1.0, 2.5]})
    with pytest.raises(pylarder.InvalidInputError, match=r'h\.parquet: column "driver_id", row 1'):
        ask(fs, [1, 2, 9], "x")
    write(path, two(x=[1, 2]))
    assert ask(fs, [1, 2, 9], "x") == [{"x": 1}, {"x": 2}, {"x": 900}]
    write(path, two(x=[1.5, 2.5]))
    assert ask(fs, [1, 2, 9], "x") == [{"x": 1.5}, {"x": 2.5}, {"x": 900.0}]


def test_a_column_that_is_missing_for_a_night_keeps_its_pushed_values(tmp_path):
    fs, path = pushing(tmp_path, two(x=[1, 2], y=[5, 6]))
    fs.push("ps", row(9, 5, x=900, y=901), to=PushMode.OFFLINE)
    whole = [{"x": 1, "y": 5}, {"x": 900, "y": 901}]
    assert ask(fs, [1, 9], "x", "y") == whole
    for _ in range(2):
        # Twice: rows that the engine reads itself, and the same columns replaced in place.
        write(path, two(x=[1, 2]))
        assert ask(fs, [1, 9], "x") == [{"x": 1}, {"x": 900}]
    write(path, two(x=[1, 2], y=[5, 6]))
    assert ask(fs, [1, 9], "x", "y") == whole


def test_a_type_that_pushed_values_cannot_have_is_refused_by_column(tmp_path):
    fs, path = pushing(tmp_path, two(x=["a", "b"]), kind=String)
    fs.push("ps", row(9, 5, x="nine"), to=PushMode.OFFLINE)
    fs.push("ps", row(8, 5, x="08"), to=PushMode.OFFLINE)
    write(path, two(x=[1, 2]))
    with pytest.raises(pylarder.InvalidInputError, match=r'h\.parquet: column "x" holds int64 now'):
        ask(fs, [1], "x")
    write(path, two(x=["c", "b"]))
    assert ask(fs, [1, 8, 9], "x") == [{"x": "c"}, {"x": "08"}, {"x": "nine"}]


class Killed(BaseException):
    """Stands for the end of the process."""


def dying(original, left):
    """A method before which the process ends after some more calls."""

    def call(*arguments, **named):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return original(*arguments, **named)

    return call


@pytest.mark.parametrize("columns", [{"x": [3, 4]}, {"x": [3, 4], "z": ["p", "q"]}])
def test_a_killed_sync_leaves_view_and_pushed_rows_as_they_were(tmp_path, monkeypatch, columns):
    fs, path = pushing(tmp_path, two(x=[1, 2]))
    fs.push("ps", row(9, 5, x=900), to=PushMode.OFFLINE)
    before = [{"x": 1}, {"x": 2}, {"x": 900}]
    assert ask(fs, [1, 2, 9], "x") == before
    calls = ["apply", "replace", "drop"]
    originals = {name: getattr(pylarder.Store, name) for name in calls}
    stops = 0
    for stop in range(20):
        write(path, two(x=[1, 2]))
        assert ask(fs, [1, 2, 9], "x") == before
        write(path, two(**columns))
        left = [stop]
        for name in calls:
            monkeypatch.setattr(pylarder.Store, name, dying(originals[name], left))
        try:
            ask(fs, [1, 2, 9], "x")
            done = True
        except Killed:
            done = False
            stops += 1
        for name in calls:
            monkeypatch.setattr(pylarder.Store, name, originals[name])
        # Whatever was done, every row that was pushed is there, once.
        with pylarder.open(tmp_path / "data" / "larder") as larder:
            names = [v["name"] for v in larder.definitions()["featureViews"]]
            kept = [n for n in names if n.startswith("source.")]
            pushed = [
                sum(
                    v is True
                    for v in larder.pull_all(n).to_arrow().column("feast.pushed").to_pylist()
                )
                for n in kept
            ]
        assert max(pushed) == 1
        after = [{"x": 3}, {"x": 4}, {"x": 900}]
        assert ask(fs, [1, 2, 9], "x") == after
        with pylarder.open(tmp_path / "data" / "larder") as larder:
            names = [v["name"] for v in larder.definitions()["featureViews"]]
            assert sum(n.startswith("source.") for n in names) == 1
        if done:
            break
    assert stops >= 3


def test_one_bad_file_among_many_is_named(tmp_path):
    folder = tmp_path / "m"
    write(folder / "a.parquet", two(n=[5, 6]))
    write(folder / "b.parquet", two(n=[2.0, 2.5]))
    fs = store(tmp_path, stats(folder, name="fv", features={"n": Int64}))
    with pytest.raises(pylarder.InvalidInputError, match=r'b\.parquet: column "n", row 1: 2\.5'):
        ask(fs, [1], "n")


def test_what_a_sync_did_is_logged(tmp_path, caplog):
    caplog.set_level("INFO", logger="pylarder.feast")
    fs, path = pushing(tmp_path, two(x=[1, 2]))
    ask(fs, [1], "x")
    write(path, two(x=[3, 4]))
    ask(fs, [1], "x")
    ask(fs, [1], "x")
    lines = [r.getMessage() for r in caplog.records if r.name == _sync.__name__]
    assert len(lines) == 2
    assert lines[0].endswith("was brought into the store")
    assert lines[1].endswith("changed: its rows were replaced")


def test_times_that_are_numbers_need_a_unit(tmp_path):
    base = 1_704_067_200  # 2024-01-01
    spine = pd.DataFrame({"driver_id": [1, 1], "event_timestamp": [at(9), at(-9)]})
    for unit, scale in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items():
        for kind in ["int64", "float64"]:
            times = pa.array([base * scale, (base + 50) * scale], pa.int64()).cast(kind, safe=False)
            columns = {"driver_id": [1, 1], "event_timestamp": times, "x": [1, 2]}
            path = tmp_path / f"{unit}_{kind}.parquet"
            pq.write_table(pa.table(columns), path)
            for tags in [{}, {"larder.time_unit": unit}]:
                fs = store(tmp_path, stats(path, name="fv", features={"x": Int64}, tags=tags))
                job = fs.get_historical_features(spine, ["fv:x"])
                if not tags:
                    with pytest.raises(pylarder.InvalidInputError, match=r"larder\.time_unit"):
                        job.to_arrow()
                    continue
                assert job.to_arrow().column("x").to_pylist() == [1, None]
                fs.write_to_offline_store("fv", row(1, 5, x=7), reorder_columns=True)
                job = fs.get_historical_features(spine, ["fv:x"])
                assert job.to_arrow().column("x").to_pylist() == [7, None]
    fs = store(
        tmp_path,
        stats(path, name="fv", features={"x": Int64}, tags={"larder.time_unit": "hours"}),
    )
    with pytest.raises(pylarder.InvalidInputError, match="hours"):
        fs.get_historical_features(spine, ["fv:x"]).to_arrow()


def test_texts_without_a_zone_are_utc_when_pushed(tmp_path):
    fs, _ = pushing(tmp_path, two(x=[1, 2]))
    pushed = pd.DataFrame({"driver_id": [9], "event_timestamp": ["2024-01-01 00:00:50"], "x": [9]})
    fs.push("ps", pushed, to=PushMode.ONLINE_AND_OFFLINE)
    assert ask(fs, [9], "x") == [{"x": 9}]
    assert ask(fs, [9], "x", when=49) == [{"x": None}]
    assert fs.get_online_features(["fv:x"], [{"driver_id": 9}]).to_dict()["x"] == [9]
