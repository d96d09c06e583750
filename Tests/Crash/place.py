"""Where stores are made, and the library that harms calls."""
import os, shutil, subprocess, tempfile


def scratch(prefix, chosen=None):
    """A new folder: in memory if there is room, since a kill takes nothing that the kernel has."""
    memory = "/dev/shm"
    if chosen is None and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30:
        chosen = memory
    return tempfile.mkdtemp(prefix=prefix, dir=chosen)


def library(folder):
    """faults.c, compiled."""
    target = folder + "/faults.so"
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.c")
    compiler = os.environ.get("CC") or shutil.which("cc") or "clang"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", target, source, "-ldl"], check=True)
    return target
