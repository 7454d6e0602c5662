#!/usr/bin/env python3
"""Measures what folding rotations and scales into the weights before quantizing would save.

usage: Tools/experiments/folding.py [--fold FOLD...] [--method NAME...] [--seeds N] [--plant SCALE] ...

A FOLD changes weights and leaves what the model computes as it is (which is checked, in float32):

  none                  the model as it is
  rotate-language       values and output of each attention head of the language model, by a random Hadamard
  rotate-vision         the same of the vision tower
  norms=A               the inputs behind the language model's norms, scaled by their RMS to the power of A
  values=A              the values of every head, scaled likewise by what the output projection meets
  up=A                  the gated values in front of the language model's down projection
  adapter=A             the same of the adapter

Joined with +, several are done one after another. Each is quantized to int4 in groups of 64 and compared with
the model as it was over videos that were not calibrated on: the weights alone, float32 against float32.

--plant SCALE first scales four channels behind every norm of the language model by SCALE and their weights by
its inverse: activations with outliers, as large models have them.

COGVLM_BINARY names a cogvlm to use instead of this checkout's release build.
"""

import argparse
import json
import os
import pathlib
import shutil
import struct
import sys
import tempfile

import numpy as np
from quantization import ROOT, SAMPLE, note, processor, run

FOLDS = [
    "none",
    "rotate-language+rotate-vision",
    "norms=0.25",
    "norms=0.5",
    "values=0.25",
    "values=0.5",
    "up=0.25",
    "up=0.5",
    "adapter=0.5",
]
METHODS = {
    "absmax": ["--method", "absmax"],
    "least-squares": [],
    "moments": ["--calibration", "{calibration}"],
    "gptq": [
        *("--method", "gptq", "--split", "{calibrate}"),
        *("--calibration-questions", "{questions}", "--videos", "{videos}"),
    ],
}
LANGUAGE, VISION = "model.layers.{}.", "model.vision.transformer.layers.{}."
ADAPTER = "model.vision.linear_proj."
# Divergence of float32 sums in another order.
SAME = 1e-8


def read(path):
    """The tensors of a safetensors file in float64, and its metadata."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        raw = data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F32": "<f4", "F64": "<f8", "I64": "<i8"}[entry["dtype"]])
        tensors[name] = values.astype(np.float64).reshape(entry["shape"])
    return tensors, metadata


def read_checkpoint(folder):
    tensors = {}
    for path in sorted(pathlib.Path(folder).glob("*.safetensors")):
        tensors.update(read(path)[0])
    return tensors


def write_checkpoint(tensors, source, folder):
    """A checkpoint of one file in F32, with the configuration and the tokenizer of another."""
    folder.mkdir(exist_ok=True)
    for path in pathlib.Path(source).glob("*.json"):
        if not path.name.endswith(".index.json"):
            shutil.copy(path, folder)
    header, parts, end = {}, [], 0
    for name, values in tensors.items():
        parts.append(values.astype("<f4").tobytes())
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


class Inputs:
    """The root mean square of each channel of a layer's input, images and text alike, from a calibration."""

    def __init__(self, path):
        self.tensors, metadata = read(path)
        self.counts = json.loads(metadata["counts"])

    def scales(self, weight, power):
        """RMS to the power, with a geometric mean of 1."""
        squares = 0
        for kind in ("image", "text"):
            sums = self.tensors.get(f"{weight}.{kind}.sum_of_squares")
            if sums is not None:
                squares = squares + sums / self.counts[f"{kind}Tokens"]
        return normalized(np.sqrt(squares) ** power)


def normalized(scales):
    return scales / np.exp(np.log(np.maximum(scales, 1e-30)).mean())


def hadamard(size, random):
    """A random orthogonal matrix, or of Hadamard's where the size is a power of two."""
    if size & (size - 1):
        return np.linalg.qr(random.normal(size=(size, size)))[0]
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.sqrt(size) * random.choice([-1, 1], size)


class Model:
    """A checkpoint's tensors, and how its heads lie in them."""

    def __init__(self, source):
        self.tensors = read_checkpoint(source)
        config = json.loads((pathlib.Path(source) / "config.json").read_text())
        vision = config["vision_config"]
        self.layers, self.vision_layers = config["num_hidden_layers"], vision["num_hidden_layers"]
        self.heads, self.value_heads = config["num_attention_heads"], config["num_multi_query_heads"]
        self.head, self.hidden = config["hidden_size"] // self.heads, config["hidden_size"]
        self.vision_heads, self.vision_hidden = vision["num_heads"], vision["hidden_size"]

    def value_places(self):
        """For each head of values in both towers: weight, bias or None, its rows; output, its columns."""
        for layer in range(self.layers):
            prefix = LANGUAGE.format(layer) + "self_attn.language_expert_"
            weight, output = f"{prefix}query_key_value.weight", f"{prefix}dense.weight"
            first, shared = self.hidden + self.value_heads * self.head, self.heads // self.value_heads
            for head in range(self.value_heads):
                rows = slice(first + head * self.head, first + (head + 1) * self.head)
                columns = [
                    slice(query * self.head, (query + 1) * self.head)
                    for query in range(head * shared, (head + 1) * shared)
                ]
                yield "language", weight, None, rows, output, columns
        size = self.vision_hidden // self.vision_heads
        for layer in range(self.vision_layers):
            prefix = VISION.format(layer) + "attention."
            weight, output = f"{prefix}query_key_value", f"{prefix}dense.weight"
            for head in range(self.vision_heads):
                rows = slice(2 * self.vision_hidden + head * size, 2 * self.vision_hidden + (head + 1) * size)
                columns = [slice(head * size, (head + 1) * size)]
                yield "vision", f"{weight}.weight", f"{weight}.bias", rows, output, columns

    def rotate(self, part, random):
        for tower, weight, bias, rows, output, columns in self.value_places():
            if tower != part:
                continue
            matrix = hadamard(rows.stop - rows.start, random)
            self.tensors[weight][rows] = matrix @ self.tensors[weight][rows]
            if bias:
                self.tensors[bias][rows] = matrix @ self.tensors[bias][rows]
            for some in columns:
                self.tensors[output][:, some] = self.tensors[output][:, some] @ matrix.T

    def scale_values(self, inputs, power):
        for _, weight, bias, rows, output, columns in self.value_places():
            scales = inputs.scales(output, power)
            scales = normalized(np.exp(np.mean([np.log(scales[some]) for some in columns], axis=0)))
            self.tensors[weight][rows] /= scales[:, None]
            if bias:
                self.tensors[bias][rows] /= scales
            for some in columns:
                self.tensors[output][:, some] *= scales

    def norms(self):
        """The language model's norms, and the weights of what is behind each."""
        for layer in range(self.layers):
            prefix = LANGUAGE.format(layer)
            behind = [prefix + "self_attn.language_expert_query_key_value.weight"]
            yield prefix + "input_layernorm.weight", behind
            behind = [f"{prefix}mlp.language_mlp.{name}_proj.weight" for name in ("gate", "up")]
            yield prefix + "post_attention_layernorm.weight", behind

    def scale_norm(self, norm, behind, scales):
        self.tensors[norm] /= scales
        for weight in behind:
            self.tensors[weight] *= scales

    def scale_gated(self, inputs, power, up, down):
        scales = inputs.scales(down, power)
        self.tensors[up] /= scales[:, None]
        self.tensors[down] *= scales

    def fold(self, name, inputs, random):
        kind, _, power = name.partition("=")
        power = float(power or 0)
        if kind == "none":
            return
        if kind.startswith("rotate-"):
            self.rotate(kind.removeprefix("rotate-"), random)
        elif kind == "values":
            self.scale_values(inputs, power)
        elif kind == "norms":
            for norm, behind in self.norms():
                self.scale_norm(norm, behind, inputs.scales(behind[0], power))
        elif kind == "up":
            for layer in range(self.layers):
                prefix = LANGUAGE.format(layer) + "mlp.language_mlp."
                self.scale_gated(inputs, power, f"{prefix}up_proj.weight", f"{prefix}down_proj.weight")
        elif kind == "adapter":
            places = [f"{ADAPTER}{name}.weight" for name in ("dense_h_to_4h", "dense_4h_to_h")]
            self.scale_gated(inputs, power, *places)
        else:
            sys.exit(f"no such fold: {name}")

    def plant(self, scale, random):
        for norm, behind in self.norms():
            scales = np.ones(self.hidden)
            scales[random.choice(self.hidden, 4, replace=False)] = 1 / scale
            self.scale_norm(norm, behind, scales)


def compare(options, words, path):
    """The divergence of a file's weights from the float model."""
    sides = ["--mode", "float32", "--against", words["float"], "--against-mode", "float32"]
    asked = ["--questions", options.questions, "--videos", options.videos, "--split", options.measure]
    report = json.loads(run(options.binary, ["verify", path, "--json", *sides, *asked], statuses=(0, 1)))
    return report["divergence"]


def measure(options, words, folds, seed):
    """Folds, checks that nothing has changed, and quantizes with each method."""
    folder, path = words["folder"] / "folded", words["folder"] / "tested.cogvlm"
    model, random = Model(words["source"]), np.random.default_rng(seed)
    for fold in folds.split("+"):
        model.fold(fold, words["inputs"], random)
    write_checkpoint(model.tensors, options.source, folder)
    path.unlink(missing_ok=True)
    run(options.binary, ["convert", folder, "-o", path])
    largest = compare(options, words, path)["maxKL"]
    if largest > SAME:
        sys.exit(f"{folds} changes what the model computes: {largest}")
    for name in options.method:
        path.unlink(missing_ok=True)
        # Scales and moments of the inputs change with the fold.
        calibration = words["folder"] / "folded.cogcal"
        if name == "moments":
            calibrate(options, folder, calibration)
        filled = [word.format(calibration=calibration, **vars(options)) for word in METHODS[name]]
        run(options.binary, ["quantize", folder, "-o", path, "--preset", "int4", *filled])
        figures = compare(options, words, path)
        cells = [figures[key] for key in ("meanKL", "percentile99KL", "maxKL")]
        shown = " | ".join(f"{cell:.2e}" for cell in cells)
        print(f"| {folds} | {seed} | {name} | {shown} | {100 * figures['top1Agreement']:.2f} % |", flush=True)


def calibrate(options, source, path):
    path.unlink(missing_ok=True)
    model = path.with_suffix(".cogvlm")
    model.unlink(missing_ok=True)
    run(options.binary, ["convert", source, "-o", model])
    asked = ["--questions", options.questions, "--videos", options.videos, "--split", options.calibrate]
    run(options.binary, ["calibrate", model, "--mode", "float32", *asked, "-o", path])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fold", action="append", help="what to fold; may be given several times")
    parser.add_argument("--method", action="append", choices=METHODS, help="how to quantize (default: two)")
    parser.add_argument("--seeds", type=int, default=1, help="random rotations to try (default 1)")
    parser.add_argument("--plant", type=float, metavar="SCALE", help="plant outliers first")
    parser.add_argument("--source", default=SAMPLE / "checkpoint", help="a checkpoint (default: the sample)")
    parser.add_argument("--questions", default=SAMPLE / "questions.json")
    parser.add_argument("--videos", default=SAMPLE / "videos")
    parser.add_argument("--calibrate", default="1/2", help="the part that is calibrated with (default 1/2)")
    parser.add_argument("--measure", default="2/2", help="the part that is measured on (default 2/2)")
    options = parser.parse_args()
    options.fold = options.fold or FOLDS
    options.method = options.method or ["least-squares", "gptq"]
    options.binary = os.environ.get("COGVLM_BINARY", ROOT / ".build" / "release" / "cogvlm")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        words = {"folder": folder, "float": folder / "float.cogvlm", "source": options.source}
        if options.plant:
            model = Model(options.source)
            model.plant(options.plant, np.random.default_rng(0))
            words["source"] = folder / "planted"
            write_checkpoint(model.tensors, options.source, words["source"])
        run(options.binary, ["convert", words["source"], "-o", words["float"]])
        calibrate(options, words["source"], folder / "moments.cogcal")
        words["inputs"] = Inputs(folder / "moments.cogcal")
        print(f"{processor()}; int4/64, weights alone, videos of part {options.measure}\n")
        print("| folded | seed | method | mean KL | 99 % | maximum | top-1 |\n" + "| --- " * 7 + "|")
        for folds in options.fold:
            note(folds)
            for seed in range(options.seeds if "rotate" in folds else 1):
                measure(options, words, folds, seed)


if __name__ == "__main__":
    main()
