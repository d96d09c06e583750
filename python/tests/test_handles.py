"""Stores and jobs that are copied, sent to other processes, closed beside a use, or forked."""

from __future__ import annotations

import copy
import ctypes
import datetime as dt
import multiprocessing
import os
import pickle
import signal
import threading
import time

import pyarrow as pa
import pytest
from racing import World

import pylarder
from pylarder import _library

KEYS = {"k": [0, 1, 2]}


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture
def store(world):
    with pylarder.open(world.path) as store:
        yield store


def in_child(work) -> int:
    """Does work in a forked child: its status, or None if it was not done in time."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return status
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    raise AssertionError("a forked child hangs")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_a_copy_of_a_store_is_opened_anew(world, store, copied):
    with copied(store) as other:
        assert other._handle != store._handle
        world.collect(other)
    world.collect(store)


def test_a_copy_is_found_from_another_folder(world, tmp_path, monkeypatch):
    monkeypatch.chdir(os.path.dirname(world.path))
    with pylarder.open(os.path.basename(world.path), read_only=True) as store:
        monkeypatch.chdir(tmp_path)
        with pickle.loads(pickle.dumps(store)) as other:
            world.collect(other)
            with pytest.raises(pylarder.ReadOnlyError):
                other.tag("t")


def test_a_copy_of_an_earlier_state_is_of_its_commit(tmp_path):
    with pylarder.open(tmp_path / "s.larder") as store:
        entity = pylarder.Entity("e", {"k": "int64"})
        store.apply(pylarder.FeatureView("v", [entity], {"x": "int64"}))
        time_of = pa.array([dt.datetime(2026, 1, 1)], pa.timestamp("us", "UTC"))
        first = store.append("v", pa.table({"k": [1], "event_timestamp": time_of, "x": [1]}))
        with store.at(first) as past:
            sent = pickle.dumps(past)
        store.append("v", pa.table({"k": [1], "event_timestamp": time_of, "x": [2]}))
        with pickle.loads(sent) as past:
            assert past.pull_all("v").to_arrow()["x"].to_pylist() == [1]
            assert past.info()["commit"]["commit"] == first.id
        store.vacuum()
        with pytest.raises(pylarder.NotFoundError):
            pickle.loads(sent)


def test_a_copy_of_a_closed_store_is_refused(world):
    store = pylarder.open(world.path)
    store.close()
    for copied in (copy.copy, pickle.dumps):
        with pytest.raises(pylarder.ClosedError):
            copied(store)


def test_a_copy_never_makes_a_store(tmp_path):
    store = pylarder.open(tmp_path / "s.larder")
    sent = pickle.dumps(store)
    store.close()
    os.rename(tmp_path / "s.larder", tmp_path / "t.larder")
    with pytest.raises(pylarder.NotFoundError):
        pickle.loads(sent)
    assert not (tmp_path / "s.larder").exists()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_job_is_not_copied(world, store, copied):
    job = world.ask(store)
    with pytest.raises(TypeError, match="job"):
        copied(job)
    world.check(job.to_arrow())


def rows_of(store: pylarder.Store) -> int:
    return store.pull_all("v").to_arrow().num_rows


def test_another_process_opens_a_store_that_is_sent(store):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(rows_of, (store,)) == rows_of(store)


def handle_is_refused(handle: int) -> str:
    try:
        _library.call("larder_info", handle, ctypes.byref(ctypes.c_void_p()))
    except pylarder.Error as error:
        return type(error).__name__
    return "taken"


def test_a_handle_that_is_sent_is_refused(store):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(handle_is_refused, (store._handle,)) == "InvalidArgumentError"


@pytest.mark.parametrize("how", ["arrow", "batches", "online"])
@pytest.mark.parametrize("threads", [None, 1, 4])
def test_a_forked_child_opens_its_own(world, how, threads):
    """Also where the parent had used the threads that it does not have: it hung there."""
    ask = {
        "arrow": world.collect,
        "batches": world.stream,
        "online": lambda store: store.read_online("v", KEYS),
    }[how]
    with pylarder.open(world.path, threads=threads) as store:
        for parent in ("arrow", "batches"):
            {"arrow": world.collect, "batches": world.stream}[parent](store)

        def child():
            with pylarder.open(world.path, threads=threads) as own:
                ask(own)
                own.append("w", own.pull_all("v").to_arrow().slice(0, 100))
                own.write_online("w", own.pull_all("v").to_arrow().slice(0, 100))

        for _ in range(5):
            assert in_child(child) == 0
        ask(store)


def test_a_forked_child_is_refused_its_parents_handles(world, store):
    job = world.ask(store)
    batches = world.ask(store).to_batches()
    next(batches)

    def child():
        for refused in (store.info, job.explain, job.to_arrow, lambda: next(job.to_batches())):
            with pytest.raises(pylarder.ForkedError):
                refused()
        # Its rows come from a thread of the parent's.
        with pytest.raises(OSError, match="forked"):
            next(batches)
        job.close()
        store.close()

    assert in_child(child) == 0
    world.check(job.to_arrow())
    assert sum(batch.num_rows for batch in batches) >= 0


def test_children_of_children(world, store):
    def grandchild():
        with pytest.raises(pylarder.ForkedError):
            store.info()
        with pylarder.open(world.path) as own:
            world.stream(own)

    def child():
        with pylarder.open(world.path) as own:
            world.stream(own)
            assert in_child(grandchild) == 0
            world.stream(own)

    assert in_child(child) == 0


def test_closing_beside_use(world):
    """Each use is done or says that the store was closed; it was the end of the process."""
    for _ in range(20):
        store = pylarder.open(world.path)
        job = world.ask(store)
        wrong: list[BaseException] = []
        begun = threading.Barrier(5)

        def use(work, begun=begun, wrong=wrong):
            begun.wait()
            for _ in range(10):
                try:
                    work()
                except pylarder.ClosedError:
                    pass
                except BaseException as failure:
                    wrong.append(failure)

        works = [
            store.info,
            lambda store=store: store.read_online("v", KEYS),
            lambda job=job: world.check(job.to_arrow()),
            lambda job=job: world.check(pa.Table.from_batches(job.to_batches())),
        ]
        threads = [threading.Thread(target=use, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        begun.wait()
        time.sleep(0.002)
        job.close()
        store.close()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_numbers_that_are_no_handles(store):
    for number in [1, 2, 8, 0xDEADBEEF, 2**63, 2**64 - 1, id(store), (store._handle or 0) ^ 2**40]:
        assert handle_is_refused(number) in ("InvalidArgumentError", "ClosedError")
        for name in ("larder_close", "larder_job_free", "larder_job_cancel"):
            getattr(_library.library(), name)(number)
    store.info()
