"""`quantize --method gptq` against GPTQ as its paper writes it, in numpy and double precision, with the
inputs that PyTorch gave the layer."""

import json
import os
import subprocess
import tempfile
import unittest

import tools

try:
    import numpy as np
except ImportError as error:
    raise unittest.SkipTest(f"the second opinion on GPTQ needs numpy: {error}") from error

from native import panels
from read_native import open_native

SAMPLE = os.path.join(tools.PACKAGE, "Tests", "Fixtures", "sample")
REFERENCE = os.path.join(SAMPLE, "references", "v22_h264-direction.f32.safetensors")
DAMPING = 0.1
QUESTION = {
    "video": "v22_h264.mp4",
    "task": "direction",
    "question": "Which way does the circle move?",
    "answer": "up",
}


def cogvlm(*arguments):
    return subprocess.run([tools.release_binary(), *arguments], capture_output=True, text=True, check=False)


def read_safetensors(path):
    """The F32 and BF16 tensors of a file, read from its bytes alone."""
    with open(path, "rb") as stream:
        data = stream.read()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__" or entry["dtype"] not in ("F32", "BF16"):
            continue
        first, end = (start + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "F32":
            values = np.frombuffer(data[first:end], "<f4")
        else:
            values = (np.frombuffer(data[first:end], "<u2").astype("<u4") << 16).view("<f4")
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def checkpoint_tensors():
    folder = os.path.join(SAMPLE, "checkpoint")
    tensors = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            tensors.update(read_safetensors(os.path.join(folder, name)))
    return tensors


def scales_and_zeros(file, name):
    """Scales and zero points [rows, columns] of an int4 tensor."""
    tensor = file.tensor(name)
    rows, columns = tensor.shape
    sizes = panels._panels(tensor.encoding, tensor.group_size, tensor.shape)
    raw = file.raw(name).reshape(sizes.panels, sizes.panel_bytes)
    parts = [panels._panel(sizes, content) for content in raw]
    groups = np.arange(columns) // tensor.group_size
    scales = np.concatenate([part[0].T for part in parts])[:rows, groups]
    zeros = np.concatenate([part[1].T for part in parts])[:rows, groups]
    return scales.astype("f8"), zeros.astype("f8")


def codes(file, name):
    scales, zeros = scales_and_zeros(file, name)
    return np.rint(file.values(name) / np.where(scales > 0, scales, 1)) + zeros


def gptq(weights, hessian, scales, zeros):
    """Frantar et al. 2022, algorithm 1, with act-order and groups that keep their scales."""
    order = np.argsort(-np.diag(hessian), kind="stable")
    weights, scales, zeros = weights[:, order].copy(), scales[:, order], zeros[:, order]
    inverse = np.linalg.inv(hessian[np.ix_(order, order)])
    upper = np.linalg.cholesky(inverse).T
    result = np.zeros_like(weights)
    for column in range(weights.shape[1]):
        scale = np.where(scales[:, column] > 0, scales[:, column], 1)
        code = np.clip(np.rint(weights[:, column] / scale) + zeros[:, column], 0, 15)
        result[:, column] = code
        error = (weights[:, column] - scale * (code - zeros[:, column])) / upper[column, column]
        weights[:, column + 1 :] -= np.outer(error, upper[column, column + 1 :])
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return result[:, back]


class SecondOpinion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        questions = os.path.join(temporary.name, "questions.json")
        with open(questions, "w", encoding="utf-8") as stream:
            json.dump([QUESTION], stream)
        checkpoint = os.path.join(SAMPLE, "checkpoint")
        cls.files = {}
        for method, options in (
            ("least-squares", []),
            (
                "gptq",
                [
                    "--damping",
                    str(DAMPING),
                    "--text-weight",
                    "3",
                    "--calibration-questions",
                    questions,
                    "--videos",
                    os.path.join(SAMPLE, "videos"),
                ],
            ),
        ):
            path = os.path.join(temporary.name, method + ".cogvlm")
            done = cogvlm("quantize", checkpoint, "-o", path, "--method", method, *options)
            if done.returncode:
                raise AssertionError(done.stderr)
            cls.files[method] = open_native(path)
        cls.weights = checkpoint_tensors()
        cls.reference = read_safetensors(REFERENCE)

    def inputs(self):
        """What PyTorch gave the second layer's first matrix: its norm of the first layer's output."""
        x = self.reference["model.layers.0"].astype("f8")
        norm = self.weights["model.layers.1.input_layernorm.weight"].astype("f8")
        return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-5) * norm

    def test_codes_are_those_of_the_paper(self):
        name = "model.layers.1.self_attn.language_expert_query_key_value.weight"
        x, weights = self.inputs(), self.weights[name].astype("f8")
        frames = 3
        is_image = np.zeros(len(x), bool)
        # Begin of text, then 66 tokens of each frame and its number.
        for frame in range(frames):
            is_image[1 + frame * 67 : 1 + frame * 67 + 66] = True
        hessian = (x * np.where(is_image, 1.0, 3.0)[:, None]).T @ x
        hessian += DAMPING * np.mean(np.diag(hessian)) * np.eye(len(hessian))
        scales, zeros = scales_and_zeros(self.files["least-squares"], name)
        expected = gptq(weights, hessian, scales, zeros)
        found = codes(self.files["gptq"], name)
        equal = np.mean(expected == found)
        self.assertGreaterEqual(equal, 0.999)

        def output_error(values):
            return np.linalg.norm(x @ (scales * (values - zeros) - weights).T)

        self.assertLess(abs(output_error(found) / output_error(expected) - 1), 0.01)
        plain = codes(self.files["least-squares"], name)
        self.assertLess(output_error(found), 0.7 * output_error(plain))

    def test_the_file_says_how(self):
        recipe = self.files["gptq"].metadata["recipe"]
        self.assertTrue(recipe["method"].startswith("GPTQ"))
        self.assertEqual(recipe["calibration"]["prompts"], "1")
        self.assertEqual(float(recipe["calibration"]["textWeight"]), 3)


if __name__ == "__main__":
    unittest.main()
