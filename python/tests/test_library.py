"""What liblarder.so needs and what it shows."""

import ctypes
import subprocess
from pathlib import Path

import pylarder
from pylarder import _library

PATH = Path(pylarder.__file__).parent / "liblarder.so"


def lines(*command: str) -> "list[str]":
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_it_needs_only_what_every_linux_has():
    needed = set()
    for line in lines("ldd", str(PATH)):
        name = line.split()[0]
        needed.add(Path(name).name.split(".so")[0])
    assert "not found" not in "".join(lines("ldd", str(PATH)))
    allowed = {"linux-vdso", "libc", "libm", "libgcc_s", "libstdc++", "ld-linux-x86-64"}
    assert needed <= allowed | {"libpthread", "libdl", "librt", "ld-linux-aarch64"}


def test_it_exports_the_interface_and_nothing_else():
    symbols = lines("nm", "-D", "--defined-only", "--extern-only", str(PATH))
    names = {line.split()[-1].split("@")[0] for line in symbols}
    assert names == set(_library._signatures) | {
        "larder_close",
        "larder_code_name",
        "larder_job_cancel",
        "larder_job_free",
        "larder_text_free",
        "larder_version",
    }


def test_the_version_is_the_packages():
    assert _library.library().larder_version().decode() == pylarder.__version__


def test_every_code_has_its_exception():
    for code in range(1, 21):
        name = _library.library().larder_code_name(code).decode()
        kind = getattr(pylarder, name)
        assert kind.code == code
        assert issubclass(kind, pylarder.Error)
    assert _library.library().larder_code_name(0) is None


def test_structs_have_the_headers_layout():
    assert ctypes.sizeof(_library.ErrorStruct) == 2320
    assert _library.ErrorStruct.message.offset == 272
    assert ctypes.sizeof(_library.ArrowArray) == 80
    assert ctypes.sizeof(_library.ArrowSchema) == 72
    assert ctypes.sizeof(_library.ArrowArrayStream) == 40
