#!/usr/bin/env python3
"""Compares Larder's online table with LMDB, RocksDB and SQLite in one run.

    apt-get install -y liblmdb-dev librocksdb-dev libsqlite3-dev
    Benchmarks/online/compare.py                                  1 M and 10 M keys, some 12 minutes
    Benchmarks/online/compare.py --keys 20000 --minutes 1         to see that all of it runs

The engines take turns, so that a busy minute meets all of them; each figure is the median of the
rounds. Every size gets one round; more follow while there is time for them. The JSON lines go to
results/online-<commit>.jsonl, the table to results/online-<commit>.md.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import results  # noqa: E402  (lies beside this folder)

ENGINES = {
    "larder": "Larder",
    "lmdb": "LMDB",
    "rocksdb": "RocksDB",
    "sqlite": "SQLite",
    "sqlite-feast": "SQLite, row per feature",
}
# Feast's shape takes minutes for each million of rows and says the same each time.
FEAST_KEYS = 1_000_000
ROUNDS = 5


def build():
    """Builds Larder's side and the peers'; returns their programs."""
    package = HERE.parent
    subprocess.run(["swift", "build", "-c", "release", "--product", "larder-bench"], cwd=package,
                   check=True, stdout=sys.stderr)
    peers = pathlib.Path(tempfile.gettempdir()) / "larder-online-peers"
    sources = sorted(str(path) for path in (HERE / "peers").glob("*.c"))
    subprocess.run(
        ["cc", "-O2", "-std=gnu17", "-o", str(peers), *sources,
         "-llmdb", "-lrocksdb", "-lsqlite3", "-lpthread"], check=True)
    return package / ".build/release/larder-bench", peers


def measure(command, directory):
    """Runs one engine in a fresh directory; returns its lines."""
    shutil.rmtree(directory, ignore_errors=True)
    pathlib.Path(directory).parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    shutil.rmtree(directory, ignore_errors=True)
    if done.returncode != 0:
        sys.exit(f"{command} failed with {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(lines, keys):
    """One row per figure, one column per engine, and how many times better Larder is."""
    values, units = {}, {}
    for line in lines:
        if line["keys"] == keys:
            values.setdefault(line["what"], {}).setdefault(line["engine"], []).append(line["value"])
            units[line["what"]] = line["unit"]
    names = [name for name in ENGINES.values()
             if any(name in engines for engines in values.values())]
    text = f"\n## {keys:,} keys\n\n| what | unit | " + " | ".join(names) + " |\n"
    text += "| --- | --- |" + " ---: |" * len(names) + "\n"
    for what, engines in values.items():
        own = statistics.median(engines["Larder"]) if "Larder" in engines else None
        cells = []
        for name in names:
            if name not in engines:
                cells.append("-")
                continue
            value = statistics.median(engines[name])
            cell = f"{value:.4g}"
            if own and value and name != "Larder":
                better = own / value if "/s" in units[what] else value / own
                cell += f" ({better:.3g}x)"
            cells.append(cell)
        text += f"| {what} | {units[what]} | " + " | ".join(cells) + " |\n"
    rounds = {name: max(len(engines.get(name, [])) for engines in values.values())
              for name in names}
    return text + "\nRounds: " + ", ".join(f"{name} {count}" for name, count in rounds.items()) + ".\n"


def report(lines, sizes, note):
    """The page of a run."""
    text = (
        "# The online table beside its peers\n\n"
        "Medians of one run in which the engines took turns; in brackets how many times better "
        f"Larder is. {results.machine()}; commit {results.commit()}. {note}\n\nKeys have 39 bytes "
        "and rows ten doubles. Larder is used by its public interface, and its figures include the "
        "checksum of every row read; RocksDB's reads do not verify theirs, and LMDB and SQLite have "
        "none. LMDB, RocksDB and SQLite load rows sorted by key, Larder in random order. A dash: the "
        "engine has no such thing, as one process of RocksDB cannot read while another writes.\n")
    for keys in sizes:
        text += table(lines, keys)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--minutes", type=float, default=12, help="for rounds after the first")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--directory", default=tempfile.gettempdir(), help="on the disk to measure")
    parser.add_argument("--note", default="", help="what else the machine was doing")
    arguments = parser.parse_args()
    larder, peers = build()
    lines = []
    began = time.monotonic()
    took = {}
    for number in range(ROUNDS):
        for keys in arguments.keys:
            left = arguments.minutes * 60 - (time.monotonic() - began)
            if number > 0 and took[keys] > left:
                continue
            start = time.monotonic()
            for engine in arguments.engines:
                if engine == "sqlite-feast" and (keys > FEAST_KEYS or number > 0):
                    continue
                turn = time.monotonic()
                directory = f"{arguments.directory}/larder-online-{engine}"
                command = ([larder, "online", directory, keys] if engine == "larder"
                           else [peers, engine, directory, keys])
                found = measure(command, directory)
                lines += [dict(line, round=number) for line in found]
                print(f"{ENGINES[engine]}, {keys:,} keys, round {number + 1}: "
                      f"{time.monotonic() - turn:.0f} s", file=sys.stderr)
            took[keys] = time.monotonic() - start
    folder = HERE.parent / "results"
    folder.mkdir(exist_ok=True)
    name = f"online-{results.commit()}"
    machine = {"cell": "machine", "machine": results.machine(), "commit": results.commit(),
               "note": arguments.note}
    with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as file:
        for line in [machine, *lines]:
            file.write(json.dumps(line) + "\n")
    text = report(lines, arguments.keys, arguments.note)
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
