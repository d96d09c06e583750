"""Bytes per row and column beside other formats, scans on one core, and what one commit takes."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pyarrow.parquet as pq

from . import columns, formats, processes
from .results import Results


def on_one_core() -> None:
    """Whatever threads a library starts: figures are of one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def ask(*arguments, is_on_one_core: bool = False) -> dict:
    return answer([str(processes.binary()), *map(str, arguments)], is_on_one_core)


def answer(command: list[str], is_on_one_core: bool) -> dict:
    """The JSON line that a command prints last."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=processes.BENCHMARKS,
                          preexec_fn=on_one_core if is_on_one_core else None)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise processes.Failure(said[-1] if said else f"it ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(results: Results, data: pathlib.Path, rows: int) -> None:
    for each in (100, 10):
        cell = f"size {rows} rows, {each} of an entity"
        if results.has(cell):
            continue
        folder = data / f"columns_{rows}_{each}"
        path = columns.make(folder, rows, each)
        names = columns.SCALARS + columns.ALONE
        plain = {name: column.nbytes for name, column in
                 zip(names, pq.read_table(path, columns=names).select(names).columns)}
        plain["entity_id"] = rows * 8
        line = {"cell": cell, "columns": names, "rows": rows, "bytes": {}, "scan": {}, "rates": {},
                "refused": {}, "versions": {}}
        for engine in ["larder hot", "larder cold"] + list(formats.FORMATS):
            try:
                found = weighed(engine, folder, path)
            except processes.Failure as failure:
                line["refused"][engine] = str(failure)
                continue
            line["bytes"][engine] = of_a_row(found, rows)
            for name, seconds in ways(engine, found):
                line["scan"][name] = seconds
                line["rates"][name] = rates(found | {"scan": seconds}, plain)
            if "version" in found:
                line["versions"][engine] = found["version"]
            if found.get("refused"):
                line["refused"][engine] = "; ".join(
                    f"{name}: {why}" for name, why in found["refused"].items())
        results.add(line)


def weighed(engine: str, folder: pathlib.Path, path: pathlib.Path) -> dict:
    """One engine's answer; what it wrote is removed."""
    written = folder / "written"
    shutil.rmtree(written, ignore_errors=True)
    try:
        if engine.startswith("larder"):
            cold = ["--cold"] if engine.endswith("cold") else []
            return ask("columns", written, path, "--threads", 1, *cold, is_on_one_core=True)
        return answer([sys.executable, "-m", "harness.formats", engine, str(path), str(written)], True)
    finally:
        shutil.rmtree(written, ignore_errors=True)


def ways(engine: str, found: dict) -> list[tuple[str, dict]]:
    """The seconds of each way in which columns were read back, under the engine's name or beside."""
    if "scan" in found:
        return [(engine, found["scan"])]
    return [(engine, found["whole"]), (f"{engine}, stream", found["stream"]),
            (f"{engine}, first stream", found["first"])]


def of_a_row(found: dict, rows: int) -> dict:
    """Bytes per row of each column; the sum only where every scalar was taken.

    What Larder keeps of the entities is its index.
    """
    found["bytes"].setdefault("entity_id", found["bytes"].get("entity index", 0))
    each = {name: count / rows for name, count in found["bytes"].items()
            if name in columns.SCALARS + columns.ALONE}
    if all(name in each for name in columns.SCALARS):
        each["sum of scalars"] = sum(each[name] for name in columns.SCALARS)
    return each


def rates(found: dict, plain: dict[str, int]) -> dict:
    """GB/s of each column read back, by the bytes that it takes in memory, with what comes beside."""
    beside = sum(plain[name] for name in found.get("beside", []))
    shown = {}
    for name, seconds in found["scan"].items():
        if name == "all":
            asked = set(columns.SCALARS)
            if "beside" in found:
                asked = {column for column in found["scan"] if column not in ("all", "link")}
            count = sum(plain[column] for column in asked)
        else:
            count = plain[name]
        shown["all scalars" if name == "all" else name] = (count + beside) / seconds / 1e9
    return shown


def commits(results: Results, data: pathlib.Path) -> None:
    """Milliseconds of a durable commit of 1,000 rows, without and with new keys."""
    for new_keys in (False, True):
        cell = f"commit of 1000 rows, {'new keys' if new_keys else 'known keys'}"
        if results.has(cell):
            continue
        store = data / "commits.larder"
        shutil.rmtree(store, ignore_errors=True)
        results.add({"cell": cell} | ask("commits", store, *(["--new-keys"] if new_keys else [])))
        shutil.rmtree(store)
