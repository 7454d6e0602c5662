"""The layers of the model as functions of their weights, in execution order.

Each computes in the dtype of its input, as PyTorch's modules do: in bfloat16 every module's output is rounded
once, while the sums inside are float32. `weights` holds the tensors of one layer, named from the layer.
"""

from typing import Dict, Optional, Tuple

import torch
import torch.nn.functional as F

from .configuration import Configuration, VisionConfiguration

Weights = Dict[str, torch.Tensor]
Cache = Tuple[torch.Tensor, torch.Tensor]

# Before PyTorch 2 there is no scaled_dot_product_attention, and bfloat16 kernels on a CPU may sum in
# bfloat16.
MODERN = hasattr(F, "scaled_dot_product_attention")


def _has_bfloat16_matmul() -> bool:
    try:
        return MODERN and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


BFLOAT16_MATMUL = _has_bfloat16_matmul()
"""Whether this CPU multiplies bfloat16 matrices. Where it does not, PyTorch's substitute takes 5 times as
long as widening to float32, multiplying, and rounding, which gives the same: a float32 sum, rounded once."""

FEW_ROWS = 8
"""Up to so many rows, reading the weights is the work, and widening them only adds to it."""


def _widened(x: torch.Tensor) -> bool:
    rows = x.numel() // max(x.shape[-1], 1)
    return x.dtype != torch.float32 and not BFLOAT16_MATMUL and not (MODERN and rows <= FEW_ROWS)


def linear(x: torch.Tensor, weight: torch.Tensor, bias: Optional[torch.Tensor] = None) -> torch.Tensor:
    """`x [..., in]` times `weight [out, in]`, plus bias; sum and bias are rounded together."""
    if not _widened(x):
        return F.linear(x, weight, bias)
    return F.linear(x.float(), weight.float(), None if bias is None else bias.float()).to(x.dtype)


def convolve(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """A convolution whose windows do not overlap: `x [n, in, height, width]`, `weight [out, in, k, k]`."""
    stride = weight.shape[-1]
    if not _widened(x):
        return F.conv2d(x, weight, bias, stride=stride)
    return F.conv2d(x.float(), weight.float(), bias.float(), stride=stride).to(x.dtype)


def layer_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, epsilon: float) -> torch.Tensor:
    """LayerNorm over the last dimension, in float32 with one rounding."""
    if MODERN or x.dtype == torch.float32:
        return F.layer_norm(x, x.shape[-1:], weight, bias, epsilon)
    return F.layer_norm(x.float(), x.shape[-1:], weight.float(), bias.float(), epsilon).to(x.dtype)


def gelu(x: torch.Tensor) -> torch.Tensor:
    """The exact (erf) GELU."""
    return F.gelu(x) if MODERN else F.gelu(x.float()).to(x.dtype)


def silu(x: torch.Tensor) -> torch.Tensor:
    """`x * sigmoid(x)`."""
    return F.silu(x) if MODERN else F.silu(x.float()).to(x.dtype)


def rms_norm(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """RMSNorm over the last dimension; multiplied by the weight before the one rounding."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)
    return (weight * wide).to(x.dtype)


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, causal: bool) -> torch.Tensor:
    """Softmax attention with scale head_dim^-0.5 over `[batch, heads, tokens, head_dim]`."""
    if MODERN:
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    return attention_by_rule(query, key, value, causal)


def attention_by_rule(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, causal: bool
) -> torch.Tensor:
    """The same, written out as PyTorch's CPU kernel rounds: scores and the softmax's sum are float32, the
    exponentials are rounded before they multiply V, the quotient is rounded once."""
    output = torch.empty_like(query)
    scale = query.shape[-1] ** -0.5
    for item in range(query.shape[0]):  # one at a time: all scores of 24 frames at once are gigabytes
        scores = query[item].float() @ key[item].float().transpose(-1, -2) * scale
        if causal:
            future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(future, float("-inf"))
        exponentials = (scores - scores.amax(-1, keepdim=True)).exp()
        total = exponentials.sum(-1, keepdim=True)
        output[item] = exponentials.to(value.dtype).float() @ value[item].float() / total
    return output


def patch_embedding(images: torch.Tensor, weights: Weights) -> torch.Tensor:
    """`model.vision.patch_embedding`: `[frames, 3, 224, 224]` to `[frames, 257, hidden]`, CLS first."""
    patches = convolve(images, weights["proj.weight"], weights["proj.bias"]).flatten(2).transpose(1, 2)
    classes = weights["cls_embedding"].expand(patches.shape[0], 1, -1)
    return torch.cat((classes, patches), dim=1) + weights["position_embedding.weight"]


def vision_layer(x: torch.Tensor, weights: Weights, configuration: VisionConfiguration) -> torch.Tensor:
    """`model.vision.transformer.layers.N`: `[frames, 257, hidden]`, with the norms after the blocks."""
    epsilon = configuration.layer_norm_eps
    frames, tokens, hidden = x.shape
    fused = linear(x, weights["attention.query_key_value.weight"], weights["attention.query_key_value.bias"])
    fused = fused.view(frames, tokens, 3, configuration.num_heads, -1).permute(2, 0, 3, 1, 4)
    mixed = (
        attention(fused[0], fused[1], fused[2], causal=False).transpose(1, 2).reshape(frames, tokens, hidden)
    )
    mixed = linear(mixed, weights["attention.dense.weight"], weights["attention.dense.bias"])
    x = x + layer_norm(mixed, weights["input_layernorm.weight"], weights["input_layernorm.bias"], epsilon)
    wide = gelu(linear(x, weights["mlp.fc1.weight"], weights["mlp.fc1.bias"]))
    narrow = linear(wide, weights["mlp.fc2.weight"], weights["mlp.fc2.bias"])
    norm = layer_norm(
        narrow, weights["post_attention_layernorm.weight"], weights["post_attention_layernorm.bias"], epsilon
    )
    return x + norm


def downsample(x: torch.Tensor, weights: Weights) -> torch.Tensor:
    """`model.vision.conv`: without CLS, as a row-major grid, 2x2 to 1: `[frames, hidden, 8, 8]`."""
    frames, tokens, hidden = x.shape
    side = int((tokens - 1) ** 0.5)
    grid = x[:, 1:].reshape(frames, side, side, hidden).permute(0, 3, 1, 2)
    return convolve(grid, weights["weight"], weights["bias"])


def adapter(x: torch.Tensor, weights: Weights) -> torch.Tensor:
    """`model.vision.linear_proj`: the conv's output to `[frames, 64, language hidden]`."""
    x = linear(x.flatten(2).transpose(1, 2), weights["linear_proj.weight"])
    x = gelu(layer_norm(x, weights["norm1.weight"], weights["norm1.bias"], 1e-5))
    x = silu(linear(x, weights["gate_proj.weight"])) * linear(x, weights["dense_h_to_4h.weight"])
    return linear(x, weights["dense_4h_to_h.weight"])


def rotation(positions: torch.Tensor, inverse_frequencies: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines, `[tokens, head_dim / 2]`. Positions, frequencies and their product are all of the
    frequencies' dtype: in bfloat16 the angles are coarse, and so are the published model's."""
    angles = positions.to(inverse_frequencies.dtype)[:, None] * inverse_frequencies[None, :]
    return angles.float().cos().to(angles.dtype), angles.float().sin().to(angles.dtype)


def rotate(x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Rotates `[heads, tokens, head_dim]` in halves (NeoX), in float32 with one rounding."""
    first, second = x.float().chunk(2, dim=-1)
    cosines, sines = cosines.float(), sines.float()
    return torch.cat((first * cosines - second * sines, first * sines + second * cosines), dim=-1).to(x.dtype)


def language_layer(
    x: torch.Tensor,
    positions: torch.Tensor,
    weights: Weights,
    configuration: Configuration,
    cache: Optional[Cache],
) -> Tuple[torch.Tensor, Cache]:
    """`model.layers.N`: `x [tokens, hidden]` at `positions [tokens]`, after the cached tokens.

    Returns the layer's output and the cache with these tokens: K (rotated) and V, each `[KV heads, tokens,
    head_dim]`. With a cache there must be one token: the published code masks several in another way.
    """
    tokens = x.shape[0]
    heads, shared, size = (
        configuration.num_attention_heads,
        configuration.num_multi_query_heads,
        configuration.head_dim,
    )
    normed = rms_norm(x, weights["input_layernorm.weight"], configuration.rms_norm_eps)
    fused = linear(normed, weights["self_attn.language_expert_query_key_value.weight"])
    query, key, value = fused.split([heads * size, shared * size, shared * size], dim=-1)
    cosines, sines = rotation(positions, weights["self_attn.rotary_emb.inv_freq"])
    query = rotate(query.view(tokens, heads, size).transpose(0, 1), cosines, sines)
    key = rotate(key.view(tokens, shared, size).transpose(0, 1), cosines, sines)
    value = value.view(tokens, shared, size).transpose(0, 1)
    if cache is not None:
        key, value = torch.cat((cache[0], key), dim=1), torch.cat((cache[1], value), dim=1)
    group = heads // shared
    mixed = attention(
        query[None],
        key.repeat_interleave(group, dim=0)[None],
        value.repeat_interleave(group, dim=0)[None],
        causal=cache is None,
    )
    mixed = mixed[0].transpose(0, 1).reshape(tokens, heads * size)
    x = x + linear(mixed, weights["self_attn.language_expert_dense.weight"])
    normed = rms_norm(x, weights["post_attention_layernorm.weight"], configuration.rms_norm_eps)
    gated = silu(linear(normed, weights["mlp.language_mlp.gate_proj.weight"]))
    gated = gated * linear(normed, weights["mlp.language_mlp.up_proj.weight"])
    return x + linear(gated, weights["mlp.language_mlp.down_proj.weight"]), (key, value.contiguous())
