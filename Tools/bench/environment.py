#!/usr/bin/env python3
"""Installs what a comparison needs into an environment of its own, outside of the repository.

usage: Tools/bench/environment.py llama|openvino

Installs Tools/requirements-NAME.txt with pip and prints the environment's Python. What is there is not
installed again. Files go to COGVLM_BENCH_FOLDER (default: ${TMPDIR:-/tmp}/cogvlm-bench).
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import REPOSITORY, note, run

NAMES = ["llama", "openvino"]


def bench_folder():
    """Where everything is built and made."""
    folder = os.environ.get("COGVLM_BENCH_FOLDER") or Path(tempfile.gettempdir()) / "cogvlm-bench"
    return Path(folder).absolute()


def environment_python():
    """The environment's Python, whether it is there or not."""
    return bench_folder() / "venv/bin/python"


def requirements_file(name):
    return REPOSITORY / "Tools" / f"requirements-{name}.txt"


def package_names(requirements):
    """The packages that the lines of a requirements file name, without comments and versions."""
    lines = (line.split("#")[0].strip() for line in requirements.splitlines())
    return [re.split(r"[^\w.-]", line)[0] for line in lines if line]


def is_installed(name):
    """Whether the environment has all packages of a requirements file, in whatever version."""
    look_up = "import sys, importlib.metadata as m; [m.version(name) for name in sys.argv[1:]]"
    packages = package_names(requirements_file(name).read_text(encoding="utf-8"))
    command = [environment_python(), "-c", look_up, *packages]
    try:
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        return False


def install(name):
    """The environment's Python, after installing what is missing."""
    python = environment_python()
    if not is_installed(name):
        note(f"installing {', '.join(package_names(requirements_file(name).read_text()))}")
        if not python.exists():
            run([sys.executable, "-m", "venv", python.parent.parent], stdout=sys.stderr)
        run([python, "-m", "pip", "install", "-q", "-r", requirements_file(name)], stdout=sys.stderr)
    return python


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[3:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("name", choices=NAMES)
    print(install(parser.parse_args().name))


if __name__ == "__main__":
    main()
