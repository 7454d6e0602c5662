"""What the comparisons share: running programs, naming the machine, medians, tables."""

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
    except OSError as error:
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


def load_average():
    return os.getloadavg()[0]


def parse_lscpu(text):
    """The processor's name and numbers, of what `lscpu` prints; what it leaves out is left out here."""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    names = {"processor": "Model name", "family": "CPU family", "model": "Model", "stepping": "Stepping"}
    return {name: fields[field].strip() for name, field in names.items() if field in fields}


def machine_text(machine):
    """The machine in a few words: the name alone is the same for many models."""
    numbers = [f"{name} {machine[name]}" for name in ("family", "model") if name in machine]
    return machine.get("processor", "unknown processor") + (f" ({', '.join(numbers)})" if numbers else "")


def lscpu():
    return parse_lscpu(output(["env", "LC_ALL=C", "lscpu"]))


def spread(values):
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "minimum": min(values), "maximum": max(values)}


def summary(values, digits):
    """Median, smallest and largest as text."""
    return [f"{value:.{digits}f}" for value in spread(values).values()]


def print_table(rows):
    """Rows of text, the first the titles; columns are as wide as their longest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def markdown_table(rows):
    """Rows of text, the first the titles, as a table of Markdown."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in lines)
