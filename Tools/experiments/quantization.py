#!/usr/bin/env python3
"""Measures what quantization methods cost: a table of methods by bits, on videos that were not calibrated on.

usage: Tools/experiments/quantization.py [--name GLOB] [--own-questions] [--without-eval] [--json FILE] ...

Each method of the list (default: quantization.json beside this file) quantizes the source, and the file is
compared with the float model over the held-out part of the questions' videos, every question about every
video: the weights alone (float32 against float32), the 8-bit activations alone (fast against float32, both
with the quantized weights), and both. Then it answers all questions of the file in fast arithmetic.

The list is JSON: {"prepare": [[ARGUMENT, ...], ...], "methods": [{"name", "format", "options"}, ...]}. The
commands of "prepare" are run once before, without "cogvlm"; "options" go to `cogvlm quantize`. In both these
words stand for paths and parts: {float} the float file, {questions}, {videos}, {calibrate} and {measure} the
parts of the split, {folder} the working folder.

Files go to --folder (default: a temporary one, removed at the end). COGVLM_BINARY names a cogvlm to use
instead of this checkout's release build.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SAMPLE = ROOT / "Tests" / "Fixtures" / "sample"

# What `verify` is asked for: name, mode of the quantized file, the other file ("float" or itself).
COMPARISONS = [
    ("weights", "float32", "float"),
    ("activations", "fast", "itself"),
    ("both", "fast", "float"),
]
COLUMNS = [
    "format",
    "method",
    "bits",
    "mean KL",
    "5 to 95 %",
    "capped",
    "99 %",
    "top-1",
    "PPL ratio",
    "flips (gap)",
]


def note(text):
    print(text, file=sys.stderr, flush=True)


def run(binary, arguments, statuses=(0,)):
    """What a command printed. Other exit statuses than those end the experiment."""
    command = [str(binary), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in statuses:
        sys.exit(f"exit status {done.returncode}: {' '.join(command)}\n{done.stderr}")
    return done.stdout


def filled(arguments, words):
    """Arguments with {float} and the like replaced."""
    result = []
    for argument in arguments:
        for word, value in words.items():
            argument = argument.replace("{" + word + "}", str(value))
        result.append(argument)
    return result


def linear_bits(summary):
    """Mean bits of a weight over the quantized linear layers, scales included; tables and head left out."""
    if "budget" in summary:
        return summary["budget"]["bits"]
    layers = [
        tensor
        for tensor in summary["tensors"]
        if tensor["isQuantized"] and tensor["part"] not in ("embedding", "head")
    ]
    weights = sum(tensor["shape"][0] * tensor["shape"][1] for tensor in layers)
    return 8 * sum(tensor["bytes"] for tensor in layers) / weights if weights else 16.0


def measure(options, method, words):
    """One row: quantizes, compares, answers."""
    path = pathlib.Path(words["folder"]) / "tested.cogvlm"
    path.unlink(missing_ok=True)
    start = time.monotonic()
    quantize = ["quantize", words["float"], "-o", path, "--json", *filled(method["options"], words)]
    summary = json.loads(run(options.binary, quantize))
    row = {
        "name": method["name"],
        "format": method["format"],
        "bits": linear_bits(summary),
        "fileBits": summary["bitsPerWeight"],
        "seconds": time.monotonic() - start,
    }
    questions = ["--questions", words["questions"], "--videos", words["videos"]]
    asked = ["--split", words["measure"], *([] if options.own_questions else ["--every-question"])]
    for name, mode, other in COMPARISONS:
        against = words["float"] if other == "float" else path
        start = time.monotonic()
        # 1: a layer is out of tolerance, which is what is measured here and no failure.
        sides = ["--mode", mode, "--against", against, "--against-mode", "float32"]
        report = json.loads(
            run(options.binary, ["verify", path, "--json", *sides, *questions, *asked], statuses=(0, 1))
        )
        gaps = [question["flip"]["gap"] for question in report["questions"] if question["flip"]]
        row[name] = {
            "divergence": report["divergence"],
            "intervals": report["intervals"],
            "features": report["features"],
            "flips": len(gaps),
            "largestFlipGap": max(gaps, default=0),
            "questions": len(report["questions"]),
            "seconds": time.monotonic() - start,
        }
    if not options.without_eval:
        row["accuracy"] = accuracy(options, path, "fast", questions)
    return row


def accuracy(options, path, mode, questions):
    """Right answers and questions, over all videos."""
    result = json.loads(run(options.binary, ["eval", path, "--mode", mode, "--json", *questions]))
    return [sum(answer["correct"] for answer in result["answers"]), result["questions"]]


def figures(row, name):
    """The cells of one comparison."""
    divergence, intervals = row[name]["divergence"], row[name]["intervals"]

    def small(value):
        return f"{float(value):.2e}"

    interval = (intervals or {}).get("meanKL")
    return [
        small(divergence["meanKL"]),
        f"{small(interval['low'])} to {small(interval['high'])}" if interval else "-",
        small(divergence["cappedMeanKL"]),
        small(divergence["percentile99KL"]),
        f"{100 * divergence['top1Agreement']:.2f} %",
        f"{float(divergence['perplexityRatio']):.4f}",
        f"{row[name]['flips']} ({float(row[name]['largestFlipGap']):.2f})",
    ]


def markdown(rows):
    """One table for each comparison, as they are read: the bits first."""
    titles = {
        "weights": "Weights alone",
        "activations": "8-bit activations alone",
        "both": "Weights and activations",
    }
    lines = []
    for name, _, _ in COMPARISONS:
        first = rows[0][name]
        positions = first["divergence"]["positions"]
        lines += [f"**{titles[name]}** ({first['questions']} questions, {positions} positions)", ""]
        lines += [f"| {' | '.join(COLUMNS)} |", "| --- " * len(COLUMNS) + "|"]
        for row in rows:
            cells = [row["format"], row["name"], f"{row['bits']:.3f}", *figures(row, name)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    lines += ["| format | method | bits | bits of the file | right answers | seconds |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        right = "{} of {}".format(*row["accuracy"]) if "accuracy" in row else "-"
        cells = [row["format"], row["name"], f"{row['bits']:.3f}", f"{row['fileBits']:.3f}", right]
        lines.append(f"| {' | '.join(cells)} | {row['seconds']:.1f} |")
    return "\n".join(lines)


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", default=HERE / "quantization.json", help="the list of methods")
    parser.add_argument(
        "--name", action="append", default=[], metavar="GLOB", help="only methods that fit, as 'gptq*'"
    )
    parser.add_argument("--format", action="append", default=[], metavar="GLOB", help="only these formats")
    parser.add_argument("--source", default=SAMPLE / "checkpoint", help="a checkpoint (default: the sample)")
    parser.add_argument("--questions", default=SAMPLE / "questions.json")
    parser.add_argument("--videos", default=SAMPLE / "videos")
    parser.add_argument("--calibrate", default="1/2", help="the part {calibrate} stands for (default 1/2)")
    parser.add_argument("--measure", default="2/2", help="the part that is measured on (default 2/2)")
    parser.add_argument(
        "--own-questions", action="store_true", help="ask each video only its own questions of the file"
    )
    parser.add_argument("--without-eval", action="store_true", help="answer no questions")
    parser.add_argument("--folder", help="keep the files here")
    parser.add_argument("--json", metavar="FILE", help="write all figures here too")
    options = parser.parse_args()
    options.binary = os.environ.get("COGVLM_BINARY", ROOT / ".build" / "release" / "cogvlm")
    return options


def chosen(options, methods):
    def fits(patterns, text):
        return not patterns or any(fnmatch.fnmatch(text, pattern) for pattern in patterns)

    found = [
        method
        for method in methods
        if fits(options.name, method["name"]) and fits(options.format, method["format"])
    ]
    if not found:
        sys.exit("no method of the list fits --name and --format")
    return found


def main():
    options = parse()
    listed = json.loads(pathlib.Path(options.methods).read_text())
    methods = chosen(options, listed["methods"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        words = {
            "float": folder / "float.cogvlm",
            "questions": options.questions,
            "videos": options.videos,
            "calibrate": options.calibrate,
            "measure": options.measure,
            "folder": folder,
        }
        words["float"].unlink(missing_ok=True)
        run(options.binary, ["convert", options.source, "-o", words["float"]])
        for command in listed.get("prepare", []):
            note("cogvlm " + " ".join(command))
            run(options.binary, filled(command, words))
        questions = ["--questions", options.questions, "--videos", options.videos]
        print(f"{processor()}; videos of part {options.measure} of {options.questions}", end="")
        if not options.without_eval:
            right = accuracy(options, words["float"], "float32", questions)
            print("; the float model answers {} of {} right".format(*right), end="")
        print("\n", flush=True)
        rows = []
        for method in methods:
            note(f"{method['format']} {method['name']}")
            rows.append(measure(options, method, words))
            if options.json:
                pathlib.Path(options.json).write_text(json.dumps(rows, indent=1))
        print(markdown(rows))


if __name__ == "__main__":
    main()
