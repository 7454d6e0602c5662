"""`config.json` of a CogVLM2-Video-Llama3 checkpoint, and the tensors that such a checkpoint has."""

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from .errors import ToolError, shorten

ARCHITECTURE = "CogVLMVideoForCausalLM"
TEMPLATES = ("chat", "vqa", "base")

# No field of any published model comes near; a larger one is a damaged file, not a larger model.
LARGEST_SIZE = 1 << 24
MOST_LAYERS = 1 << 12
LARGEST_JSON = 256 << 20


@dataclass(frozen=True)
class VisionConfiguration:
    """`vision_config`: the EVA2-CLIP tower."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_heads: int
    num_positions: int
    image_size: int
    patch_size: int
    in_channels: int
    layer_norm_eps: float

    @property
    def grid(self) -> int:
        """Patches along one side of an image: 16."""
        return self.image_size // self.patch_size

    @property
    def tokens_per_frame(self) -> int:
        """Tokens of one frame in the prompt: boi, one for each 2x2 patches, eoi: 66."""
        return (self.grid // 2) ** 2 + 2


@dataclass(frozen=True)
class Configuration:
    """The fields of `config.json` that the forward pass and the prompt need.

    `eos_token_ids` has those of `generation_config.json` too.
    """

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_multi_query_heads: int
    vocab_size: int
    max_position_embeddings: int
    rms_norm_eps: float
    bos_token_id: int
    pad_token_id: int
    eos_token_ids: Tuple[int, ...]
    template_version: str
    vision: VisionConfiguration

    @property
    def head_dim(self) -> int:
        """Values of one attention head: 128."""
        return self.hidden_size // self.num_attention_heads

    @property
    def key_value_size(self) -> int:
        """Rows of K, and of V, in the fused query_key_value weight: 1024."""
        return self.head_dim * self.num_multi_query_heads


class _Fields:
    """One JSON object of a file, read field by field with errors that name both."""

    def __init__(self, file: str, values: Any, prefix: str = "") -> None:
        if not isinstance(values, dict):
            name = prefix.rstrip(".") or "the file"
            raise ToolError(f"{file}: {name} is {shorten(values)}, expected a JSON object")
        self.file, self.values, self.prefix = file, values, prefix

    def require(self, name: str) -> Any:
        if name not in self.values:
            raise ToolError(
                f"{self.file}: the field {self.prefix}{name} is missing; "
                "take config.json from the same download as the weights"
            )
        return self.values[name]

    def size(self, name: str, largest: int = LARGEST_SIZE) -> int:
        value = self.require(name)
        if type(value) is not int or not 0 < value <= largest:
            raise ToolError(
                f"{self.file}: {self.prefix}{name} is {shorten(value)}, "
                f"expected an integer from 1 to {largest}"
            )
        return value

    def token(self, name: str, vocabulary: int) -> int:
        return self._checked_token(name, self.require(name), vocabulary)

    def tokens(self, name: str, vocabulary: int) -> Tuple[int, ...]:
        """One id or a list of ids (several end-of-text tokens)."""
        value = self.require(name)
        values = value if isinstance(value, list) and value else [value]
        return tuple(self._checked_token(name, each, vocabulary) for each in values)

    def _checked_token(self, name: str, value: Any, vocabulary: int) -> int:
        if type(value) is not int or not 0 <= value < vocabulary:
            raise ToolError(
                f"{self.file}: {self.prefix}{name} is {shorten(value)}, "
                f"expected a token id below {vocabulary}"
            )
        return value

    def epsilon(self, name: str) -> float:
        value = self.require(name)
        if type(value) not in (int, float) or not 0 < value < 1:
            raise ToolError(
                f"{self.file}: {self.prefix}{name} is {shorten(value)}, expected a number in (0, 1)"
            )
        return float(value)


def read_json(path: str) -> Any:
    """The JSON document in a file of bounded size."""
    try:
        size = os.path.getsize(path)
        if size > LARGEST_JSON:
            raise ToolError(f"{path}: {size} bytes, expected a JSON file of at most {LARGEST_JSON}")
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except OSError as error:
        raise ToolError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ToolError(f"{path}: not JSON: {error}; download the file again") from error


def read_configuration(folder: str) -> Configuration:
    """Reads and checks `FOLDER/config.json`."""
    file = os.path.join(folder, "config.json")
    fields = _Fields(file, read_json(file))
    architectures = fields.values.get("architectures", [ARCHITECTURE])
    if not isinstance(architectures, list) or ARCHITECTURE not in architectures:
        raise ToolError(
            f"{file}: architectures is {shorten(architectures)}, expected [{ARCHITECTURE!r}]; "
            "this tool captures CogVLM2-Video-Llama3 and cogvlm2-llama3-caption only"
        )
    activation = fields.values.get("hidden_act", "silu")
    if activation != "silu":
        raise ToolError(f"{file}: hidden_act is {shorten(activation)}, expected 'silu'")
    vision = _vision_configuration(file, fields.require("vision_config"))
    template = fields.values.get("template_version", "chat")
    if template not in TEMPLATES:
        raise ToolError(
            f"{file}: template_version is {shorten(template)}, expected one of {', '.join(TEMPLATES)}"
        )
    vocabulary = fields.size("vocab_size")
    result = Configuration(
        hidden_size=fields.size("hidden_size"),
        intermediate_size=fields.size("intermediate_size"),
        num_hidden_layers=fields.size("num_hidden_layers", MOST_LAYERS),
        num_attention_heads=fields.size("num_attention_heads"),
        num_multi_query_heads=fields.size("num_multi_query_heads"),
        vocab_size=vocabulary,
        max_position_embeddings=fields.size("max_position_embeddings"),
        rms_norm_eps=fields.epsilon("rms_norm_eps"),
        bos_token_id=fields.token("bos_token_id", vocabulary),
        pad_token_id=fields.token("pad_token_id", vocabulary),
        eos_token_ids=fields.tokens("eos_token_id", vocabulary) + _generation_ends(folder, vocabulary),
        template_version=template,
        vision=vision,
    )
    _require_divisible(
        file, "hidden_size", result.hidden_size, "2 * num_attention_heads", 2 * result.num_attention_heads
    )
    _require_divisible(
        file,
        "num_attention_heads",
        result.num_attention_heads,
        "num_multi_query_heads",
        result.num_multi_query_heads,
    )
    return result


def _generation_ends(folder: str, vocabulary: int) -> Tuple[int, ...]:
    """The ids of `eos_token_id` of `FOLDER/generation_config.json`; none without them."""
    file = os.path.join(folder, "generation_config.json")
    if not os.path.exists(file):
        return ()
    fields = _Fields(file, read_json(file))
    if fields.values.get("eos_token_id") is None:
        return ()
    return fields.tokens("eos_token_id", vocabulary)


def _vision_configuration(file: str, values: Any) -> VisionConfiguration:
    fields = _Fields(file, values, "vision_config.")
    if fields.values.get("hidden_act", "gelu") != "gelu":
        raise ToolError(
            f"{file}: vision_config.hidden_act is {shorten(fields.values['hidden_act'])}, expected 'gelu'"
        )
    vision = VisionConfiguration(
        hidden_size=fields.size("hidden_size"),
        intermediate_size=fields.size("intermediate_size"),
        num_hidden_layers=fields.size("num_hidden_layers", MOST_LAYERS),
        num_heads=fields.size("num_heads"),
        num_positions=fields.size("num_positions"),
        image_size=fields.size("image_size"),
        patch_size=fields.size("patch_size"),
        in_channels=fields.size("in_channels"),
        layer_norm_eps=fields.epsilon("layer_norm_eps"),
    )
    _require_divisible(file, "vision_config.hidden_size", vision.hidden_size, "num_heads", vision.num_heads)
    _require_divisible(
        file, "vision_config.image_size", vision.image_size, "2 * patch_size", 2 * vision.patch_size
    )
    if vision.num_positions != vision.grid**2 + 1:
        raise ToolError(
            f"{file}: vision_config.num_positions is {vision.num_positions}, "
            f"expected {vision.grid**2 + 1} (one for each of {vision.grid}x{vision.grid} patches and one for "
            "CLS)"
        )
    return vision


def _require_divisible(file: str, name: str, value: int, divisor_name: str, divisor: int) -> None:
    if value % divisor:
        raise ToolError(f"{file}: {name} is {value}, expected a multiple of {divisor_name} = {divisor}")


def expected_tensors(configuration: Configuration) -> Dict[str, List[int]]:
    """Name and shape of every tensor of a checkpoint with this configuration (1,029 in the published one)."""
    language, vision = configuration, configuration.vision
    hidden, wide = language.hidden_size, language.intermediate_size
    shapes: Dict[str, List[int]] = {
        "model.embed_tokens.weight": [language.vocab_size, hidden],
        "model.norm.weight": [hidden],
        "lm_head.weight": [language.vocab_size, hidden],
    }
    for layer in range(language.num_hidden_layers):
        prefix = f"model.layers.{layer}."
        for name, shape in language_layer_shapes(language).items():
            shapes[prefix + name] = shape
    patch = [vision.hidden_size, vision.in_channels, vision.patch_size, vision.patch_size]
    shapes["model.vision.patch_embedding.proj.weight"] = patch
    shapes["model.vision.patch_embedding.proj.bias"] = [vision.hidden_size]
    shapes["model.vision.patch_embedding.cls_embedding"] = [1, vision.hidden_size]
    shapes["model.vision.patch_embedding.position_embedding.weight"] = [
        vision.num_positions,
        vision.hidden_size,
    ]
    for layer in range(vision.num_hidden_layers):
        prefix = f"model.vision.transformer.layers.{layer}."
        for name, shape in vision_layer_shapes(vision).items():
            shapes[prefix + name] = shape
    shapes["model.vision.conv.weight"] = [vision.hidden_size, vision.hidden_size, 2, 2]
    shapes["model.vision.conv.bias"] = [vision.hidden_size]
    adapter = "model.vision.linear_proj."
    shapes[adapter + "linear_proj.weight"] = [hidden, vision.hidden_size]
    shapes[adapter + "norm1.weight"] = [hidden]
    shapes[adapter + "norm1.bias"] = [hidden]
    shapes[adapter + "gate_proj.weight"] = [wide, hidden]
    shapes[adapter + "dense_h_to_4h.weight"] = [wide, hidden]
    shapes[adapter + "dense_4h_to_h.weight"] = [hidden, wide]
    shapes["model.vision.boi"] = [1, 1, hidden]
    shapes["model.vision.eoi"] = [1, 1, hidden]
    return shapes


def language_layer_shapes(configuration: Configuration) -> Dict[str, List[int]]:
    """The tensors of one `model.layers.N.`, named from there."""
    hidden, wide = configuration.hidden_size, configuration.intermediate_size
    return {
        "input_layernorm.weight": [hidden],
        "self_attn.language_expert_query_key_value.weight": [
            hidden + 2 * configuration.key_value_size,
            hidden,
        ],
        "self_attn.rotary_emb.inv_freq": [configuration.head_dim // 2],
        "self_attn.language_expert_dense.weight": [hidden, hidden],
        "post_attention_layernorm.weight": [hidden],
        "mlp.language_mlp.gate_proj.weight": [wide, hidden],
        "mlp.language_mlp.up_proj.weight": [wide, hidden],
        "mlp.language_mlp.down_proj.weight": [hidden, wide],
    }


def vision_layer_shapes(vision: VisionConfiguration) -> Dict[str, List[int]]:
    """The tensors of one `model.vision.transformer.layers.N.`, named from there."""
    hidden, wide = vision.hidden_size, vision.intermediate_size
    return {
        "attention.query_key_value.weight": [3 * hidden, hidden],
        "attention.query_key_value.bias": [3 * hidden],
        "attention.dense.weight": [hidden, hidden],
        "attention.dense.bias": [hidden],
        "input_layernorm.weight": [hidden],
        "input_layernorm.bias": [hidden],
        "mlp.fc1.weight": [wide, hidden],
        "mlp.fc1.bias": [wide],
        "mlp.fc2.weight": [hidden, wide],
        "mlp.fc2.bias": [hidden],
        "post_attention_layernorm.weight": [hidden],
        "post_attention_layernorm.bias": [hidden],
    }
