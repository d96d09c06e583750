"""Builds the engine's library into the wheel, which is one for every Python 3 of the platform."""

import os
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
BUILT = HERE / "pylarder" / "liblarder.so"


class BuildWithLibrary(build_py):
    """Builds liblarder.so first, unless LARDER_LIBRARY names one that is built."""

    def run(self) -> None:
        given = os.environ.get("LARDER_LIBRARY")
        if given:
            if not Path(given).is_file():
                raise FileNotFoundError(f"LARDER_LIBRARY names {given}, which is no file.")
            if Path(given).resolve() != BUILT:
                BUILT.write_bytes(Path(given).read_bytes())
        else:
            subprocess.run([str(HERE / "build_library"), str(BUILT)], check=True)
        super().run()


class PlatformDistribution(Distribution):
    """A distribution of this platform, because of the library."""

    def has_ext_modules(self) -> bool:
        return True


commands = {"build_py": BuildWithLibrary}
try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    try:
        from wheel.bdist_wheel import bdist_wheel
    except ImportError:
        bdist_wheel = None

if bdist_wheel is not None:

    class PlatformWheel(bdist_wheel):
        """A wheel that any Python 3 of the platform may use: the library knows no Python."""

        def get_tag(self):
            _, _, platform = super().get_tag()
            return "py3", "none", platform

    commands["bdist_wheel"] = PlatformWheel

setup(cmdclass=commands, distclass=PlatformDistribution)
