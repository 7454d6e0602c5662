"""The model in plain PyTorch, one layer in memory at a time.

Each layer's weights are taken from the mapped checkpoint, used and dropped; only the activations, the taps
and the KV cache stay: the 25 GB model takes 0.6 GB besides the mapped file in bfloat16 and 3.3 GB in float32
(one frame). The price: every answer token reads all language layers and the head once (15 GB in the published
size), from the page cache where they fit and from the disk where not. On two busy AVX2 cores, from the page
cache, that took 10 s a token in bfloat16 and 35 s in float32, which widens the weights; a disk of 1 GB/s adds
15 s.
"""

import time
from typing import List, Optional

import torch

from . import graph
from .checkpoint import Checkpoint
from .configuration import Configuration
from .errors import note
from .prompt import VISION, Prompt
from .taps import Taps


class PlainModel:
    """Runs a checkpoint in float32 or bfloat16; a `taps.Model`."""

    def __init__(self, checkpoint: Checkpoint, configuration: Configuration, dtype: torch.dtype) -> None:
        """`dtype` is what the published code would load the model in."""
        self.checkpoint, self.configuration, self.dtype = checkpoint, configuration, dtype
        self._caches: List[graph.Cache] = []

    @torch.inference_mode()
    def prefill(self, prompt: Prompt, images: Optional[torch.Tensor], taps: Taps) -> torch.Tensor:
        """Runs the whole prompt. `images` is `[frames, 3, 224, 224]` F32, or None for a text-only prompt."""
        self._caches = []
        x = self.checkpoint.rows("model.embed_tokens.weight", prompt.input_ids, self.dtype)
        if images is not None:
            features = self._vision(images.to(self.dtype), taps)
            x[prompt.token_type_ids == VISION] = features.flatten(0, 1)
        started = time.monotonic()
        for layer in range(self.configuration.num_hidden_layers):
            path = f"model.layers.{layer}"
            weights = self.checkpoint.layer(path + ".", self.dtype)
            x, cache = graph.language_layer(x, prompt.position_ids, weights, self.configuration, None)
            self._caches.append(cache)
            taps.keep(path, x)
            _report(path, layer, self.configuration.num_hidden_layers, started)
        x = self._norm(x)
        taps.keep("model.norm", x)
        logits = self._head(x[-1:])
        taps.keep("lm_head", logits)
        return logits[0].float()

    @torch.inference_mode()
    def step(self, token: int, position: int) -> torch.Tensor:
        """Runs one answer token on the cache."""
        x = self.checkpoint.rows("model.embed_tokens.weight", torch.tensor([token]), self.dtype)
        positions = torch.tensor([position])
        for layer in range(self.configuration.num_hidden_layers):
            weights = self.checkpoint.layer(f"model.layers.{layer}.", self.dtype)
            x, self._caches[layer] = graph.language_layer(
                x, positions, weights, self.configuration, self._caches[layer]
            )
        return self._head(self._norm(x))[0].float()

    def _vision(self, images: torch.Tensor, taps: Taps) -> torch.Tensor:
        """The tower, the conv and the adapter: `[frames, 66, hidden]`."""
        x = graph.patch_embedding(images, self.checkpoint.layer("model.vision.patch_embedding.", self.dtype))
        taps.keep("model.vision.patch_embedding", x)
        started = time.monotonic()
        for layer in range(self.configuration.vision.num_hidden_layers):
            path = f"model.vision.transformer.layers.{layer}"
            x = graph.vision_layer(
                x, self.checkpoint.layer(path + ".", self.dtype), self.configuration.vision
            )
            taps.keep(path, x)
            _report(path, layer, self.configuration.vision.num_hidden_layers, started)
        x = graph.downsample(x, self.checkpoint.layer("model.vision.conv.", self.dtype))
        taps.keep("model.vision.conv", x)
        x = graph.adapter(x, self.checkpoint.layer("model.vision.linear_proj.", self.dtype))
        taps.keep("model.vision.linear_proj", x)
        ends = [self.checkpoint.tensor(f"model.vision.{name}", self.dtype) for name in ("boi", "eoi")]
        x = torch.cat((ends[0].expand(x.shape[0], 1, -1), x, ends[1].expand(x.shape[0], 1, -1)), dim=1)
        taps.keep("model.vision", x)
        return x

    def _norm(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.checkpoint.tensor("model.norm.weight", self.dtype)
        return graph.rms_norm(x, weight, self.configuration.rms_norm_eps)

    def _head(self, x: torch.Tensor) -> torch.Tensor:
        return graph.linear(x, self.checkpoint.tensor("lm_head.weight", self.dtype))


def _report(path: str, layer: int, layers: int, started: float) -> None:
    """Says how far the prompt is, at most 8 times for a stack of layers."""
    done = layer + 1
    if done % max(layers // 8, 1) == 0 or done == layers:
        spent = time.monotonic() - started
        note(
            f"{path}: {done} of {layers} layers, {spent:.1f} s, "
            f"about {spent / done * (layers - done):.0f} s left"
        )
