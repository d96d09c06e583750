"""Processes that are killed inside sync, push and materialize: nothing is lost, nothing doubled.

LARDER_KILLS says how many are; a few are where it says nothing.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter

import pandas as pd
from feast import FeatureStore
from feast.types import Float64, Int64, String
from feast_repo import at, config, stats, store, write

KILLS = int(os.environ.get("LARDER_KILLS", "25"))
FEATURES = {"x": Int64, "y": String, "z": Float64}


def files(turn):
    """The columns of the source: other values each time, other columns now and then, one added."""
    count = 2 + turn % 3
    made = {
        "driver_id": list(range(count)),
        "event_timestamp": [at(0)] * count,
        "x": [turn * 10 + n for n in range(count)],
        "z": [float(turn)] * count,
    }
    if turn % 2:
        made["y"] = [f"{turn}.{n}" for n in range(count)]
    return made


def ask(fs, keys, features=("x", "z")):
    spine = pd.DataFrame({"driver_id": keys, "event_timestamp": [at(99)] * len(keys)})
    table = fs.get_historical_features(spine, [f"stats:{name}" for name in features]).to_arrow()
    return table.select(list(features)).to_pylist()


def work(folder, turn, done):
    """What the process does that is killed: a byte for each step that was acknowledged."""
    fs = FeatureStore(config=config(folder))
    ask(fs, [0])
    os.write(done, b"s")
    row = {"driver_id": [1000 + turn], "event_timestamp": [at(5)], "x": [turn], "z": [0.5]}
    if turn % 2:
        row["y"] = ["pushed"]
    pushed = pd.DataFrame(row)
    fs._get_provider().ingest_df_to_offline_store(fs.get_feature_view("stats"), _table(pushed))
    os.write(done, b"p")
    fs.write_to_online_store("stats", pushed.assign(y="pushed"))
    os.write(done, b"o")
    fs.materialize(at(-9).to_pydatetime(), at(9).to_pydatetime())
    os.write(done, b"m")


def _table(frame):
    import pyarrow as pa

    columns = [name for name in ("driver_id", "event_timestamp", "x", "z", "y") if name in frame]
    return pa.Table.from_pandas(frame[columns], preserve_index=False)


def test_what_was_acknowledged_is_there_after_each_kill(tmp_path):
    generator = random.Random(7)
    path = tmp_path / "stats.parquet"
    write(path, files(0))
    store(tmp_path, stats(path, features=FEATURES))
    registry = shutil.copy(tmp_path / "registry.db", tmp_path / "registry.copy")
    acknowledged, online, steps = [], [], []
    slowest = 0.3
    for turn in range(KILLS):
        write(path, files(turn))
        # Feast writes its registry in place: a kill in there is its own matter.
        shutil.copy(registry, tmp_path / "registry.db")
        reading, writing = os.pipe()
        begin = time.monotonic()
        child = os.fork()
        if child == 0:
            try:
                work(tmp_path, turn, writing)
            finally:
                os._exit(0)
        os.close(writing)
        time.sleep(generator.random() * slowest)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        done = os.read(reading, 9).decode()
        os.close(reading)
        steps.append(done)
        if "m" in done:
            slowest = max(0.05, time.monotonic() - begin)
        elif not done:
            slowest *= 1.1
        if "p" in done:
            acknowledged.append(turn)
        if "o" in done:
            online.append(turn)
        shutil.copy(registry, tmp_path / "registry.db")
        fs = FeatureStore(config=config(tmp_path))
        source = files(turn)
        keys = [*source["driver_id"], *(1000 + n for n in acknowledged)]
        expected = [{"x": x, "z": z} for x, z in zip(source["x"], source["z"])]
        expected += [{"x": n, "z": 0.5} for n in acknowledged]
        assert ask(fs, keys) == expected, (turn, done)
        if turn % 2:
            known = [n for n in acknowledged if n % 2]
            texts = ask(fs, [1000 + n for n in known], ["y"]) if known else []
            assert texts == [{"y": "pushed"}] * len(known), (turn, done)
        if online:
            rows = [{"driver_id": 1000 + n} for n in online]
            found = fs.get_online_features(["stats:x"], rows).to_dict()["x"]
            assert found == online, (turn, done)
    # How far the processes came: synced, pushed, written online, materialized.
    print(Counter(steps))
    assert len(set(steps)) > 1, steps
    assert acknowledged or KILLS < 20
