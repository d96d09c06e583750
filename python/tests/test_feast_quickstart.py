"""Feast's own quickstart, with two lines of its configuration changed."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import feast
import pandas as pd
import pytest


@pytest.mark.parametrize("engine", [False, True])
def test_the_quickstart_runs(tmp_path, engine):
    command = [sys.executable, "-m", "feast.cli.cli"]
    script = Path(sys.executable).parent / "feast"
    if script.exists():
        command = [str(script)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(*arguments, folder):
        done = subprocess.run(
            [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("init", "quick", folder=tmp_path)
    repository = tmp_path / "quick" / "feature_repo"
    path = repository / "feature_store.yaml"
    text = path.read_text()
    changed = text.replace(
        "    type: sqlite\n    path: data/online_store.db",
        "    type: pylarder.feast.LarderOnlineStore\n    path: data/larder",
    )
    assert changed != text
    changed += "\noffline_store: { type: pylarder.feast.LarderOfflineStore, path: data/larder }\n"
    if engine:
        changed += "batch_engine: { type: pylarder.feast.LarderComputeEngine }\n"
    path.write_text(changed)
    run("apply", folder=repository)

    store = feast.FeatureStore(str(repository))
    now = dt.datetime.now()
    spine = pd.DataFrame(
        {
            "driver_id": [1001, 1002, 1003],
            "event_timestamp": [now, dt.datetime(2021, 4, 12, 8, 12, 10), now],
            "label_driver_reported_satisfaction": [1, 5, 3],
            "val_to_add": [1, 2, 3],
            "val_to_add_2": [10, 20, 30],
        }
    )
    training = store.get_historical_features(
        entity_df=spine,
        features=[
            "driver_hourly_stats:conv_rate",
            "driver_hourly_stats:acc_rate",
            "driver_hourly_stats:avg_daily_trips",
            "transformed_conv_rate:conv_rate_plus_val1",
            "transformed_conv_rate:conv_rate_plus_val2",
        ],
    ).to_df()
    source = pd.read_parquet(repository / "data" / "driver_stats.parquet")
    source = source[source["event_timestamp"] <= pd.Timestamp(now, tz="UTC")]
    latest = source.sort_values(["event_timestamp", "created"]).groupby("driver_id").last()
    for row in (0, 2):
        number = spine["driver_id"][row]
        assert training["conv_rate"][row] == latest["conv_rate"][number]
        assert training["avg_daily_trips"][row] == latest["avg_daily_trips"][number]
        expected = latest["conv_rate"][number] + spine["val_to_add"][row]
        assert training["conv_rate_plus_val1"][row] == pytest.approx(expected)
    assert training["label_driver_reported_satisfaction"].tolist() == [1, 5, 3]

    run("materialize-incremental", now.strftime("%Y-%m-%dT%H:%M:%S"), folder=repository)
    online = store.get_online_features(
        features=[
            "driver_hourly_stats:conv_rate",
            "driver_hourly_stats:acc_rate",
            "transformed_conv_rate:conv_rate_plus_val1",
        ],
        entity_rows=[
            {"driver_id": 1001, "val_to_add": 1000, "val_to_add_2": 2000},
            {"driver_id": 5, "val_to_add": 1001, "val_to_add_2": 2002},
        ],
    ).to_dict()
    assert online["conv_rate"][0] == pytest.approx(float(latest["conv_rate"][1001]))
    assert online["conv_rate"][1] is None
    assert online["conv_rate_plus_val1"][0] == pytest.approx(1000 + latest["conv_rate"][1001])

    service = store.get_online_features(
        features=store.get_feature_service("driver_activity_v1"),
        entity_rows=[{"driver_id": 1001, "val_to_add": 1000, "val_to_add_2": 2000}],
    ).to_dict()
    assert service["driver_id"] == [1001]
    run("teardown", folder=repository)
