"""Results as JSON lines, one a cell; a cell that is already there is not measured again."""

import json
import pathlib
import platform
import statistics
import subprocess


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True,
                          text=True, cwd=pathlib.Path(__file__).parent)
    dirty = subprocess.run(["git", "status", "--porcelain", "--", "../../Sources"],
                           capture_output=True, text=True, cwd=pathlib.Path(__file__).parent)
    return done.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    cores = sum(line.startswith("processor") for line in open("/proc/cpuinfo"))
    memory = int(next(line for line in open("/proc/meminfo")).split()[1]) // 2**20
    return f"{model}, {cores} cores, {memory} GiB"


class Results:
    """The lines of one file."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.lines = []
        if path.exists():
            self.lines = [json.loads(line) for line in path.read_text().splitlines()]
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.add({"cell": "machine", "machine": machine(), "commit": commit()})

    def has(self, cell: str) -> bool:
        return any(line["cell"] == cell for line in self.lines)

    def add(self, line: dict) -> None:
        self.lines.append(line)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def all(self, prefix: str) -> list[dict]:
        return [line for line in self.lines if line["cell"].startswith(prefix)]


def summary(seconds: list[float]) -> dict:
    return {"median": statistics.median(seconds), "least": min(seconds), "most": max(seconds),
            "runs": len(seconds)}
