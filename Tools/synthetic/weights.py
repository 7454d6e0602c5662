"""Random weights at a realistic scale, as BF16 bits, as fast as a disk takes them.

Drawing 12.5 billion normal numbers takes longer than writing them. A few blocks are drawn once; a tensor is
made of pieces of them that start at random places, scaled by a power of two, which only adds to the exponent
bits.
"""

import math
import re
import zlib
from typing import Iterator, List

import numpy as np

# Standard deviations of the blocks. With powers of two any standard deviation is met within 9 %.
_STEPS = [2.0 ** (quarter / 4) for quarter in range(4)]
_BLOCK = 1 << 22  # weights in a block
_CHUNK = 1 << 23  # weights that are made at a time
_LEAST = 2.0**-20  # the smallest magnitude drawn: no exponent reaches 0 however far it is scaled down
_OUTLIER_CHANNELS = 0.004  # share of the input channels whose weights are larger
_OUTLIER_FACTORS = (10.0, 30.0)
_ADDED = 0.02  # standard deviation of what is added: embeddings, positions, biases
_ROTARY_BASE = 500000.0


def bfloat16_bits(values: np.ndarray) -> np.ndarray:
    """Float32 as BF16 bits, rounded to nearest even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def float32_values(bits: np.ndarray) -> np.ndarray:
    """BF16 bits as float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def rotary_frequencies(count: int) -> np.ndarray:
    """BF16 bits of `inv_freq` with `count` entries, computed in float32 as the published code does."""
    exponents = np.arange(0, 2 * count, 2).astype(np.float32) / np.float32(2 * count)
    return bfloat16_bits(np.float32(1) / np.power(np.float32(_ROTARY_BASE), exponents))


def _deviation(name: str, columns: int) -> float:
    """A matrix keeps the size of its input about the same.

    The vision tower normalizes what it adds, not what it reads: its stream's variance is 1 + 2 * layer.
    Queries and keys as large as that would make every softmax pick one token, which no trained model does,
    and rounding errors would grow from layer to layer until nothing could be compared.
    """
    if "embed_tokens" in name:
        return _ADDED
    tower_layer = re.fullmatch(r"model\.vision\..*layers\.(\d+)\.attention\.query_key_value\.weight", name)
    variance = 1 + 2 * int(tower_layer[1]) if tower_layer else 1
    return (columns * variance) ** -0.5


class Weights:
    """The tensors of one seed. A tensor depends on the seed, its name and its shape alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        source = np.random.default_rng([seed, 0])
        self._blocks = []
        for step in _STEPS:
            noise = source.standard_normal(_BLOCK, dtype=np.float32)
            noise = np.copysign(np.maximum(np.abs(noise), np.float32(_LEAST)), noise)
            self._blocks.append(bfloat16_bits(noise * np.float32(step)))

    def chunks(self, name: str, shape: List[int]) -> Iterator[np.ndarray]:
        """The tensor's BF16 bits in row-major order, in pieces of bounded size."""
        source = np.random.default_rng([self._seed, 1, zlib.crc32(name.encode())])
        if name.endswith("inv_freq"):
            yield rotary_frequencies(shape[0])
        elif "norm" in name and name.endswith(".weight"):
            yield bfloat16_bits(1 + 0.1 * source.standard_normal(shape[0]))
        elif name.endswith((".bias", "_embedding", "position_embedding.weight", "boi", "eoi")):
            yield from self._noise(source, math.prod(shape), shape[-1], _ADDED)
        elif len(shape) == 2:
            yield from self._matrix(source, shape[0], shape[1], _deviation(name, shape[1]))
        else:  # a convolution
            fan_in = math.prod(shape[1:])
            yield from self._noise(source, math.prod(shape), fan_in, fan_in**-0.5)

    def _matrix(
        self, source: np.random.Generator, rows: int, columns: int, deviation: float
    ) -> Iterator[np.ndarray]:
        """A linear layer's weight: noise with some input channels that are 10 to 30 times larger."""
        outliers = source.choice(columns, max(1, round(columns * _OUTLIER_CHANNELS)), replace=False)
        factors = source.uniform(*_OUTLIER_FACTORS, len(outliers)).astype(np.float32)
        for chunk in self._noise(source, rows * columns, columns, deviation):
            matrix = chunk.reshape(-1, columns)
            matrix[:, outliers] = bfloat16_bits(float32_values(matrix[:, outliers]) * factors)
            yield chunk

    def _noise(
        self, source: np.random.Generator, count: int, columns: int, deviation: float
    ) -> Iterator[np.ndarray]:
        """`count` normal numbers of a standard deviation, in chunks of whole rows. No two pieces of a tensor
        start at the same column of the block, so that no two rows are alike."""
        quarters = round(4 * math.log2(deviation))
        block = self._blocks[quarters % 4]
        shift = np.uint16((quarters // 4 * 128) & 0xFFFF)  # the exponent starts at bit 7
        piece = max(1, _BLOCK // 2 // columns) * columns
        places = iter(source.permutation(columns))
        chunk_size = max(1, _CHUNK // columns) * columns
        for first in range(0, count, chunk_size):
            chunk = np.empty(min(chunk_size, count - first), np.uint16)
            for start in range(0, len(chunk), piece):
                length = min(piece, len(chunk) - start)
                row = int(source.integers((_BLOCK - length) // columns))
                offset = row * columns + int(next(places))
                np.add(block[offset : offset + length], shift, out=chunk[start : start + length])
            yield chunk
