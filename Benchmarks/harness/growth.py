"""How the cost of a join grows: one line a point, Larder alone."""

import pathlib

from . import processes
from .joins import loaded
from .results import Results, summary

SPINE = [1_000, 10_000, 100_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000]
HISTORY = [100_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000]
ENTITIES = [10, 1_000, 10_000, 100_000, 1_000_000]
VIEWS = [1, 2, 5, 10, 20, 50]
PARTS = [1, 3, 13, 30, 90]


def point(results: Results, curve: str, x: int, directory: pathlib.Path,
          store: pathlib.Path) -> None:
    cell = f"growth {curve} {x}"
    if results.has(cell):
        return
    engine = processes.Larder(store, directory, 2)
    engine.ask("prepare")
    first = engine.ask("run")["seconds"]
    verdict = engine.ask("check")["verdict"]
    seconds = [engine.ask("run")["seconds"] for _ in range(5)]
    results.add({"cell": cell, "x": x, "first": first, "verdict": verdict}
                | summary(seconds) | engine.ask("memory"))
    engine.close()


def measure(results: Results, data: pathlib.Path, small: bool) -> None:
    """All curves; `small` leaves out what takes minutes to make."""
    for rows in [n for n in SPINE if n <= (100_000 if small else 10**8)]:
        point(results, "spine rows", rows, *loaded(results, data, "b", "M", spine_rows=rows))
    for rows in [n for n in HISTORY if n <= (1_000_000 if small else 10**8)]:
        point(results, "history rows", rows,
              *loaded(results, data, "c", "M", history_rows=rows, spine_rows=100_000))
    for count in ENTITIES:
        rows = 1_000_000 if small else 10_000_000
        point(results, "entities", count,
              *loaded(results, data, "b", "M", entities=count, history_rows=rows,
                      spine_rows=100_000))
    for count in VIEWS:
        point(results, "views", count,
              *loaded(results, data, "many", "S" if small else "M", many_views=count,
                      spine_rows=100_000))
    for parts in PARTS:
        directory, store = loaded(results, data, "b", "S" if small else "M", f"slices{parts}",
                                  ["--slices", str(parts)])
        point(results, "partitions", parts, directory, store)
    for parts in PARTS:
        directory, store = loaded(results, data, "b", "S" if small else "M", f"overlaps{parts}",
                                  ["--overlaps", str(parts)])
        point(results, "overlapping segments", parts, directory, store)
