"""How the files of a source come into the store, and stay as they are."""

import multiprocessing
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FileSource
from feast.data_format import DeltaFormat
from feast.data_source import PushMode, PushSource
from feast.types import Float32, Float64, Int64
from feast_repo import at, stats, store, write

import pylarder
from pylarder.feast._files import source_path


def rows(keys, times, trips):
    return {"driver_id": keys, "event_timestamp": [at(t) for t in times], "trips": trips}


def asked(fs, keys, times):
    spine = pd.DataFrame({"driver_id": keys, "event_timestamp": [at(t) for t in times]})
    return fs.get_historical_features(spine, ["stats:trips"]).to_arrow().column("trips").to_pylist()


def native(folder):
    return pylarder.open(folder / "data" / "larder")


def commits(folder):
    with native(folder) as larder:
        return larder.info()["commit"]["commit"]


def held(folder):
    with native(folder) as larder:
        return sum(view["rows"] for view in larder.info()["views"])


def source_view(larder):
    return next(v for v in larder.info()["views"] if v["name"].startswith("source."))


def view_of(path):
    return stats(path, features={"trips": Int64})


def test_nothing_happens_when_nothing_changed(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1], [0], [10]))
    fs = store(tmp_path, view_of(path))
    assert asked(fs, [1], [9]) == [10]
    before = commits(tmp_path)
    lock = tmp_path / "data" / "larder.feast-lock"
    touched = lock.stat().st_mtime_ns
    lock.unlink()
    assert asked(fs, [1], [9]) == [10]
    assert commits(tmp_path) == before
    assert not lock.exists() and touched


def test_a_changed_file_replaces_its_rows(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1, 2], [0, 0], [10, 20]))
    fs = store(tmp_path, view_of(path))
    assert asked(fs, [1, 2], [9, 9]) == [10, 20]
    write(path, rows([1], [0], [11]))
    assert asked(fs, [1, 2], [9, 9]) == [11, None]
    assert held(tmp_path) == 1


def test_row_groups_that_were_added_are_appended(tmp_path):
    path = tmp_path / "stats.parquet"
    first = pa.table(rows([1, 2], [0, 0], [10, 20]))
    second = pa.table(rows([1], [50], [11]))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
    fs = store(tmp_path, view_of(path))
    assert asked(fs, [1], [90]) == [10]
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        writer.write_table(second)
    with native(tmp_path) as larder:
        name = source_view(larder)["name"]
        before = larder.info()["commit"]["commit"]
    assert asked(fs, [1], [90]) == [11]
    assert held(tmp_path) == 3
    with native(tmp_path) as larder:
        # Appended, not replaced: the earlier rows are those of the earlier commit still.
        assert larder.at(before).pull_all(name).to_arrow().num_rows == 2
        assert source_view(larder)["segments"] >= 2


def test_files_that_were_added_to_a_folder_are_appended(tmp_path):
    folder = tmp_path / "stats"
    write(folder / "a.parquet", rows([1], [0], [10]))
    write(folder / "deep" / "b.parquet", rows([2], [0], [20]))
    fs = store(tmp_path, view_of(folder))
    assert asked(fs, [1, 2, 3], [9] * 3) == [10, 20, None]
    write(folder / "c.parquet", rows([3], [0], [30]))
    assert asked(fs, [1, 2, 3], [9] * 3) == [10, 20, 30]
    (folder / "a.parquet").unlink()
    assert asked(fs, [1, 2, 3], [9] * 3) == [None, 20, 30]
    assert held(tmp_path) == 2


def test_patterns_name_files(tmp_path):
    write(tmp_path / "p" / "x1.parquet", rows([1], [0], [10]))
    write(tmp_path / "p" / "y1.parquet", rows([1], [5], [99]))
    fs = store(tmp_path, view_of(tmp_path / "p" / "x*.parquet"))
    assert asked(fs, [1], [9]) == [10]
    write(tmp_path / "p" / "x2.parquet", rows([1], [6], [11]))
    assert asked(fs, [1], [9]) == [11]


def test_a_file_that_was_only_touched_is_not_read_into_the_store_again(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1], [0], [10]))
    fs = store(tmp_path, view_of(path))
    assert asked(fs, [1], [9]) == [10]
    os.utime(path, ns=(1, 1))
    assert asked(fs, [1], [9]) == [10]
    assert held(tmp_path) == 1


def test_a_file_rewritten_in_the_middle_is_replaced_though_it_grew(tmp_path):
    path = tmp_path / "stats.parquet"
    first = pa.table(rows([1, 2], [0, 0], [10, 20]))
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
    fs = store(tmp_path, view_of(path))
    assert asked(fs, [1], [9]) == [10]
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(pa.table(rows([1, 2], [0, 0], [15, 20])))
        writer.write_table(pa.table(rows([3], [0], [30])))
    assert asked(fs, [1, 2, 3], [9] * 3) == [15, 20, 30]
    assert held(tmp_path) == 3


def test_new_columns_and_new_types_are_taken(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1], [0], [10]))
    fs = store(tmp_path, stats(path, features={"trips": Int64, "rate": Float64}))
    assert asked(fs, [1], [9]) == [10]
    write(path, {**rows([1], [0], [12]), "rate": [0.5]})
    spine = pd.DataFrame({"driver_id": [1], "event_timestamp": [at(9)]})
    table = fs.get_historical_features(spine, ["stats:trips", "stats:rate"]).to_arrow()
    assert table.column("rate").to_pylist() == [0.5]
    write(path, {**rows([1], [0], ["many"]), "rate": [0.5]})
    table = fs.get_historical_features(spine, ["stats:trips"]).to_arrow()
    assert table.column("trips").to_pylist() == ["many"]


def test_pushed_rows_survive_every_sync_and_leave_the_file_alone(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1], [0], [10]))
    content = path.read_bytes()
    fs = store(tmp_path, view_of(path))
    pushed = pd.DataFrame(rows([1, 7], [5, 5], [11, 70]))
    fs.write_to_offline_store("stats", pushed)
    assert path.read_bytes() == content
    assert asked(fs, [1, 7], [9, 9]) == [11, 70]
    write(path, rows([1, 2], [0, 0], [12, 22]))
    assert asked(fs, [1, 1, 2, 7], [9, 4, 9, 9]) == [11, 12, 22, 70]
    write(path, rows([2], [0], [23]))
    assert asked(fs, [1, 2, 7], [9] * 3) == [11, 23, 70]
    assert held(tmp_path) == 3
    with pytest.raises(ValueError, match="columns"):
        fs._get_provider().offline_store.offline_write_batch(
            fs.config, fs.get_feature_view("stats"), pa.table({"trips": [1]}), None
        )


def test_pushed_values_keep_their_digits(tmp_path):
    path = tmp_path / "stats.parquet"
    columns = {**rows([1], [0], [10]), "rate": np.array([0.5], np.float32)}
    write(path, columns)
    fs = store(tmp_path, stats(path, features={"trips": Int64, "rate": Float32}))
    spine = pd.DataFrame({"driver_id": [1, 7], "event_timestamp": [at(9)] * 2})

    def ask():
        return fs.get_historical_features(spine, ["stats:rate"]).to_arrow().column("rate")

    assert ask().type == pa.float32()
    fs.write_to_offline_store("stats", pd.DataFrame({**rows([7], [5], [70]), "rate": [0.25]}))
    assert ask().type == pa.float32()
    fs.write_to_offline_store("stats", pd.DataFrame({**rows([7], [6], [70]), "rate": [0.1]}))
    assert ask().to_pylist() == [0.5, 0.1]
    write(path, {**columns, "rate": np.array([0.75], np.float32)})
    assert ask().to_pylist() == [0.75, 0.1]


def test_rows_without_key_or_time_are_left_out_and_said(tmp_path, caplog):
    path = tmp_path / "stats.parquet"
    pq.write_table(
        pa.table(
            {
                "driver_id": pa.array([1, None, 3], pa.int64()),
                "event_timestamp": pa.array([at(0), at(0), None]),
                "trips": [10, 20, 30],
            }
        ),
        path,
    )
    assert asked(store(tmp_path, view_of(path)), [1, 3], [9, 9]) == [10, None]
    assert "2 rows have no key or no event time" in caplog.text


def test_whole_numbers_with_gaps_and_categories_are_keys(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1.0, np.nan, 3.0], [0] * 3, [10, 20, 30]))
    assert asked(store(tmp_path, view_of(path)), [1, 3], [9, 9]) == [10, 30]


def test_partitions_of_folders_are_columns(tmp_path):
    folder = tmp_path / "stats"
    write(folder / "city=ams" / "a.parquet", rows([1], [0], [10]))
    write(folder / "city=ber" / "b.parquet", rows([2], [0], [20]))
    from feast.types import String

    fs = store(tmp_path, stats(folder, features={"trips": Int64, "city": String}))
    spine = pd.DataFrame({"driver_id": [1, 2], "event_timestamp": [at(9)] * 2})
    table = fs.get_historical_features(spine, ["stats:city"]).to_arrow()
    assert table.column("city").to_pylist() == ["ams", "ber"]


def test_field_mappings_name_features_keys_and_times(tmp_path):
    path = write(tmp_path / "stats.parquet", {"id": [1], "ts": [at(0)], "n": [10], "made": [at(1)]})
    view = stats(
        path,
        features={"trips": Int64},
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
        field_mapping={"id": "driver_id", "ts": "event_timestamp", "n": "trips", "made": "created"},
    )
    fs = store(tmp_path, view)
    assert asked(fs, [1], [9]) == [10]
    fs.materialize(at(-9).to_pydatetime(), at(99).to_pydatetime())
    assert fs.get_online_features(["stats:trips"], [{"driver_id": 1}]).to_dict()["trips"] == [10]


def test_remote_and_other_sources_are_refused_by_name(tmp_path):
    for path, form, words in [
        ("s3://bucket/stats.parquet", None, "s3"),
        ("gs://bucket/stats.parquet", None, "gs"),
        (str(tmp_path), DeltaFormat(), "Delta"),
    ]:
        source = FileSource(
            name="far", path=path, file_format=form, timestamp_field="event_timestamp"
        )
        with pytest.raises(pylarder.UnsupportedError, match=words):
            source_path(tmp_path, source)


def test_push_sources_reach_both_stores(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1], [0], [10]))
    from feast import FeatureView, Field
    from feast_repo import driver

    batch = FileSource(name="batch", path=str(path), timestamp_field="event_timestamp")
    view = FeatureView(
        name="stats",
        entities=[driver()],
        schema=[Field(name="trips", dtype=Int64)],
        source=PushSource(name="push", batch_source=batch),
    )
    fs = store(tmp_path, view)
    fs.push("push", pd.DataFrame(rows([1], [50], [11])), to=PushMode.ONLINE_AND_OFFLINE)
    assert asked(fs, [1, 1], [9, 90]) == [10, 11]
    assert fs.get_online_features(["stats:trips"], [{"driver_id": 1}]).to_dict()["trips"] == [11]


def _sync_in_child(folder, path, results):
    fs = store(folder / str(os.getpid()), view_of(path), offline=_offline(folder))
    results.put(asked(fs, [1], [9]))


def _offline(folder):
    return {"type": "pylarder.feast.LarderOfflineStore", "path": str(folder / "data" / "larder")}


def test_several_processes_sync_once(tmp_path):
    path = write(tmp_path / "stats.parquet", rows([1] * 50_000, range(50_000), list(range(50_000))))
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_sync_in_child, args=(tmp_path, path, results)) for _ in range(3)
    ]
    (tmp_path / "data").mkdir()
    for worker in workers:
        worker.start()
    found = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert found == [[9]] * 3
    assert held(tmp_path) == 50_000


def everything(count: int, seed: int) -> pa.Table:
    """Columns of every type that both readers read, with nulls, in random order of time."""
    generator = np.random.default_rng(seed)

    def nulls(values, kind):
        mask = generator.random(count) < 0.2
        return pa.array([None if out else v for v, out in zip(values, mask)], kind)

    whole = generator.integers(0, 100, count).tolist()
    texts = [f"é{n}" for n in whole]
    seconds = generator.integers(0, 50, count)
    micros = pa.array(1_700_000_000_000_000 + seconds * 1_000_000 + 1, pa.int64())
    times = micros.cast(pa.timestamp("us", "UTC"))
    columns = {
        "driver_id": pa.array(generator.integers(0, 20, count), pa.int32()),
        "event_timestamp": times,
        "created": nulls(times.to_pylist(), times.type),
        "trips": pa.array(range(count), pa.int64()),
        "flag": nulls([n % 2 == 0 for n in whole], pa.bool_()),
        "text": nulls(texts, pa.string()),
        "large": nulls(texts, pa.large_string()),
        "raw": nulls([t.encode() for t in texts], pa.binary()),
        "label": nulls(texts, pa.string()).dictionary_encode(),
        "day": nulls(whole, pa.int32()).cast(pa.date32()),
        "seen": nulls(whole, pa.int64()).cast(pa.timestamp("ms")),
        "fine": nulls(whole, pa.int64()).cast(pa.timestamp("ns", "Europe/Berlin")),
        "numbers": nulls([[n, None, -n][: n % 4] for n in whole], pa.list_(pa.int64())),
        "words": nulls([[t] * (n % 3) for n, t in zip(whole, texts)], pa.list_(pa.string())),
        "points": nulls([[n / 3] for n in whole], pa.list_(pa.float32())),
    }
    for kind in ["int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64"]:
        columns[kind] = nulls(whole, pa.type_for_alias(kind))
    return pa.table(columns)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "brotli", "lz4"])
@pytest.mark.parametrize("is_folder", [False, True])
def test_the_engine_reads_files_as_pyarrow_does(tmp_path, monkeypatch, compression, is_folder):
    from pylarder.feast import _filling

    path = tmp_path / ("rows" if is_folder else "rows.parquet")
    parts = [everything(700, 1), everything(500, 2)]
    if is_folder:
        path.mkdir()
        for number, part in enumerate(parts):
            pq.write_table(part, path / f"{number}.parquet", compression=compression)
    else:
        table = pa.concat_tables(parts).unify_dictionaries()
        pq.write_table(table, path, row_group_size=300, compression=compression)
    names = [n for n in parts[0].column_names if n not in ("driver_id", "event_timestamp")]
    names.remove("created")
    reads = []
    original = pylarder.Store.import_files

    def counting(self, *arguments, **named):
        made = original(self, *arguments, **named)
        reads.append(made.rows)
        return made

    monkeypatch.setattr(pylarder.Store, "import_files", counting)
    found = []
    for kind in ["engine", "pyarrow"]:
        if kind == "pyarrow":
            monkeypatch.setattr(_filling, "can_be_read", lambda *_: False)
        source = FileSource(
            name="s",
            path=str(path),
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        )
        fs = store(tmp_path / kind, stats(path, features={"trips": Int64}))
        pulled = fs._get_provider().offline_store.pull_all_from_table_or_query(
            fs.config, source, ["driver_id"], names, "event_timestamp", "created"
        )
        found.append(pulled.to_arrow())
    assert reads == [1200]
    assert found[0].num_rows == 1200
    assert found[0].schema.equals(found[1].schema)
    assert found[0].equals(found[1])
    kinds = [found[0].schema.field(name).type for name in names]
    expected = [parts[0].schema.field(name).type for name in names]
    assert kinds == expected
