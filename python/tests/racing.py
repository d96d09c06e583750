"""Rounds of races, in this process: `python -m racing SEED FIRST LAST ROUNDS FORKING`.

`python/races` runs them under AddressSanitizer.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import datetime as dt
import faulthandler
import os
import pickle
import random
import signal
import sys
import tempfile
import threading
import time

import pyarrow as pa

import pylarder
from pylarder import _library

ROWS, KEYS = 3_000, 50
SECONDS_OF_A_CHILD = 60
# What a race may come to: it was closed, by this process or as a parent's; the query was
# cancelled; another held the lock; a stale handle.
CLOSED = (pylarder.ClosedError, pylarder.CancelledError, pylarder.LockedError)


def times(count: int, second: int) -> pa.Array:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    return pa.array(
        [start + dt.timedelta(seconds=second + i % 1_000) for i in range(count)],
        pa.timestamp("us", "UTC"),
    )


def rows(count: int, second: int = 0) -> pa.Table:
    return pa.table(
        {
            "k": pa.array([i % KEYS for i in range(count)], pa.int64()),
            "event_timestamp": times(count, second),
            "x": pa.array([float(i) for i in range(count)]),
            "s": pa.array([f"text {i % 7}" for i in range(count)]),
        }
    )


class World:
    """A store on disk, and what it answers."""

    def __init__(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "s.larder")
        with pylarder.open(self.path) as store:
            entity = pylarder.Entity("e", {"k": "int64"})
            features = {"x": "float64", "s": "string"}
            store.apply(pylarder.FeatureView("v", [entity], features))
            store.apply(pylarder.FeatureView("w", [entity], features))
            self.commit = store.append("v", rows(ROWS))
            store.materialize("v", end=dt.datetime(2026, 2, 1, tzinfo=dt.timezone.utc))
        self.spine = rows(ROWS, 2_000).select(["k", "event_timestamp"])
        with pylarder.open(self.path, read_only=True) as store:
            self.answer = store.historical_features(self.spine, ["v:*"]).to_arrow()
            self.online = store.read_online("v", {"k": list(range(KEYS))})

    def check(self, table: pa.Table) -> None:
        """Compares with the right answer."""
        assert table.combine_chunks().equals(self.answer.combine_chunks()), "a wrong answer"

    def ask(self, store: pylarder.Store) -> pylarder.Job:
        """The query whose answer is known."""
        return store.historical_features(self.spine, ["v:*"])

    def collect(self, store: pylarder.Store) -> None:
        """Answers it in one piece."""
        self.check(self.ask(store).to_arrow())

    def stream(self, store: pylarder.Store) -> None:
        """Answers it batch by batch."""
        self.check(pa.Table.from_batches(self.ask(store).to_batches()))


def use(world: World, store: pylarder.Store, job: pylarder.Job, draw: random.Random) -> None:
    """Does one thing with a store or a job."""
    what = draw.randrange(16)
    if what == 0:
        store.info()
    elif what == 1:
        store.append("w", rows(10, draw.randrange(1_000)))
    elif what == 2:
        found = store.read_online("v", {"k": list(range(KEYS))})
        assert found.equals(world.online), "wrong values online"
    elif what == 3:
        world.collect(store)
    elif what == 4:
        world.stream(store)
    elif what == 5:
        world.check(job.to_arrow())
    elif what == 6:
        world.check(pa.Table.from_batches(job.to_batches()))
    elif what == 7:
        batches = job.to_batches()
        next(batches)
        del batches
    elif what == 8:
        with store.at(world.commit) as past:
            world.collect(past)
    elif what == 9:
        with copy.copy(store) as other:
            assert len(other.info()["views"]) == 2
    elif what == 10:
        with pickle.loads(pickle.dumps(store)) as other:
            world.collect(other)
    elif what == 11:
        job.explain()
        assert job.report is None or job.report["rows"] >= 0
    elif what == 12:
        store.write_online("w", rows(20, draw.randrange(1_000)))
    elif what == 13:
        store.snapshots()
        store.definitions()
    elif what == 14:
        with store.at(world.commit) as past, pickle.loads(pickle.dumps(past)) as other:
            world.collect(other)
    else:
        for other in (job, [job]):
            try:
                copy.deepcopy(other)
            except TypeError:
                continue
            raise AssertionError("a job was copied")


def stale(draw: random.Random, handles: list[int]) -> None:
    """Hands numbers to the engine that are no handles, or were."""
    number = draw.choice(handles) if draw.random() < 0.7 else draw.getrandbits(64)
    if draw.random() < 0.3:
        number ^= 1 << draw.randrange(64)
    if number in handles:
        # One that may still be open: it is used as what it is not, too.
        for name in ("larder_info", "larder_job_explain"):
            place = ctypes.c_void_p()
            try:
                _library.call(name, number, ctypes.byref(place))
                _library.library().larder_text_free(place)
            except (*CLOSED, pylarder.InvalidArgumentError, pylarder.ForkedError):
                pass
        return
    for name in ("larder_close", "larder_job_free", "larder_job_cancel"):
        getattr(_library.library(), name)(number or None)


def child(world: World, store: pylarder.Store, job: pylarder.Job, draw: random.Random) -> None:
    """What a forked child does: the parent's are refused, the store opened again answers."""
    for refused in (store.info, job.explain, job.to_arrow, lambda: next(job.to_batches())):
        try:
            refused()
        except (pylarder.ForkedError, pylarder.ClosedError):
            continue
        raise AssertionError("a parent's handle was used")
    with pylarder.open(world.path, threads=draw.choice([None, 1, 2, 4])) as own:
        world.stream(own)
        world.collect(own)
        found = own.read_online("v", {"k": list(range(KEYS))})
        assert found.equals(world.online), "wrong values online"
        for _ in range(8):
            with contextlib.suppress(pylarder.LockedError):
                use(world, own, world.ask(own), draw)


def forked(world: World, store: pylarder.Store, job: pylarder.Job, draw: random.Random) -> None:
    """Forks, and waits for the child."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            child(world, store, job, draw)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + SECONDS_OF_A_CHILD
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            break
        if time.monotonic() > end:
            # What it is at, on its standard error.
            os.kill(process, signal.SIGUSR1)
            time.sleep(1)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            raise AssertionError("a forked child hangs")
        time.sleep(0.005)
    assert status == 0, f"a forked child ended with {status}"
    print("child was right", flush=True)


def race(world: World, draw: random.Random, forks: bool) -> None:
    """Threads use a store and a job while others close them."""
    store = pylarder.open(world.path, lock_timeout=5)
    job = world.ask(store)
    handles = [store._handle or 0, job._handle or 0]
    failures: list[BaseException] = []
    start = threading.Barrier(5)

    def user(seed: int) -> None:
        own = random.Random(seed)
        start.wait()
        for _ in range(own.randrange(1, 6)):
            try:
                if own.random() < 0.15:
                    stale(own, handles)
                else:
                    use(world, store, job, own)
            except CLOSED:
                pass
            except BaseException as failure:
                # What a stream tells is an exception of pyarrow's with the engine's words.
                words = str(failure)
                if not isinstance(failure, (OSError, pa.ArrowException)) or not any(
                    known in words for known in ("was closed", "cancelled", "Nobody reads on")
                ):
                    failures.append(failure)

    def closer(seed: int) -> None:
        own = random.Random(seed)
        start.wait()
        time.sleep(own.random() * own.choice([0, 0.01, 0.1]))
        for close in own.sample([store.close, job.close, job.cancel, store.close], 4):
            try:
                close()
            except CLOSED:
                pass
            except BaseException as failure:
                failures.append(failure)

    threads = [threading.Thread(target=user, args=(draw.getrandbits(32),)) for _ in range(3)]
    threads.append(threading.Thread(target=closer, args=(draw.getrandbits(32),)))
    for thread in threads:
        thread.start()
    start.wait()
    if forks:
        time.sleep(draw.random() * draw.choice([0, 0.01, 0.05]))
        forked(world, store, job, draw)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def main() -> None:
    """Runs rounds FIRST up to LAST of ROUNDS, of which FORKING fork."""
    seed, first, last, rounds, forking = (int(word) for word in sys.argv[1:])
    # The runner asks what a process is at before it ends it.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    world = World()
    for number in range(first, last):
        print(f"round {number}", flush=True)
        draw = random.Random(seed * 1_000_003 + number)
        forks = number * forking // rounds != (number + 1) * forking // rounds
        race(world, draw, forks)
    with pylarder.open(world.path) as store:
        assert store.verify(deep=True)["findings"] == []
        world.stream(store)


if __name__ == "__main__":
    main()
