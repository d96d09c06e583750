"""What importing the module costs, and what it brings along."""

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_takes_less_than_a_fifth_of_a_second():
    code = (
        "import time; start = time.process_time(); import pylarder; "
        "print(time.process_time() - start)"
    )
    assert min(float(run(code)) for _ in range(3)) < 0.2


def test_import_brings_no_other_package():
    code = (
        "import sys, pylarder; "
        "print([m for m in ('pyarrow', 'pandas', 'polars', 'feast', 'numpy') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_the_feast_plugin_is_not_imported_by_the_package():
    assert run("import sys, pylarder; print('pylarder.feast' in sys.modules)") == "False"
