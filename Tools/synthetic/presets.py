"""The models that can be made, and their tensors shard by shard."""

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List

from reference.configuration import expected_tensors, read_configuration
from reference.errors import ToolError

PUBLISHED = os.path.join(os.path.dirname(__file__), "..", "..", "Tests", "Fixtures", "published")
BYTES_PER_WEIGHT = 2  # BF16


@dataclass(frozen=True)
class Shard:
    """One safetensors file: its tensors' shapes by name, and the size that it must have, where that is
    known."""

    name: str
    shapes: Dict[str, List[int]]
    file_bytes: int = 0


@dataclass(frozen=True)
class Preset:
    """A model to be made: the text of `config.json` and the shards."""

    config_text: str
    shards: List[Shard]

    @property
    def config(self) -> Dict[str, Any]:
        return json.loads(self.config_text)


# What the smaller models change in the published configuration. The architecture, the image and the context
# stay.
_CHANGES = {
    # 799 M parameters; the published vocabulary and head widths, so that the published tokenizer fits.
    "medium": {
        "hidden_size": 1024,
        "intermediate_size": 3584,
        "num_attention_heads": 8,
        "num_hidden_layers": 16,
        "num_multi_query_heads": 2,
        "vision_config": {
            "hidden_size": 896,
            "intermediate_size": 3840,
            "num_heads": 8,
            "num_hidden_layers": 30,
        },
    },
    # 1.7 B parameters: the published widths with two layers of each kind, to measure what a layer costs.
    "slice": {"num_hidden_layers": 2, "vision_config": {"num_hidden_layers": 2}},
    # 1.2 M parameters, for tests.
    "tiny": {
        "bos_token_id": 1792,
        "eos_token_id": 1793,
        "pad_token_id": 1794,
        "hidden_size": 128,
        "intermediate_size": 320,
        "num_attention_heads": 8,
        "num_hidden_layers": 2,
        "num_multi_query_heads": 2,
        "vocab_size": 2048,
        "vision_config": {
            "hidden_size": 96,
            "intermediate_size": 160,
            "num_heads": 6,
            "num_hidden_layers": 2,
        },
    },
}
_SHARD_COUNTS = {"medium": 3, "slice": 3, "tiny": 3}

NAMES = ("full", *_CHANGES)


def load(name: str, folder: str) -> Preset:
    """A preset by name. `folder` already holds nothing; its `config.json` is written here and read back
    checked."""
    text = _read("published-config.json")
    if name in _CHANGES:
        config = json.loads(text)
        changes = dict(_CHANGES[name])
        config["vision_config"].update(changes.pop("vision_config"))
        config.update(changes)
        text = json.dumps(config, indent=2) + "\n"
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as stream:
        stream.write(text)
    shapes = expected_tensors(read_configuration(folder))
    if name == "full":
        return Preset(text, _published_shards(shapes))
    return Preset(text, _even_shards(shapes, _SHARD_COUNTS[name]))


def _read(name: str) -> str:
    path = os.path.join(PUBLISHED, name)
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError as error:
        raise ToolError(
            f"{os.path.normpath(path)}: cannot be read: {error.strerror}; "
            "this tool runs from a whole checkout"
        ) from error


def _published_shards(shapes: Dict[str, List[int]]) -> List[Shard]:
    """The six shards as they were published, held against the table of tensors."""
    listing = json.loads(_read("published-checkpoint.json"))
    shards = [Shard(shard["file"], shard["tensors"], shard["file_bytes"]) for shard in listing["shards"]]
    published = {name: shape for shard in shards for name, shape in shard.shapes.items()}
    if published != shapes:
        raise ToolError(
            "published-checkpoint.json does not list the tensors that published-config.json asks for"
        )
    return shards


def _even_shards(shapes: Dict[str, List[int]], count: int) -> List[Shard]:
    """Shards of about the same size, filled in the order of the model."""
    total = sum(byte_count(shape) for shape in shapes.values())
    parts: List[Dict[str, List[int]]] = [{} for _ in range(count)]
    done = 0
    for name, shape in shapes.items():
        parts[min(done * count // total, count - 1)][name] = shape
        done += byte_count(shape)
    return [
        Shard(f"model-{index + 1:05}-of-{count:05}.safetensors", part)
        for index, part in enumerate(parts)
        if part
    ]


def byte_count(shape: List[int]) -> int:
    """Bytes of a BF16 tensor."""
    count = BYTES_PER_WEIGHT
    for size in shape:
        count *= size
    return count
