#!/usr/bin/env python3
"""Compares Larder's online table with LMDB, RocksDB and SQLite in one run.

    apt-get install -y liblmdb-dev librocksdb-dev libsqlite3-dev
    Benchmarks/online/compare.py --keys 1000000 10000000 --repeats 3

The engines take turns, so that a busy minute meets all of them; each figure is the median of the
repeats. Every JSON line goes to results/online.jsonl, the table to results/online.md.
"""
import argparse
import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE.parent / "results"
ENGINES = {
    "larder": "Larder",
    "lmdb": "LMDB",
    "rocksdb": "RocksDB",
    "sqlite": "SQLite",
    "sqlite-feast": "SQLite, row per feature",
}


def build():
    """Builds Larder's side and the peers'; returns their programs."""
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "OnlineWorkload"], cwd=ROOT, check=True)
    peers = pathlib.Path(tempfile.gettempdir()) / "larder-online-peers"
    sources = sorted(str(path) for path in (HERE / "peers").glob("*.c"))
    subprocess.run(
        ["cc", "-O2", "-std=gnu17", "-o", str(peers), *sources,
         "-llmdb", "-lrocksdb", "-lsqlite3", "-lpthread"], check=True)
    return ROOT / ".build/release/OnlineWorkload", peers


def measure(command, directory):
    """Runs one engine in a fresh directory; returns its lines."""
    shutil.rmtree(directory, ignore_errors=True)
    pathlib.Path(directory).mkdir(parents=True)
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
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--directory", default=tempfile.gettempdir(), help="on the disk to measure")
    parser.add_argument("--note", default="", help="what else the machine was doing")
    arguments = parser.parse_args()
    larder, peers = build()
    lines = []
    for keys in arguments.keys:
        for repeat in range(arguments.repeats):
            for engine in arguments.engines:
                # Feast's shape takes minutes for each million of rows, and says nothing new then.
                if engine == "sqlite-feast" and keys > 1_000_000:
                    continue
                directory = f"{arguments.directory}/larder-online-{engine}"
                command = ([larder, "bench", directory, keys] if engine == "larder"
                           else [peers, engine, directory, keys])
                found = measure(command, directory)
                lines += [dict(line, repeat=repeat) for line in found]
                print(f"{ENGINES[engine]}, {keys:,} keys, repeat {repeat + 1}", file=sys.stderr)
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / "online.jsonl", "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")
    text = (
        "# The online table beside its peers\n\n"
        "Medians of one run in which the engines took turns; in brackets how many times better "
        f"Larder is. {platform.processor() or platform.machine()}, {platform.release()}. "
        f"{arguments.note}\n\nKeys have 39 bytes and rows ten doubles. Larder's figures include "
        "the checksum of every row read; RocksDB's reads do not verify theirs, and LMDB and SQLite "
        "have none. LMDB, RocksDB and SQLite load rows sorted by key, Larder in random order. A "
        "dash: the engine has no such thing, as one process of RocksDB cannot read while another "
        "writes.\n")
    for keys in arguments.keys:
        text += table(lines, keys)
    (RESULTS / "online.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
