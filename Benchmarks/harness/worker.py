"""One peer in a process of its own: python -m harness.worker FORM DIRECTORY THREADS

Commands come as lines on stdin, one JSON line answers each:
  prepare          {"seconds": s}
  run              {"seconds": s}
  check            {"verdict": "exact"}   of the last run's answer
  memory           {"peak_bytes": n}
"""

import gc
import importlib
import json
import pathlib
import sys
import time

from .compare import verdict

MODULES = {"duckdb": "duckdb_forms", "polars": "polars_forms", "pandas": "pandas_forms",
           "chdb": "chdb_forms"}


def peak_bytes() -> int:
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    form, directory, threads = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    module = importlib.import_module(f".peers.{MODULES[form.split('-')[0]]}", __package__)
    peer = module.FORMS[form](directory, threads)
    answer = None

    def timed(call) -> tuple[float, object]:
        gc.collect()
        start = time.perf_counter()
        result = call()
        return time.perf_counter() - start, result

    for line in sys.stdin:
        command = line.strip()
        if command == "prepare":
            seconds, _ = timed(peer.prepare)
            reply = {"seconds": seconds}
        elif command == "run":
            answer = None
            seconds, answer = timed(peer.run)
            reply = {"seconds": seconds}
        elif command == "check":
            reply = {"verdict": verdict(directory, peer.meta, peer.table(answer), peer.ordered)}
        elif command == "memory":
            reply = {"peak_bytes": peak_bytes()}
        else:
            reply = {"error": f"no command {command!r}"}
        print(json.dumps(reply), flush=True)


main()
