"""What the tests of the Python tools share: where things lie, measures, and a small random checkpoint."""

import json
import os
import tempfile
import unittest

from tools import PACKAGE, TOOLS

TOOL = os.path.join(TOOLS, "capture_reference.py")
SHARED = os.path.join(os.path.dirname(PACKAGE), "shared")

try:
    import safetensors  # noqa: F401
    import tokenizers
    import torch
except ImportError as error:
    raise unittest.SkipTest(
        f"the Python tools' tests need torch, safetensors and tokenizers: {error}"
    ) from error

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

# The models are tiny: on a shared machine threads would only wait for each other.
torch.set_num_threads(1)

needs_shared = unittest.skipUnless(
    os.path.isdir(os.path.join(SHARED, "reference")),
    "there is no folder of reference data beside the checkout",
)

BEGIN, END, PAD, WORDS = 0, 1, 2, 64
SMALL = {
    "architectures": ["CogVLMVideoForCausalLM"],
    "bos_token_id": BEGIN,
    "eos_token_id": END,
    "pad_token_id": PAD,
    "hidden_size": 16,
    "intermediate_size": 24,
    "max_position_embeddings": 512,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_multi_query_heads": 2,
    "rms_norm_eps": 1e-5,
    "template_version": "chat",
    "vocab_size": WORDS,
    "vision_config": {
        "hidden_size": 12,
        "image_size": 56,
        "in_channels": 3,
        "intermediate_size": 20,
        "layer_norm_eps": 1e-6,
        "num_heads": 3,
        "num_hidden_layers": 2,
        "num_positions": 17,
        "patch_size": 14,
    },
}
"""A configuration of the true architecture: 4x4 patches, so 6 tokens for a frame."""


def read_bundle(path):
    """The tensors and the metadata of a safetensors file."""
    with safe_open(path, framework="pt", device="cpu") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def relative_l2(actual, reference):
    """|a - b| / |b| over the frames or tokens that both hold, as Formats/references.md defines it."""
    count = min(len(actual), len(reference))
    a, b = actual[:count].double(), reference[:count].double()
    return float((a - b).norm() / b.norm())


def small_weights():
    """Random BF16 weights for `SMALL`, the same at every call."""
    from reference.configuration import expected_tensors, read_configuration

    generator = torch.Generator().manual_seed(7)
    folder = write_folder({"config.json": json.dumps(SMALL)})
    shapes = expected_tensors(read_configuration(folder.name))
    folder.cleanup()
    weights = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator) * (0.3 if len(shape) > 1 else 0.1)
        if "norm" in name and name.endswith(".weight"):
            values += 1.0
        if name.endswith("inv_freq"):
            values = 10000.0 ** (-torch.arange(shape[0]) / shape[0])
        weights[name] = values.bfloat16()
    return weights


def write_folder(texts):
    """A temporary folder with these text files; keep the object, the folder goes with it."""
    folder = tempfile.TemporaryDirectory()
    for name, text in texts.items():
        with open(os.path.join(folder.name, name), "w", encoding="utf-8") as stream:
            stream.write(text)
    return folder


def small_tokenizer():
    """A byte-level tokenizer of `WORDS` entries whose last ones are the ten digits and letters it needs."""
    specials = ["<begin>", "<end>", "<pad>"]
    characters = [chr(code) for code in range(33, 33 + WORDS - len(specials))]
    vocabulary = {token: index for index, token in enumerate(specials + characters)}
    model = tokenizers.models.WordLevel(vocabulary, unk_token="<pad>")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    return tokenizer.to_str()


def write_checkpoint(weights, layout):
    """A temporary checkpoint folder: `layout` is single, sharded, bin or sharded-bin."""
    folder = write_folder({"config.json": json.dumps(SMALL), "tokenizer.json": small_tokenizer()})
    pickled = layout.endswith("bin")
    stem, suffix = ("pytorch_model", "bin") if pickled else ("model", "safetensors")

    def save(tensors, name):
        path = os.path.join(folder.name, name)
        torch.save(tensors, path) if pickled else save_file(tensors, path, {"format": "pt"})

    if not layout.startswith("sharded"):
        save(weights, f"{stem}.{suffix}")
        return folder
    weight_map = {name: f"{stem}-0000{1 + index % 2}-of-00002.{suffix}" for index, name in enumerate(weights)}
    for shard in sorted(set(weight_map.values())):
        save({name: weights[name] for name in weights if weight_map[name] == shard}, shard)
    index = {"metadata": {}, "weight_map": weight_map}
    with open(os.path.join(folder.name, f"{stem}.{suffix}.index.json"), "w", encoding="utf-8") as stream:
        json.dump(index, stream)
    return folder


def small_frames(folder, count=3):
    """Writes `frames.safetensors` of random pixels into a folder; returns its path."""
    pixels = torch.randint(
        0, 256, (count, 60, 80, 3), generator=torch.Generator().manual_seed(3), dtype=torch.uint8
    )
    path = os.path.join(folder, "clip.frames.safetensors")
    save_file({"frames": pixels, "frame_indices": torch.arange(count) * 25}, path, {"video": "clip.mp4"})
    return path
