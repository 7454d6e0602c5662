#!/usr/bin/env python3
"""Kills cogvlm at random moments and goes on: the output must be that of one run, to the byte.

usage: Tools/test_resume.py [RUNS] [--command NAME...] [--signals N] [--source SRC] [--binary FILE] [--seed N]

RUNS (20) times for each of quantize (int4), convert, and convert --to safetensors: the command is ended by
SIGKILL, SIGTERM or SIGINT at a random moment, again and again, each time taken up with --resume, until it
is done. Nothing may stand under the name before. SRC is the sample checkpoint of the tests unless given.

  --command NAME  only quantize, convert or safetensors; may be given several times
  --signals N     how many signals a run gets, about (2)
"""

import argparse
import filecmp
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMANDS = {
    "quantize": (["quantize"], "file"),
    "convert": (["convert"], "file"),
    "safetensors": (["convert", "--to", "safetensors", "--shard-size", "1MB"], "folder"),
}


def same(first, second):
    """Whether two files, or the files of two folders, have the same bytes."""
    if first.is_file():
        return filecmp.cmp(first, second, shallow=False)
    names = sorted(os.listdir(first))
    return names == sorted(os.listdir(second)) and all(
        filecmp.cmp(first / name, second / name, shallow=False) for name in names
    )


def ended(command, delay, number, numbers):
    """Runs a command and sends it a signal after a delay; returns its status, or None when it was ended."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _, errors = process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            _, errors = process.communicate()
        if process.returncode == -signal.SIGKILL:
            numbers.kills += 1
        if process.returncode == -number:
            # SIGKILL; another one before the command was ready for it.
            return None
        if process.returncode == 130:
            # Before the work began there is nothing to go on with.
            if b"interrupted" not in errors:
                raise AssertionError(f"no word about the signal: {errors!r}")
            return None
        if process.returncode != 0:
            raise AssertionError(f"{command}: {process.returncode}: {errors!r}")
        return process.returncode


def run(name, options, folder, numbers):
    """One run to its end; returns how often it was ended."""
    arguments, _ = COMMANDS[name]
    command = [options.binary, *arguments, options.source, "-o"]
    whole = folder / f"{name}.whole"
    if not whole.exists():
        start = time.monotonic()
        subprocess.run([*command, whole], check=True, stdout=subprocess.DEVNULL)
        numbers.durations[name] = time.monotonic() - start
    out = folder / f"{name}.out"
    kills = 0
    while True:
        # On a busy machine a run takes longer than the one that was measured.
        delay = numbers.uniform(0, 2 * numbers.durations[name] / options.signals) * (1 + kills / 20)
        number = numbers.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        if ended([*command, out, "--resume"], delay, number, numbers) is not None:
            break
        kills += 1
        if out.exists() and not same(whole, out):
            raise AssertionError(f"{name}: what stands under the name after {kills} signals is not whole")
        if out.exists():
            break
        if kills > 200:
            raise AssertionError(f"{name} is never done")
    if not same(whole, out):
        raise AssertionError(f"{name}: other bytes after {kills} signals")
    left = [entry for entry in os.listdir(folder) if entry.startswith(f"{name}.out.")]
    if left and not (kills and left == [f"{name}.out.part.journal"]):
        raise AssertionError(f"{name}: left behind: {left}")
    for entry in left:
        (folder / entry).unlink()
    if out.is_dir():
        for entry in out.iterdir():
            entry.unlink()
        out.rmdir()
    else:
        out.unlink()
    return kills


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("runs", nargs="?", type=int, default=20)
    parser.add_argument("--command", action="append", choices=list(COMMANDS))
    parser.add_argument("--signals", type=int, default=2)
    parser.add_argument("--source", default=str(ROOT / "Tests/Fixtures/sample/checkpoint"))
    parser.add_argument("--binary", default=str(ROOT / ".build/release/cogvlm"))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    numbers = random.Random(options.seed)
    numbers.durations, numbers.kills = {}, 0
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.command or COMMANDS:
            kills = [run(name, options, pathlib.Path(folder), numbers) for _ in range(options.runs)]
            print(f"{name}: {options.runs} runs, {sum(kills)} signals, the same bytes")
        print(f"{numbers.kills} of the signals were SIGKILL")
    return 0


if __name__ == "__main__":
    sys.exit(main())
