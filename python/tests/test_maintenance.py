"""What keeps a store small, sound and as it should be."""

import datetime as dt

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import pylarder


def trips(store, **options):
    return sorted(store.pull_all("stats", **options).to_arrow().column("trips").to_pylist())


def add(store, moments, *rows):
    store.append(
        "stats",
        {
            "driver_id": [key for key, _, _ in rows],
            "event_timestamp": [moments(second) for _, second, _ in rows],
            "created": pa.array([None] * len(rows), pa.timestamp("us", "UTC")),
            "trips": [value for _, _, value in rows],
        },
    )


def test_a_tag_keeps_a_commit_and_rollback_makes_it_the_newest(drivers, moments):
    before = trips(drivers)
    tagged = drivers.tag("gold")
    add(drivers, moments, (1, 300, 5))
    assert trips(drivers) == sorted([*before, 5])
    with drivers.at("gold") as past:
        assert trips(past) == before
    spine = {"driver_id": [1], "event_timestamp": [moments(400)]}
    old = drivers.historical_features(spine, ["stats:trips"], at="gold").to_arrow()
    assert old.column("trips").to_pylist() == [11]
    assert [row["commit"] for row in drivers.snapshots() if "gold" in row["tags"]] == [tagged.id]
    plan = drivers.rollback("gold", dry_run=True)
    assert plan["commit"] is None
    assert plan["views"] == [{"name": "stats", "rowsBefore": 4, "rowsAfter": 3}]
    made = drivers.rollback("gold")
    assert trips(drivers) == before
    assert made["from"]["commit"] > made["to"]["commit"] == tagged.id
    drivers.rollback(made["from"]["commit"])
    assert trips(drivers) == sorted([*before, 5])
    drivers.rollback(tagged)
    assert drivers.tag("again", tagged) == tagged
    # A commit, a number, a tag and a time name it alike; a time means the last commit not later.
    time = dt.datetime.fromisoformat(tagged.time.replace("Z", "+00:00"))
    later = time + dt.timedelta(microseconds=1)
    for name in [tagged, tagged.id, "gold", tagged.time, time, later, later.replace(tzinfo=None)]:
        with drivers.at(name) as past:
            assert trips(past) == before
        assert drivers.tag("third", name) == tagged
        assert drivers.rollback(name, dry_run=True)["to"]["commit"] == tagged.id
    with pytest.raises(pylarder.NotFoundError, match="newest"):
        drivers.at(dt.date(1999, 1, 1))
    drivers.remove_tag("gold")
    with pytest.raises(pylarder.NotFoundError, match="again"):
        drivers.remove_tag("agian")
    with pytest.raises(pylarder.NotFoundError):
        drivers.at("gold")
    with pytest.raises(pylarder.NotFoundError):
        drivers.rollback("gold")
    with pytest.raises(pylarder.InvalidArgumentError):
        drivers.tag("no spaces")


def test_old_rows_expire_and_vacuum_gives_their_space_back(drivers, moments):
    day = 86_400
    add(drivers, moments, (1, 10 * day, 5), (2, 10 * day + 1, 6))
    plan = drivers.expire("stats", "9d", dry_run=True)
    assert plan["rows"] == 3 and plan["commit"] is None
    assert len(trips(drivers)) == 5
    made = drivers.expire("stats", dt.timedelta(days=9))
    assert made["rowsLeft"] == 2 and trips(drivers) == [5, 6]
    assert drivers.expire("stats", 9 * day)["rows"] == 0
    assert drivers.vacuum(dry_run=True)["filesRemoved"] > 0
    assert drivers.vacuum()["bytesReturned"] > 0
    assert drivers.vacuum("1h")["filesRemoved"] == 0
    assert len(drivers.snapshots()) == 1
    with pytest.raises(pylarder.NotFoundError, match="stats"):
        drivers.expire("stast", 1)
    with pytest.raises(pylarder.InvalidArgumentError, match="duration"):
        drivers.expire("stats", "soon")


def test_a_backup_is_a_store_of_its_own(drivers, moments, tmp_path):
    drivers.materialize()
    made = drivers.backup(tmp_path / "copy")
    # Of history and online.
    assert made["rows"] == 5
    add(drivers, moments, (1, 300, 5))
    with pylarder.open(tmp_path / "copy") as copy:
        assert len(trips(copy)) == 3
        assert copy.verify(deep=True)["findings"] == []
        add(copy, moments, (1, 300, 7))
    assert 7 not in trips(drivers)
    with pytest.raises(pylarder.AlreadyExistsError):
        drivers.backup(tmp_path / "copy")


def test_repair_builds_anew_what_is_derived(drivers, moments, tmp_path):
    drivers.compact("stats")
    drivers.materialize(end=moments(500))
    drivers.close()
    damaged = list((tmp_path / "store").rglob("*.map")) + list(
        (tmp_path / "store" / "online").rglob("index*")
    )
    for path in damaged:
        path.write_bytes(b"\xff" * path.stat().st_size)
    with pylarder.open(tmp_path / "store") as again:
        report = again.repair()
        assert report["findings"] == []
        assert again.repair()["steps"] == []
        assert again.verify()["findings"] == []
        assert len(trips(again)) == 3


@pytest.mark.parametrize(
    "keys", [{"driver_id": 1}, {"driver_id": [1, 77]}, pa.table({"driver_id": [1]})]
)
def test_who_is_forgotten_is_gone_from_every_file(drivers, moments, keys):
    drivers.materialize(end=moments(500))
    drivers.tag("before")
    plan = drivers.forget("driver", keys, dry_run=True)
    assert plan["dryRun"] and not plan["complete"]
    assert trips(drivers) == [10, 11, 2**62 + 1]
    certificate = drivers.forget("driver", keys, timeout=5)
    assert certificate["complete"] and certificate["pending"] == []
    assert [found["count"] for found in certificate["keys"]] == [1]
    assert {file["kind"] for file in certificate["files"]} >= {"segment", "key log"}
    assert all(file["removed"] for file in certificate["files"])
    assert trips(drivers) == [2**62 + 1]
    with drivers.at("before") as past:
        assert trips(past) == [2**62 + 1]
    spine = {"driver_id": [1, 2], "event_timestamp": [moments(300)] * 2}
    answer = drivers.historical_features(spine, ["stats:trips"]).to_arrow()
    assert answer.column("trips").to_pylist() == [None, 2**62 + 1]
    online = drivers.read_online("stats", {"driver_id": [1]}, include_expired=True)
    assert online.column("stats__status").to_pylist() == ["notFound"]
    assert drivers.finish_erasures() is None
    add(drivers, moments, (1, 300, 5))
    assert trips(drivers) == [5, 2**62 + 1]
    with pytest.raises(pylarder.NotFoundError, match="driver"):
        drivers.forget("drvier", keys)
    with pytest.raises(pylarder.InvalidInputError, match="driver_id"):
        drivers.forget("driver", {"id": 1})
    for call in [lambda **a: drivers.forget("driver", keys, **a), drivers.finish_erasures]:
        with pytest.raises(TypeError, match=r"'patience'; it is called 'timeout' now"):
            call(patience=5)
        with pytest.raises(TypeError, match=r"'patients'$"):
            call(patients=5)


def test_files_are_read_by_the_engine(drivers, moments, tmp_path):
    rows = pa.table(
        {
            "id": pa.array([7, 8], pa.int32()),
            "when": pa.array([moments(1)] * 2, pa.timestamp("ms", "UTC")),
            "created": pa.array([None, moments(2)], pa.timestamp("us", "UTC")),
            "trips": [70, 80],
            "more": ["x", "y"],
        }
    )
    pq.write_table(rows, tmp_path / "rows.parquet")
    names = {"driver_id": "id", "event_timestamp": "when"}
    assert drivers.import_files("stats", tmp_path / "rows.parquet", columns=names).rows == 2
    assert trips(drivers) == [10, 11, 70, 80, 2**62 + 1]
    folder = tmp_path / "folder"
    folder.mkdir()
    pq.write_table(rows, folder / "a.parquet", compression="zstd")
    pa.csv.write_csv(rows.drop_columns("more"), folder / "b.csv")
    made = drivers.import_files("stats", str(folder), columns=names, replace=True)
    assert made.rows == 4 and trips(drivers) == [70, 70, 80, 80]
    with pytest.raises(pylarder.NotFoundError):
        drivers.import_files("stats", tmp_path / "none.parquet")
    with pytest.raises(pylarder.InvalidInputError, match=r"rows\.parquet"):
        drivers.import_files("stats", tmp_path / "rows.parquet")
    assert trips(drivers) == [70, 70, 80, 80]
