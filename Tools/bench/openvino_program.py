"""OpenVINO in the comparisons: tokens per second of the linear layers alone."""

from environment import install, is_installed
from measuring import HERE, json_output

# How the products are computed, and what a row of the table says of it.
PRECISIONS = {
    "default": "its default precision",
    "f32": "float32 with activations quantized to 8 bits",
}


def is_there():
    return is_installed("openvino")


class OpenVINO:
    """A program of the comparison: the layers' products, compiled with one precision."""

    files = ()

    def __init__(self, precision, layers, threads):
        self.key = f"openvino-{precision}"
        self.name = f"OpenVINO {precision}"
        self.title = f"OpenVINO, u4/64, {PRECISIONS[precision]}; no attention, RoPE, embedding"
        self.arguments = ["--layers", layers, "--threads", threads, "--precision", precision]

    def prepare(self):
        self.python = install("openvino")

    def prefill(self, tokens):
        return self._run(tokens, 1)

    def decode(self, tokens):
        return self._run(1, tokens)

    def about(self, rounds):
        runs = [result[part][self.key] for result in rounds for part in ("prefill", "decode")]
        kernels = sorted({kernel for run in runs for kernel in run["kernels"]})
        return f"{runs[0]['version']}, {runs[0]['precision']}, kernels {', '.join(kernels)}"

    def _run(self, tokens, runs):
        return json_output([
            self.python, HERE / "openvino_layers.py", *self.arguments, "--tokens", tokens, "--runs", runs,
        ])  # fmt: skip
