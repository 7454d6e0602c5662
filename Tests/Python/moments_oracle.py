"""The moments of `cogvlm calibrate` beside those of PyTorch's activations, by numpy alone.

    python3 moments_oracle.py CALIBRATION CHECKPOINT BUNDLE

CALIBRATION is a file over the one video and question of BUNDLE (Formats/references.md), made with --mode
float32; the bundle has the frames and every layer's output as PyTorch computed them in float32. What goes
into the layers is computed here from them: the whole first layer of the tower from the frames, the adapter
from the convolution's output, a layer of the language model from the output of the one before, the head from
the norm.

Prints a line for each input: the largest difference of means, second moments and largest magnitudes.
Exit status: 0 all are within 1e-5 (largest magnitudes 1e-4, which one value decides), 1 not all.
"""

import math
import pathlib
import sys

import numpy

import tools  # noqa: F401
from numpy_oracle import safetensors
from read_calibration import open_calibration

TOLERANCE, LARGEST_TOLERANCE = 1e-5, 1e-4
TOWER = "model.vision.transformer.layers.0."
ERF = numpy.frompyfunc(math.erf, 1, 1)


def values(paths):
    """All tensors of some files by name, in float64."""
    return {name: tensor.values.astype("<f8") for path in paths for name, tensor in safetensors(path)}


def gelu(x):
    return x * 0.5 * (1 + ERF(x / math.sqrt(2)).astype("<f8"))


def layer_norm(x, weight, bias, epsilon):
    centered = x - x.mean(-1, keepdims=True)
    return centered / numpy.sqrt((centered**2).mean(-1, keepdims=True) + epsilon) * weight + bias


def rms_norm(x, weight, epsilon=1e-5):
    return x / numpy.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * weight


def tower(weights, images, heads):
    """The inputs of the four linear layers of the tower's first layer, from the frames `[T, 3, S, S]`."""
    kernel = weights["model.vision.patch_embedding.proj.weight"]
    width, _, patch, _ = kernel.shape
    frames, channels, size, _ = images.shape
    grid = size // patch
    windows = images.reshape(frames, channels, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5)
    patches = windows.reshape(frames, grid * grid, -1) @ kernel.reshape(width, -1).T
    patches = patches + weights["model.vision.patch_embedding.proj.bias"]
    first = numpy.broadcast_to(weights["model.vision.patch_embedding.cls_embedding"], (frames, 1, width))
    position = weights["model.vision.patch_embedding.position_embedding.weight"]
    x = numpy.concatenate([first, patches], 1) + position

    def linear(name, x):
        return x @ weights[f"{TOWER}{name}.weight"].T + weights[f"{TOWER}{name}.bias"]

    fused = linear("attention.query_key_value", x).reshape(frames, -1, 3, heads, width // heads)
    query, key, value = fused.transpose(2, 0, 3, 1, 4)
    scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(width // heads)
    scores = numpy.exp(scores - scores.max(-1, keepdims=True))
    context = (scores / scores.sum(-1, keepdims=True)) @ value
    context = context.transpose(0, 2, 1, 3).reshape(frames, -1, width)
    attended = linear("attention.dense", context)
    norm = [weights[f"{TOWER}input_layernorm.{part}"] for part in ("weight", "bias")]
    hidden = x + layer_norm(attended, *norm, 1e-6)
    return {
        "attention.query_key_value": x,
        "attention.dense": context,
        "mlp.fc1": hidden,
        "mlp.fc2": gelu(linear("mlp.fc1", hidden)),
    }


def inputs(weights, bundle, heads):
    """Pairs of a weight's name and a kind with the rows that go into the layer."""
    for name, rows in tower(weights, bundle["images"], heads).items():
        yield f"{TOWER}{name}.weight", "image", rows
    pooled = bundle["model.vision.conv"]
    pooled = pooled.reshape(*pooled.shape[:2], -1).transpose(0, 2, 1)
    yield "model.vision.linear_proj.linear_proj.weight", "image", pooled
    projected = pooled @ weights["model.vision.linear_proj.linear_proj.weight"].T
    norm = [weights[f"model.vision.linear_proj.norm1.{part}"] for part in ("weight", "bias")]
    hidden = gelu(layer_norm(projected, *norm, 1e-5))
    yield "model.vision.linear_proj.gate_proj.weight", "image", hidden
    types = bundle["token_type_ids"]
    layer = "model.layers.1."
    normed = rms_norm(bundle["model.layers.0"], weights[f"{layer}input_layernorm.weight"])
    for kind, wanted in (("image", 1), ("text", 0)):
        rows = normed[types == wanted]
        yield f"{layer}self_attn.language_expert_query_key_value.weight", kind, rows
    yield "lm_head.weight", "text", bundle["model.norm"][-1:]


def difference(found, expected, tolerance):
    """The largest difference over the largest expected magnitude, as a share of what is tolerated."""
    return float(numpy.abs(found - expected).max() / numpy.abs(expected).max() / tolerance)


def main():
    calibration = open_calibration(sys.argv[1])
    folder, bundle = sys.argv[2], values(sys.argv[3:4])
    weights = values(sorted(str(path) for path in pathlib.Path(folder).glob("*.safetensors")))
    worst = 0.0
    for name, kind, rows in inputs(weights, bundle, heads=4):
        moments, rows = calibration.moments(name, kind), rows.reshape(-1, rows.shape[-1])
        if moments.count != len(rows):
            print(f"{name} {kind}: {moments.count} tokens, expected {len(rows)}")
            worst = math.inf
            continue
        root = numpy.sqrt((rows**2).mean(0)).max()
        shares = [
            float(numpy.abs(moments.sum / moments.count - rows.mean(0)).max() / root / TOLERANCE),
            difference(moments.sum_of_squares / moments.count, (rows**2).mean(0), TOLERANCE),
            difference(moments.largest, numpy.abs(rows).max(0), LARGEST_TOLERANCE),
        ]
        print(f"{name} {kind}: {len(rows)} tokens, {max(shares):.3f} of what is tolerated")
        worst = max([worst, *shares])
    sys.exit(worst > 1)


if __name__ == "__main__":
    main()
