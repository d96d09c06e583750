"""Stores and tables for the tests."""

import datetime as dt

import pyarrow as pa
import pytest

import pylarder

UTC = dt.timezone.utc


def at(seconds: float) -> dt.datetime:
    """A time some seconds after the beginning of 2024."""
    return dt.datetime(2024, 1, 1, tzinfo=UTC) + dt.timedelta(seconds=seconds)


@pytest.fixture
def store(tmp_path):
    with pylarder.open(tmp_path / "store") as store:
        yield store


@pytest.fixture
def drivers(store):
    """A store with a view of drivers and three rows of two of them."""
    driver = pylarder.Entity("driver", {"driver_id": "int64"})
    store.apply(
        pylarder.FeatureView(
            "stats",
            [driver],
            {"rate": "float64", "trips": "int64", "city": "string"},
            time_to_live=dt.timedelta(days=1),
            created="created",
        )
    )
    store.append(
        "stats",
        pa.table(
            {
                "driver_id": pa.array([1, 2, 1], pa.int64()),
                "event_timestamp": [at(100), at(100), at(200)],
                "created": [at(110), None, at(210)],
                "rate": [0.5, None, 0.75],
                "trips": pa.array([10, 2**62 + 1, 11], pa.int64()),
                "city": ["a", "b", None],
            }
        ),
    )
    return store


@pytest.fixture
def moments():
    return at


def pytest_sessionfinish(session, exitstatus):
    """What is skipped was not tested: that is a failure, and says what was missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = 1
