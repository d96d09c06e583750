"""Bytes per row and column, scans, and what one commit takes."""

import json
import pathlib
import shutil
import subprocess

import pyarrow.parquet as pq

from . import columns, processes
from .results import Results


def ask(*arguments) -> dict:
    done = subprocess.run([str(processes.binary()), *map(str, arguments)], capture_output=True,
                          text=True)
    if done.returncode:
        raise processes.Failure(done.stderr.strip())
    return json.loads(done.stdout.splitlines()[-1])


def measure(results: Results, data: pathlib.Path, rows: int) -> None:
    for each in (100, 10):
        cell = f"size {rows} rows, {each} of an entity"
        if results.has(cell):
            continue
        folder = data / f"columns_{rows}_{each}"
        path = columns.make(folder, rows, each)
        table = pq.read_table(path)
        sizes = {}
        for name, codec, level in [("parquet zstd-1", "zstd", 1), ("parquet zstd-3", "zstd", 3),
                                   ("parquet snappy", "snappy", None)]:
            sizes[name] = columns.parquet_bytes(table, folder, codec, level)
        scans = {}
        for name, options in [("larder hot", []), ("larder cold", ["--cold"])]:
            store = folder / "columns.larder"
            shutil.rmtree(store, ignore_errors=True)
            reply = ask("columns", store, path, *options)
            sizes[name] = reply["bytes"]
            scans[name] = reply["scan"]
            shutil.rmtree(store)
        names = columns.SCALARS + ["link"]
        line = {"cell": cell, "columns": names, "rows": rows, "bytes": {}, "scan": scans}
        for engine, found in sizes.items():
            each_row = {name: found[name] / rows for name in names if name in found}
            each_row["sum of scalars"] = sum(
                each_row.get(name, 0) for name in columns.SCALARS)
            line["bytes"][engine] = each_row
        results.add(line)


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
