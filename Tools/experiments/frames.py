#!/usr/bin/env python3
"""Measures accuracy by the number of frames that the model is shown: a table of rules of frames.

usage: Tools/experiments/frames.py MODEL --questions FILE --runs FOLDER [--frames RULE ...] [-- OPTION ...]

Asks every question under each rule (default: uniform:1 to uniform:24, chat and base) with `cogvlm eval`, in
a run of its own in FOLDER, and scores it with `cogvlm score`. The same command goes on where it was stopped,
and takes further rules; several machines may work on it with `-- --shard 0/4` and so on. Options behind
`--` go to every `cogvlm eval`.

The averages of two rules differ by chance; the last columns compare each rule question by question with the
first: what only it has right, what only the first has, and how likely flips are as uneven by chance.

COGVLM_BINARY names a cogvlm to use instead of this checkout's release build.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from quantization import ROOT, note, processor, run

RULES = ["chat", "base", *(f"uniform:{count}" for count in (1, 2, 4, 8, 16, 24))]
COLUMNS = [
    "frames",
    "shown on average",
    "right",
    "questions",
    "accuracy",
    "95 % interval",
    "failed",
    "missing",
    "only here",
    "only first",
    "by chance",
]


def ask(options, rule, folder):
    """Asks what is not answered yet. Leaves as `eval` does when that is stopped or refused."""
    words = [options.model, "--questions", options.questions, "--frames", rule, "--run", folder]
    if options.videos:
        words += ["--videos", options.videos]
    command = [str(options.binary), "eval", *map(str, words), *options.rest, "--json"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    # 3: some have failed, or are another shard's, which the table says.
    if done.returncode not in (0, 3):
        sys.exit(done.returncode)


def shown(options, folder):
    """How many frames there were on average in what was answered."""
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary, "results.jsonl")
        run(options.binary, ["merge", folder, "-o", path], statuses=(0, 3))
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    counts = [len(line["frames"]) for line in lines if line["status"] == "ok"]
    return sum(counts) / len(counts) if counts else 0.0


def row(options, rule, folder, first):
    """What the table has of one rule."""
    scoring = ["--rule", options.rule] if options.rule else []
    score = json.loads(run(options.binary, ["score", folder, "--json", *scoring], statuses=(0, 3)))
    result = {
        "frames": rule,
        "shown": shown(options, folder),
        "rule": score["rule"],
        "correct": sum(answer["correct"] for answer in score["answers"]),
        "questions": len(score["answers"]),
        "accuracy": score["accuracy"],
        "intervals": score["intervals"],
        "failed": score["failed"],
        "missing": score["missing"],
    }
    if first is not None:
        pair = json.loads(run(options.binary, ["score", folder, first, "--json", *scoring], statuses=(0, 3)))[
            "total"
        ]
        result["pair"] = {key: pair[key] for key in ("onlyFirst", "onlySecond", "probability")}
    return result


def cells(row):
    interval = row["intervals"]["overall"]
    pair = row.get("pair")
    flips = [pair["onlyFirst"], pair["onlySecond"], f"{pair['probability']:.3f}"] if pair else ["", "", ""]
    return [
        row["frames"],
        f"{row['shown']:.1f}",
        row["correct"],
        row["questions"],
        f"{100 * row['accuracy']['overall']:.1f} %",
        f"{100 * interval['low']:.1f} to {100 * interval['high']:.1f} %",
        row["failed"],
        row["missing"],
        *flips,
    ]


def table(rows):
    lines = [f"| {' | '.join(COLUMNS)} |", f"| {' | '.join('---' for _ in COLUMNS)} |"]
    lines += [f"| {' | '.join(map(str, cells(row)))} |" for row in rows]
    return "\n".join(lines)


def parsed(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="the native model file")
    parser.add_argument("--questions", required=True, help="as of cogvlm eval")
    parser.add_argument("--videos", help="as of cogvlm eval")
    parser.add_argument("--runs", required=True, metavar="FOLDER", help="a run for each rule goes here")
    parser.add_argument("--frames", nargs="+", default=RULES, metavar="RULE", help=" ".join(RULES))
    parser.add_argument("--rule", help="of cogvlm score; by default that of the benchmark")
    parser.add_argument("--json", metavar="FILE", help="write all figures here too")
    own, rest = arguments, []
    if "--" in arguments:
        place = arguments.index("--")
        own, rest = arguments[:place], arguments[place + 1 :]
    options = parser.parse_args(own)
    options.rest = rest
    options.binary = os.environ.get("COGVLM_BINARY", ROOT / ".build" / "release" / "cogvlm")
    return options


def main(arguments):
    options = parsed(arguments)
    runs = pathlib.Path(options.runs)
    runs.mkdir(exist_ok=True)
    rows, first = [], None
    for rule in dict.fromkeys(options.frames):
        note(f"frames {rule}")
        folder = runs / rule.replace(":", "-")
        ask(options, rule, folder)
        rows.append(row(options, rule, folder, first))
        first = first or folder
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"{processor()}; {pathlib.Path(options.model).name}, rule {rows[0]['rule']}\n\n{table(rows)}")
    return 3 if any(row["failed"] or row["missing"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
