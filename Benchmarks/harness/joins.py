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
    are short. An engine whose first run takes more than `limit` seconds is asked no more.
    """
    if results.has(cell):
        return
    engines = [processes.Larder(store, directory, threads, list(options))]
    engines += [processes.peer(form, directory, threads) for form in wanted]
    line = {"cell": cell, "threads": threads, "engines": {}}
    seconds: dict[str, list[float]] = {}
    for engine in list(engines):
        try:
            part = line["engines"][engine.name] = {}
            part["prepare"] = engine.ask("prepare")["seconds"]
            part["first"] = engine.ask("run")["seconds"]
            part["verdict"] = engine.ask("check")["verdict"]
            seconds[engine.name] = [part["first"]] if part["first"] > limit else []
        except processes.Failure as failure:
            line["engines"][engine.name] = {"failure": str(failure)}
            engine.close()
            engines.remove(engine)
    for _ in range(rounds):
        for engine in list(engines):
            if line["engines"][engine.name]["first"] > limit:
                continue
            for _ in range(5 if engine.name == "larder" else 1):
                seconds[engine.name].append(engine.ask("run")["seconds"])
    for engine in engines:
        reply = engine.ask("memory")
        line["engines"][engine.name] |= summary(seconds[engine.name]) | reply
        engine.close()
    results.add(line)


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
