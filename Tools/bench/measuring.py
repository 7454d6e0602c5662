"""What the comparisons with llama.cpp share: folders, running programs, medians, tables."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


def note(text):
    print(text, file=sys.stderr, flush=True)


def run(command, **options):
    """Runs a program to its end; ends this one, saying which command failed, when it fails."""
    command = [str(word) for word in command]
    try:
        return subprocess.run(command, check=True, **options)
    except FileNotFoundError as error:
        sys.exit(f"error: {command[0]}: {error.strerror}")
    except subprocess.CalledProcessError as error:
        if error.stderr:
            sys.stderr.write(error.stderr[-2000:])
        sys.exit(f"error: exit status {error.returncode} of: {' '.join(command)}")


def output(command):
    """Standard output of a program, as text."""
    return run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


def json_output(command):
    return json.loads(output(command))


def llama_folder():
    """The folder with llama-bench and llama-quantize, built when needed."""
    built = run([HERE / "build_llama"], stdout=subprocess.PIPE, text=True).stdout
    return Path(built.strip().splitlines()[-1])


def cogvlm_binary():
    """The binary that COGVLM_BINARY names, or the release build of this checkout, built when needed."""
    if "COGVLM_BINARY" in os.environ:
        return Path(os.environ["COGVLM_BINARY"]).resolve()
    build = ["swift", "build", "-c", "release", "--package-path", REPOSITORY]
    note("building cogvlm for release")
    run([*build, "--product", "cogvlm"], stdout=sys.stderr)
    return Path(output([*build, "--show-bin-path"]).strip()) / "cogvlm"


def gguf_file(folder, name, kind, layers=32):
    """A GGUF of random weights, made when it is not there."""
    path = folder / name
    if not path.exists():
        note(f"making {path}")
        run([folder / "venv/bin/python", HERE / "make_gguf.py", path, "--type", kind, "--layers", layers])
    return path


def load_average():
    return os.getloadavg()[0]


def summary(values, digits):
    """Median, smallest and largest as text."""
    return [f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))]


def print_table(rows):
    """Rows of text, the first the titles; columns are as wide as their longest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
