"""Point-in-time joins: Larder and its peers on one workload, interleaved round by round."""

import pathlib

from . import processes, workloads
from .results import Results, summary

# What is measured in the short form: the best forms known of each peer.
SHORT = ["duckdb-native", "polars-lazy", "polars-sorted-by-time", "pandas-sorted"]
FULL = SHORT + ["duckdb-native-sorted", "duckdb-parquet", "polars-streaming", "polars-memory",
                "polars-sorted-by-key", "pandas-parquet", "chdb-native"]

# The forms for many features and views: one clause a view; SQL over Parquet adds nothing there.
WIDE = ["duckdb-native", "polars-sorted-by-time", "pandas-sorted"]

# How many peers are alive at a time: more of them hold more memory than a machine has.
TOGETHER = 4


def forms(meta: dict, wanted: list[str], small: bool) -> list[str]:
    chosen = list(wanted)
    if len(meta["views"]) > 1 and "polars-sorted-by-key" in chosen:
        chosen.remove("polars-sorted-by-key")  # one spine cannot be sorted by two keys
    if small and len(meta["views"]) == 1:
        chosen += ["duckdb-range"]  # its better plan for few spine rows
    return chosen


def measure(results: Results, cell: str, directory: pathlib.Path, store: pathlib.Path,
            wanted: list[str], rounds: int, threads: int = 2, options: list[str] = (),
            limit: float = 300) -> None:
    """Adds one line: medians of every engine, its verdict and its peak memory.

    Every engine lives in its own process and prepares once; each round asks each engine once, so
    that a slow minute of the machine falls on all. Larder is asked five times a round: its runs
    are short. An engine whose first run takes more than `limit` seconds is asked no more. Peers
    are alive by fours; Larder lives all along.
    """
    if results.has(cell):
        return
    larder = processes.Larder(store, directory, threads, list(options))
    alive = [larder]
    line = {"cell": cell, "threads": threads, "engines": {}}
    seconds: dict[str, list[float]] = {}
    for start in range(0, max(1, len(wanted)), TOGETHER):
        peers = [processes.peer(form, directory, threads)
                 for form in wanted[start:start + TOGETHER]]
        engines = [*alive, *peers]
        for engine in list(engines):
            if engine.name not in line["engines"]:
                attempt(line, engines, engine, lambda: begin(line, seconds, engine, limit))
        for _ in range(rounds):
            for engine in list(engines):
                if line["engines"][engine.name]["first"] > limit:
                    continue
                times = 5 if engine is larder else 1
                attempt(line, engines, engine, lambda: seconds[engine.name].extend(
                    engine.ask("run")["seconds"] for _ in range(times)))
        alive = [larder] if larder in engines else []
        for engine in engines:
            if engine is not larder:
                end(line, seconds, engine)
    for engine in alive:
        end(line, seconds, engine)
    results.add(line)


def attempt(line: dict, engines: list, engine: processes.Engine, step) -> None:
    """Takes a step with an engine; one that fails, or that the system ends, is asked no more."""
    try:
        step()
    except processes.Failure as failure:
        line["engines"][engine.name] = {"failure": str(failure)}
        engine.close()
        engines.remove(engine)


def begin(line: dict, seconds: dict, engine: processes.Engine, limit: float) -> None:
    part = line["engines"][engine.name] = {}
    part["prepare"] = engine.ask("prepare")["seconds"]
    part["first"] = engine.ask("run")["seconds"]
    part["verdict"] = engine.ask("check")["verdict"]
    seconds[engine.name] = [part["first"]] if part["first"] > limit else []


def end(line: dict, seconds: dict, engine: processes.Engine) -> None:
    try:
        line["engines"][engine.name] |= summary(seconds[engine.name]) | engine.ask("memory")
    except processes.Failure as failure:
        line["engines"][engine.name] = {"failure": str(failure)}
    engine.close()


def loaded(results: Results, data: pathlib.Path, workload: str, size: str, layout: str = "compacted",
           options: list[str] = (), **shape) -> tuple[pathlib.Path, pathlib.Path]:
    """A workload's folder and a store loaded with it; adds a line on what loading took."""
    label = "_".join([workload, size] + [f"{key}{value}" for key, value in sorted(shape.items())])
    directory = data / label
    workloads.make(workload, size, directory, **shape)
    if "--slices" in options:
        workloads.slice_by_time(directory, int(options[options.index("--slices") + 1]))
    store = data / f"{label}.{layout}.larder"
    cell = f"load {label} {layout}"
    if not store.exists():
        line = processes.load(store, directory, ["--layout", layout, *options])
        if not results.has(cell):
            results.add({"cell": cell} | line)
    return directory, store
