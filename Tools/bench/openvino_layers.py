"""Runs the language model's linear layers in OpenVINO and prints, as JSON, how fast. For openvino_program.py,
which calls it in the environment that has OpenVINO.

usage: python openvino_layers.py --layers N --tokens N --runs N --threads N --precision default|f32

Weights are u4 in groups of 64 with zero points, in the form that NNCF writes and that OpenVINO keeps
compressed on processors: convert, subtract, multiply, reshape, and the product. Between the products are RMS
norms, the activation of the MLP and the additions, and the head follows for the last token. Attention has no
part: a sum of queries, keys and values takes the place of what it gives. The model is compiled for any
number of tokens. One run warms up.
"""

import argparse
import json
import sys
import time

import numpy
import openvino
import u4
from openvino import opset13 as ops
from shapes import KEY_VALUE_WIDTH, MLP, NORM_EPSILON, VOCABULARY, WIDTH

# What a product of random numbers may be off at most (relative L2): 8-bit activations and bfloat16 both are
# below 1e-2, and weights that were read wrongly above 1.
LARGEST_ERROR = 2e-2


class Graph:
    """Parts of a model in OpenVINO's operations."""

    def __init__(self):
        self.random = numpy.random.Generator(numpy.random.SFC64(1))
        self.weight_bytes = 0
        # A constant of 4-bit numbers refers to the array that it was made of.
        self.kept = []

    def packed(self, data, shape):
        self.kept.append(data)
        return openvino.op.Constant(openvino.Tensor(data, openvino.Shape(shape), openvino.Type.u4))

    def product(self, x, matrix):
        """x W^T with the weights in the form that stays compressed."""
        self.weight_bytes += matrix.byte_count
        values = ops.convert(self.packed(matrix.packed, matrix.grouped_shape), "f16")
        zeros = ops.convert(self.packed(matrix.zeros, matrix.scale_shape), "f16")
        scaled = ops.multiply(ops.subtract(values, zeros), ops.constant(matrix.scales))
        weight = ops.reshape(scaled, ops.constant(numpy.array(matrix.shape)), False)
        return ops.matmul(x, ops.convert(weight, "f32"), False, True)

    def linear(self, x, rows, columns):
        return self.product(x, u4.Matrix.random(self.random, rows, columns))

    def norm(self, x):
        """An RMS norm in the operations that OpenVINO makes one of."""
        square = ops.power(x, ops.constant(numpy.float32(2)))
        mean = ops.reduce_mean(square, ops.constant(numpy.array([-1])), True)
        root = ops.sqrt(ops.add(mean, ops.constant(numpy.float32(NORM_EPSILON))))
        normed = ops.multiply(x, ops.divide(ops.constant(numpy.float32(1)), root))
        return ops.multiply(ops.constant(numpy.ones((1, 1, WIDTH), numpy.float32)), normed)

    def layer(self, x):
        y = self.norm(x)
        queries = self.linear(y, WIDTH, WIDTH)
        keys, values = (self.linear(y, KEY_VALUE_WIDTH, WIDTH) for _ in range(2))
        pairs = WIDTH // (2 * KEY_VALUE_WIDTH)
        mixed = ops.add(queries, ops.concat([keys, values] * pairs, -1))
        x = ops.add(x, self.linear(mixed, WIDTH, WIDTH))
        y = self.norm(x)
        gate, up = (self.linear(y, MLP, WIDTH) for _ in range(2))
        return ops.add(x, self.linear(ops.multiply(ops.swish(gate), up), WIDTH, MLP))

    def model(self, layers):
        """From embedded tokens [1, tokens, WIDTH] to the logits after the last of them."""
        x = parameter = ops.parameter([1, -1, WIDTH], openvino.Type.f32)
        for _ in range(layers):
            x = self.layer(x)
        first, behind, step, axis = (ops.constant(numpy.array([n])) for n in (-1, 2**31 - 1, 1, 1))
        last = ops.slice(x, first, behind, step, axis)
        return openvino.Model([self.linear(self.norm(last), VOCABULARY, WIDTH)], [parameter], "layers")


def compile_model(model, threads, precision):
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if precision != "default":
        settings["INFERENCE_PRECISION_HINT"] = precision
    return openvino.Core().compile_model(model, "CPU", settings)


def products(compiled):
    """The kernels of the products, known after the first run, and the form of their weights."""
    information = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    return [
        {"kernel": node["primitiveType"].value, "weights": node["runtimePrecision"].value}
        for node in information
        if node["layerType"].value == "FullyConnected"
    ]


def check_product(threads, precision):
    """Relative L2 of a small product from what numpy makes of the same packed weights."""
    graph = Graph()
    matrix = u4.Matrix.random(graph.random, 256, 512)
    parameter = ops.parameter([-1, 512], openvino.Type.f32)
    model = openvino.Model([graph.product(parameter, matrix)], [parameter], "check")
    x = graph.random.standard_normal((16, 512)).astype(numpy.float32)
    found = compile_model(model, threads, precision)([x])[0]
    expected = x @ matrix.floats().T
    return float(numpy.linalg.norm(found - expected) / numpy.linalg.norm(expected))


def measure(compiled, tokens, runs):
    """Seconds of all counted runs together."""
    random = numpy.random.Generator(numpy.random.SFC64(2))
    x = random.standard_normal((1, tokens, WIDTH), dtype=numpy.float32)
    request = compiled.create_infer_request()
    request.infer([x])
    start = time.monotonic()
    for _ in range(runs):
        request.infer([x])
    seconds = time.monotonic() - start
    if not numpy.isfinite(request.get_output_tensor(0).data).all():
        sys.exit("error: OpenVINO's logits are not finite")
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--layers", "--tokens", "--runs", "--threads"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--precision", choices=["default", "f32"], default="default")
    arguments = parser.parse_args()
    error = check_product(arguments.threads, arguments.precision)
    if not error < LARGEST_ERROR:
        sys.exit(f"error: OpenVINO's product is off by {error:.2g}, at most {LARGEST_ERROR} is expected")
    graph = Graph()
    compiled = compile_model(graph.model(arguments.layers), arguments.threads, arguments.precision)
    seconds = measure(compiled, arguments.tokens, arguments.runs)
    nodes = products(compiled)
    forms = sorted({node["weights"] for node in nodes})
    if forms != ["u4"]:
        sys.exit(f"error: OpenVINO keeps weights as {', '.join(forms)}, not u4: its rates would say nothing")
    print(json.dumps({
        "version": openvino.get_version(),
        "precision": compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
        "kernels": sorted({node["kernel"] for node in nodes}),
        "activationGroup": compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE"),
        "products": len(nodes),
        "weightBytes": graph.weight_bytes,
        "error": error,
        "tokensPerSecond": arguments.tokens * arguments.runs / seconds,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
