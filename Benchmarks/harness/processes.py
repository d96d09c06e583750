"""Engines as processes: a peer's worker or Larder's own, both driven by lines on stdin."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from .compare import verdict

HERE = pathlib.Path(__file__).resolve().parent
BENCHMARKS = HERE.parent


class Failure(Exception):
    """An engine that ended or refused, with what it said last."""


class Engine:
    """One engine on one workload, alive as long as it is measured."""

    def __init__(self, name: str, command: list[str], environment: dict | None = None):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=BENCHMARKS, env=os.environ | (environment or {}))

    def ask(self, command: str) -> dict:
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            said = (self.process.stderr.read() or "").strip().splitlines()
            raise Failure(f"{self.name} ended with {code}: {said[-1] if said else 'no word'}")
        reply = json.loads(line)
        if "error" in reply:
            raise Failure(f"{self.name}: {reply['error']}")
        return reply

    def close(self) -> None:
        try:
            self.process.stdin.close()
            self.process.wait(timeout=60)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


def peer(form: str, directory: pathlib.Path, threads: int) -> Engine:
    limits = {"POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "harness.worker", form, str(directory), str(threads)]
    return Engine(form, command, limits)


class Larder(Engine):
    """Larder's own process over a store that was loaded before."""

    def __init__(self, store: pathlib.Path, directory: pathlib.Path, threads: int,
                 options: list[str] = (), name: str = "larder"):
        super().__init__(name, [str(binary()), "join", str(store), str(directory),
                                "--threads", str(threads), *options])
        self.directory = directory

    def ask(self, command: str) -> dict:
        if command != "check":
            return super().ask(command)
        # The answer comes through a file and is held against the right one here.
        import pyarrow as pa

        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "answer.arrow"
            super().ask(f"write {path}")
            with pa.OSFile(str(path)) as file:
                answer = pa.ipc.open_file(file).read_all()
        meta = json.loads((self.directory / "workload.json").read_text())
        return {"verdict": verdict(self.directory, meta, answer, ordered=True)}


def binary() -> pathlib.Path:
    return BENCHMARKS / ".build" / "release" / "larder-bench"


def load(store: pathlib.Path, directory: pathlib.Path, options: list[str] = ()) -> dict:
    """Loads a workload into a new store; says what each step took."""
    done = subprocess.run([str(binary()), "load", str(store), str(directory), *options],
                          capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"larder-bench load: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])
