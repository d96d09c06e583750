"""One history in many layouts: as it lies after a bulk load, after many appends, cold, in slices of
time; on one thread and two; with rows not yet known left out; from a cold page cache."""

import pathlib

from . import joins, processes, workloads
from .joins import loaded
from .results import Results, summary

LAYOUTS = {
    "compacted": [],
    "months": ["--slices", "3"],
    "weeks": ["--slices", "13"],
    "days": ["--slices", "90"],
    "folded": ["--overlaps", "400", "--fold"],
    "cold": ["--cold"],
}


def ask(results: Results, cell: str, directory: pathlib.Path, store: pathlib.Path, threads: int,
        options: list[str] = ()) -> None:
    if results.has(cell):
        return
    line = {"cell": cell, "threads": threads, "rows": workloads.asked(directory), "engines": {}}
    engine = processes.Larder(store, directory, threads, list(options))
    try:
        part = {"prepare": engine.ask("prepare")["seconds"], "first": engine.ask("run")["seconds"]}
        part["verdict"] = ("not compared" if "--as-known" in options
                           else engine.ask("check")["verdict"])
        part |= summary([engine.ask("run")["seconds"] for _ in range(7)]) | engine.ask("memory")
        line["engines"]["larder"] = part
    except processes.Failure as failure:
        line["engines"]["larder"] = {"failure": str(failure)}
    engine.close()
    results.add(line)


def measure_wide(results: Results, data: pathlib.Path, size: str, threads: int) -> None:
    """Many features and many views, beside the peers that take them."""
    for name, size in [("wide", size), ("many", "S" if size == "M" else size)]:
        directory, store = loaded(results, data, name, size)
        joins.measure(results, f"join {name}_{size}", directory, store, joins.WIDE, 3, threads,
                      limit=60)


def measure(results: Results, data: pathlib.Path, size: str, names: str, threads: int) -> None:
    for name in names:
        for layout, options in LAYOUTS.items():
            directory, store = loaded(results, data, name, size, layout, options)
            label = f"{name}_{size} {layout}"
            ask(results, f"join {label}", directory, store, threads)
            if layout == "compacted":
                ask(results, f"join {label} 1 thread", directory, store, 1)
                ask(results, f"join {label} cold page cache", directory, store, threads,
                    ["--drop-cache"])
    for name in "fg":
        directory, store = loaded(results, data, name, size)
        ask(results, f"join {name}_{size} plain", directory, store, threads)
        ask(results, f"join {name}_{size} as known", directory, store, threads, ["--as-known"])
    measure_wide(results, data, size, threads)
