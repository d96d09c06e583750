"""python -m harness: measures, then prints the table. See README.md beside."""

import argparse
import pathlib
import sys

from . import growth, instructions, joins, layouts, plots, report, sizes, workloads
from .results import Results, commit

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("what", nargs="*", default=["joins"],
                        help="joins, layouts, sizes, commits, growth, report; "
                             "instructions stands alone (default: joins)")
    parser.add_argument("--full", action="store_true",
                        help="all forms of the peers and all shapes: hours, resumable")
    parser.add_argument("--workloads", default="abcdef", help="which of a to g (default: abcdef)")
    parser.add_argument("--size", default="M", choices=list(workloads.SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=pathlib.Path, default=BENCHMARKS / ".data",
                        help="where workloads and stores are made and kept")
    parser.add_argument("--results", type=pathlib.Path,
                        help="the file of results; measuring goes on where it ends")
    parser.add_argument("--accept", action="store_true",
                        help="instructions: what is counted is what is expected from now on")
    parser.add_argument("--repeat", action="store_true",
                        help="instructions: count again over data made again, and compare")
    parser.add_argument("--jobs", type=int, help="instructions: how many are counted at a time")
    choice = parser.parse_args()
    if "instructions" in choice.what:
        if choice.what != ["instructions"]:
            parser.error("instructions stands alone")
        sys.exit(instructions.gate(choice.data, choice.accept, choice.repeat, choice.jobs))
    path = choice.results or BENCHMARKS / "results" / f"{commit()}.jsonl"
    results = Results(path)
    wanted = joins.FULL if choice.full else joins.SHORT
    for what in choice.what:
        if what == "joins":
            for name in choice.workloads:
                directory, store = joins.loaded(results, choice.data, name, choice.size)
                label = f"{name}_{choice.size}"
                joins.measure(results, f"join {label}", directory, store,
                              joins.forms({"views": [0] * (8 if name == "d" else 1)}, wanted, False),
                              choice.rounds, choice.threads)
                if choice.size == "M":
                    small = choice.data / f"{name}_Mk"
                    meta = workloads.sliced(directory, small, 10_000)
                    joins.measure(results, f"join {label}k", small, store,
                                  joins.forms(meta, wanted, True), choice.rounds, choice.threads)
            if choice.full:
                layouts.measure_wide(results, choice.data, choice.size, choice.threads)
        elif what == "layouts":
            layouts.measure(results, choice.data, choice.size, choice.workloads, choice.threads)
        elif what == "sizes":
            sizes.measure(results, choice.data, 2_000_000 if choice.size == "M" else 200_000)
        elif what == "commits":
            sizes.commits(results, choice.data)
        elif what == "growth":
            growth.measure(results, choice.data, small=not choice.full)
        elif what != "report":
            parser.error(f"nothing called {what!r} can be measured")
    text = report.everything(results)
    path.with_suffix(".md").write_text(text)
    print(text)
    for plot in plots.plots(results, path.parent):
        print(f"wrote {plot}")
    print(f"wrote {path} and {path.with_suffix('.md')}")


main()
