#!/usr/bin/env python3
"""Measures how well the estimate of `quantize --target-bits` ranks layers.

usage: Tools/experiments/sensitivity.py [--encoding int4/64] [--measure 2/2] [--json FILE] ...

Quantizes one group of linear layers of the sample model at a time, all else in BF16, and compares the file
with the float model (float32 against float32) over the questions of videos that were not calibrated on.
Prints the mean KL divergence beside the damage that `quantize --target-bits` estimates and the relative
squared error of the weights, and Spearman's rank correlation of each with the mean KL.

COGVLM_BINARY names a cogvlm to use instead of this checkout's release build.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile

from quantization import ROOT, SAMPLE, note, processor, run

FLOATS = [
    word for kind in ("linear", "vision", "adapter", "embedding", "head") for word in (f"--{kind}", "bf16")
]


def ranks(values):
    """The rank of each value from 0 on; equal ones share the mean of theirs."""
    order = sorted(values)
    return [(order.index(value) + len(order) - 1 - order[::-1].index(value)) / 2 for value in values]


def spearman(first, second):
    """Spearman's rank correlation; NaN where one side is constant."""
    a, b = ranks(first), ranks(second)
    mean = (len(a) - 1) / 2
    product = sum((x - mean) * (y - mean) for x, y in zip(a, b))
    norms = sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b)
    return product / norms**0.5 if norms else float("nan")


def measure(options, words, choice):
    """One group of layers: what it costs, and what was estimated."""
    path = words["folder"] / "tested.cogvlm"
    path.unlink(missing_ok=True)
    sets = [word for name in choice["tensors"] for word in ("--set", f"{name}={options.encoding}")]
    calibration = ["--calibration", words["calibration"]]
    quantize = ["quantize", words["float"], "-o", path, "--json", *calibration, *FLOATS, *sets]
    summary = json.loads(run(options.binary, quantize))
    changed = [tensor for tensor in summary["tensors"] if tensor["name"] in choice["tensors"]]
    sides = ["--mode", "float32", "--against", words["float"], "--against-mode", "float32"]
    asked = [*words["questions"], "--split", options.measure]
    report = json.loads(run(options.binary, ["verify", path, "--json", *sides, *asked], statuses=(0, 1)))
    candidates = {each["encoding"]: each["damage"] for each in choice["candidates"]}
    return {
        "name": choice["tensors"][0],
        "part": changed[0]["part"],
        "damage": candidates[options.encoding],
        "weights": sum(tensor["error"]["relativeRMS"] ** 2 for tensor in changed),
        "divergence": report["divergence"],
    }


def table(rows):
    lines = ["| layers | mean KL | damage | weights' relative squared error |", "| --- | --- | --- | --- |"]
    for row in sorted(rows, key=lambda row: -row["divergence"]["meanKL"]):
        figures = [row["divergence"]["meanKL"], row["damage"], row["weights"]]
        lines.append(f"| {row['name']} | {' | '.join(f'{figure:.2e}' for figure in figures)} |")
    lines += [
        "",
        "| rank correlation with mean KL | groups | damage | weights' error |",
        "| --- | --- | --- | --- |",
    ]
    parts = sorted({row["part"] for row in rows})
    for name, some in [
        ("all", rows),
        *((part, [row for row in rows if row["part"] == part]) for part in parts),
    ]:
        divergences = [row["divergence"]["meanKL"] for row in some]
        found = [spearman(divergences, [row[key] for row in some]) for key in ("damage", "weights")]
        lines.append(f"| {name} | {len(some)} | {' | '.join(f'{figure:.2f}' for figure in found)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoding", default="int4/64", help="what the layers get (default int4/64)")
    parser.add_argument("--source", default=SAMPLE / "checkpoint", help="a checkpoint (default: the sample)")
    parser.add_argument("--questions", default=SAMPLE / "questions.json")
    parser.add_argument("--videos", default=SAMPLE / "videos")
    parser.add_argument("--calibrate", default="1/2", help="the part that is calibrated with (default 1/2)")
    parser.add_argument("--measure", default="2/2", help="the part that is measured on (default 2/2)")
    parser.add_argument("--json", metavar="FILE", help="write all figures here too")
    options = parser.parse_args()
    options.binary = os.environ.get("COGVLM_BINARY", ROOT / ".build" / "release" / "cogvlm")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        words = {
            "folder": folder,
            "float": folder / "float.cogvlm",
            "calibration": folder / "moments.cogcal",
            "questions": ["--questions", options.questions, "--videos", options.videos],
        }
        run(options.binary, ["convert", options.source, "-o", words["float"]])
        calibrate = ["calibrate", words["float"], "--mode", "float32", "-o", words["calibration"]]
        run(options.binary, [*calibrate, *words["questions"], "--split", options.calibrate])
        # Of any budget: the estimates do not depend on it.
        budget = ["quantize", words["float"], "-o", folder / "budget.cogvlm", "--json", "--target-bits", "8"]
        summary = json.loads(run(options.binary, [*budget, "--calibration", words["calibration"]]))
        rows = []
        for choice in summary["budget"]["choices"]:
            note(choice["tensors"][0])
            rows.append(measure(options, words, choice))
            if options.json:
                pathlib.Path(options.json).write_text(json.dumps(rows, indent=1))
    print(f"{processor()}; {options.encoding}, videos of part {options.measure}\n\n{table(rows)}")


if __name__ == "__main__":
    sys.exit(main())
