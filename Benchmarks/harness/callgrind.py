"""Runs a command under callgrind and says how many instructions each function took by itself."""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import processes

ADVICE = """Instructions are counted by callgrind, which is part of valgrind; valgrind is not installed.
  apt-get install valgrind"""

# What follows a name that the compiler made several bodies of: find.arch_x86_64_v3.0
CLONE = re.compile(r"\..*")
# A module at the start of a Swift symbol: its name's length, then its name.
MODULE = re.compile(r"(\d+)(Larder\w*|larder\w*)")


def complaint() -> str | None:
    """Why nothing can be counted here, or None."""
    if shutil.which("valgrind") is None:
        return ADVICE
    if " avx2 " not in pathlib.Path("/proc/cpuinfo").read_text():
        return "Instructions are counted of the AVX2 paths; this processor has no AVX2."
    return None


def kernels() -> set[str]:
    """The functions of the C kernels, from the symbols of their objects; clones under one name."""
    objects = (processes.BENCHMARKS / ".build" / "release" / "CLarderKernels.build").rglob("*.o")
    done = subprocess.run(["nm", "--defined-only", *map(str, objects)], capture_output=True,
                          text=True, check=True)
    words = [line.split() for line in done.stdout.splitlines()]
    return {CLONE.sub("", word[2]) for word in words if len(word) == 3 and word[1] in "tTi"}


def stripped(folder: pathlib.Path) -> pathlib.Path:
    """A copy of larder-bench with symbols and without debug information, which valgrind before 3.20
    takes for damaged: it is DWARF 5."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / processes.binary().name
    subprocess.run(["strip", "--strip-debug", "-o", str(copy), str(processes.binary())], check=True)
    return copy


def count(binary: pathlib.Path, arguments: list[str],
          stdin: str = "") -> dict[tuple[str, str], int]:
    """Instructions by (file that holds the code, symbol) of one run of larder-bench."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "counts"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={path}",
                   "--dump-line=no", "--demangle=no", str(binary), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True,
                              env=os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1"})
        if done.returncode or '{"error"' in done.stdout:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise processes.Failure(f"{' '.join(arguments)}: {said[-1] if said else 'no word'}")
        return parsed(path)


def parsed(path: pathlib.Path) -> dict[tuple[str, str], int]:
    """Callgrind's file: `ob=` and `fn=` say whose the lines of cost below are; a line below
    `calls=` is the callee's, counted there. Names are written once, then by number."""
    names: dict[str, dict[str, str]] = {"ob": {}, "fn": {}}
    now = {"ob": "", "fn": ""}
    counts: collections.Counter = collections.Counter()
    is_call = False
    with path.open() as file:
        for line in file:
            if line[0].isdigit() or line[0] in "+-*":
                if is_call:
                    is_call = False
                else:
                    counts[pathlib.PurePath(now["ob"]).name, now["fn"]] += int(line.split()[1])
            elif line.startswith("calls="):
                is_call = True
            elif line[:3] in ("ob=", "fn=") or line[:4] in ("cob=", "cfn="):
                what, text = line.rstrip("\n").split("=", 1)
                number, _, name = text.partition(" ")
                known = names[what[-2:]]
                if name:
                    known[number] = name
                if what in now:
                    now[what] = known[number]
    return dict(counts)


def module(symbol: str) -> str | None:
    """The module a Swift symbol was written in, or None if it is none of Larder's."""
    if not symbol.startswith("$s"):
        return None
    for found in MODULE.finditer(symbol):
        length = int(found[1])
        if length <= len(found[2]):
            return found[2][:length]
    return None


def readable(symbols: list[str]) -> dict[str, str]:
    """Swift symbols as people write them; a name that several have gets a number."""
    done = subprocess.run(["swift", "demangle", "--simplified", "--compact"],
                          input="\n".join(symbols), capture_output=True, text=True)
    lines = done.stdout.splitlines()
    return dict(zip(symbols, lines)) if len(lines) == len(symbols) else {}
