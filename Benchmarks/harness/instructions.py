"""A gate that noise cannot move: the instructions of Larder's kernels on small inputs from a seed.

Times swing by a tenth from hour to hour; the instructions of one thread over the same rows do not.
Valgrind shows no AVX-512 to what it runs: the AVX2 and the portable paths are counted.
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

from . import callgrind, columns, processes, workloads
from .report import aligned

EXPECTED = processes.BENCHMARKS / "results" / "instructions.json"
LIMIT = 0.03  # what may be added before the gate closes
SAME = 0.001  # what two runs may differ by
LEAST = 100_000  # instructions of a cell; what takes fewer is not held
SPINE, FEW, HISTORY, ROWS, KEYS = 40_000, 4_000, 100_000, 40_000, 40_000
ALL = "all of Larder"


@dataclasses.dataclass
class Cell:
    """One run of larder-bench."""

    name: str
    rows: int
    arguments: list[str]
    stdin: str = ""


def workload_cells(data: pathlib.Path, name: str) -> list[Cell]:
    """Loading a history, then joining many and few rows to it, twice each."""
    directory, few = data / name, data / f"{name}_few"
    workloads.make(name, "S", directory, spine_rows=SPINE, history_rows=HISTORY)
    meta = workloads.sliced(directory, few, FEW)
    store = fresh(data / f"{name}.larder")
    asked, one = "prepare\nrun\nrun\n", ["--threads", "1"]
    history = sum(view["rows"] for view in meta["views"])
    cells = [Cell(f"load {name}", history, ["load", store, str(directory), *one]),
             Cell(f"join {name}", 2 * SPINE, ["join", store, str(directory), *one], asked),
             Cell(f"join {name}, few", 2 * FEW, ["join", store, str(few), *one], asked)]
    if name == "f":
        cells.append(Cell("join f, as known", 2 * SPINE,
                          ["join", store, str(directory), *one, "--as-known"], asked))
    return cells


def column_cells(data: pathlib.Path, kind: str) -> list[Cell]:
    path = columns.make(data / "columns", ROWS)
    store = fresh(data / f"columns-{kind}.larder")
    options = ["--rounds", "1", "--threads", "1"] + (["--cold"] if kind == "cold" else [])
    return [Cell(f"columns, {kind}", ROWS, ["columns", store, str(path), *options])]


def online_cells(data: pathlib.Path) -> list[Cell]:
    store = fresh(data / "online.larder")
    return [Cell(f"online {what}", 2 * KEYS, [f"counted-{what}", store, str(KEYS)])
            for what in ("writes", "reads")]


def fresh(store: pathlib.Path) -> str:
    """Another build may encode otherwise: stores are never kept."""
    shutil.rmtree(store, ignore_errors=True)
    return str(store)


def summed(counts: dict[tuple[str, str], int], kernels: set[str]) -> dict[str, int]:
    """Kernels by name, Swift by module and by function, and the sum of all of them.

    What Swift's runtime and libc take is not Larder's to hold and differs from system to system.
    """
    found: dict[str, int] = {}

    def add(name: str, count: int) -> None:
        found[name] = found.get(name, 0) + count

    for (file, symbol), count in counts.items():
        if file != "larder-bench":
            continue
        kernel = callgrind.CLONE.sub("", symbol)
        module = callgrind.module(symbol)
        if kernel in kernels:
            add(kernel, count)
        elif module == "larder_bench":
            continue
        elif module or symbol.startswith("$s"):
            add(f"Swift {module or 'of the standard library'}", count)
            add(symbol, count)
        else:
            continue
        add(ALL, count)
    # Less than a hundredth of a cell is opening files: their names, which are random, decide there.
    large = max(LEAST, found.get(ALL, 0) // 100)
    return {name: count for name, count in found.items()
            if count >= (large if name.startswith(("$s", "Swift ")) else LEAST)}


def measured(data: pathlib.Path, jobs: int) -> dict:
    """All cells; those that need one another in turn, the others side by side."""
    kernels = callgrind.kernels()
    binary = callgrind.stripped(data)

    def run(cells: list[Cell]) -> dict:
        counted = {}
        for cell in cells:
            counts = summed(callgrind.count(binary, cell.arguments, cell.stdin), kernels)
            counted[cell.name] = {"rows": cell.rows, "instructions": counts}
            print(f"counted {cell.name}", file=sys.stderr, flush=True)
        return counted

    chains = [workload_cells(data, name) for name in "abcdef"]
    chains += [column_cells(data, kind) for kind in ("hot", "cold")] + [online_cells(data)]
    cells = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for counted in pool.map(run, chains):
            cells |= counted
    symbols = sorted({name for cell in cells.values() for name in cell["instructions"]
                      if name.startswith("$s")})
    names = callgrind.readable(symbols)
    for cell in cells.values():
        readable: dict[str, int] = {}
        for symbol, count in cell["instructions"].items():
            name = names.get(symbol, symbol)
            readable[name] = readable.get(name, 0) + count
        cell["instructions"] = dict(sorted(readable.items(), key=lambda pair: -pair[1]))
    return {"compiler": compiler(), "cells": cells}


def compiler() -> str:
    done = subprocess.run(["swift", "--version"], capture_output=True, text=True)
    return next((line for line in done.stdout.splitlines() if "Swift version" in line), "unknown")


def is_held(name: str, kernels: set[str]) -> bool:
    """Swift is held by module: inlining moves work from function to function. The functions are
    counted to say which of them grew."""
    return name in kernels or name.startswith("Swift ") or name == ALL


def complaints(found: dict, expected: dict, kernels: set[str]) -> list[str]:
    """What takes more than 3 % more than expected, each with the functions that grew in it."""
    lines = []
    for cell, now in found["cells"].items():
        before = expected["cells"].get(cell)
        if before is None:
            continue
        for name, count in now["instructions"].items():
            past = before["instructions"].get(name)
            if past is None or count <= past * (1 + LIMIT) or not is_held(name, kernels):
                continue
            lines.append(
                f"{cell}: {name} took {count:,} instructions, {count / now['rows']:.1f} a row; "
                f"expected {past:,}, {past / before['rows']:.1f} a row "
                f"({(count / past - 1) * 100:+.1f} %).")
            if name.startswith("Swift ") or name == ALL:
                lines += grown(now["instructions"], before["instructions"], kernels)
    return lines


def grown(now: dict, before: dict, kernels: set[str]) -> list[str]:
    """The three functions of a cell that grew most."""
    functions = [(count - before.get(name, 0), name) for name, count in now.items()
                 if name in kernels or not is_held(name, kernels)]
    return [f"    {more:+,} in {name}" for more, name in sorted(functions, reverse=True)[:3]
            if more > 0]


def table(found: dict, expected: dict, kernels: set[str]) -> str:
    """Instructions a row by cell, then by kernel over the cells it takes part in."""
    def change(count: int, past: int | None) -> str:
        return "new" if past is None else f"{(count / past - 1) * 100:+.2f} %"

    cells = [["cell", "rows", "instructions a row", "expected", "change"]]
    totals: dict[str, list] = {}
    for cell, now in found["cells"].items():
        before = expected["cells"].get(cell, {"instructions": {}})["instructions"]
        for name, count in now["instructions"].items():
            if not is_held(name, kernels):
                continue
            past = before.get(name)
            if name == ALL:
                cells.append([cell, f"{now['rows']:,}", f"{count / now['rows']:,.1f}",
                              "" if past is None else f"{past / now['rows']:,.1f}",
                              change(count, past)])
            else:
                total = totals.setdefault(name, [0, 0, 0, 0])
                total[0] += count
                total[1] += 1
                if past is not None:  # a cell that was not counted before changes nothing
                    total[2] += count
                    total[3] += past
    names = [["kernel, or module of Swift", "cells", "instructions", "change"]]
    for name, (count, number, now, past) in sorted(totals.items(), key=lambda pair: -pair[1][0]):
        names.append([name, str(number), f"{count:,}", change(now, past or None)])
    return aligned(cells) + "\n\n" + aligned(names)


def difference(one: dict, other: dict, kernels: set[str]) -> tuple[float, str]:
    """The greatest difference of two counts of anything held, and of what."""
    worst = (0.0, "nothing")
    for cell, now in one["cells"].items():
        then = other["cells"][cell]["instructions"]
        for name, count in now["instructions"].items():
            if is_held(name, kernels):
                worst = max(worst, (abs(then.get(name, 0) / count - 1), f"{cell}: {name}"))
    return worst


def gate(data: pathlib.Path, accept: bool, repeat: bool, jobs: int | None) -> int:
    """Counts, compares and prints; gives the exit status."""
    if complaint := callgrind.complaint():
        print(complaint, file=sys.stderr)
        return 1
    jobs = jobs or os.cpu_count() or 1
    folder = data / "instructions"
    found = measured(folder, jobs)
    kernels = callgrind.kernels()
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {"cells": {}}
    print(table(found, expected, kernels))
    if repeat:
        shutil.rmtree(folder)
        worst, what = difference(found, measured(folder, jobs), kernels)
        print(f"\nCounted again over data made again: at most {worst * 100:.4f} % apart ({what}).")
        if worst > SAME:
            return 1
    if accept:
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n")
        print(f"\nwrote {EXPECTED}")
        return 0
    if not expected["cells"]:
        print(f"\nThere is no {EXPECTED} to compare with: Benchmarks/run instructions --accept")
        return 1
    if expected["compiler"] != found["compiler"]:
        print(f"\nThe counts expected are of another compiler: {expected['compiler']}.")
    if lines := complaints(found, expected, kernels):
        print("\n" + "\n".join(lines))
        print("\nIf this is meant: Benchmarks/run instructions --accept, and commit "
              "Benchmarks/results/instructions.json with the change.")
        return 1
    print(f"\nNothing took more than {LIMIT * 100:.0f} % more instructions than expected.")
    return 0
