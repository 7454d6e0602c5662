"""The layout and the values of quantized tensors, from Formats/int4.md alone."""

import math
from collections import namedtuple

import numpy

from .refusal import require

PANEL_ROWS = 16
LINE_BYTES = 64
BLOCK_GROUPS = 4
PLAIN_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8}

Panels = namedtuple(
    "Panels", "bits padded_columns groups panels blocks header_bytes block_bytes lines panel_bytes"
)


def _ceil(value, divisor):
    return -(-value // divisor)


def _matrix(shape):
    """Rows and columns of a tensor seen as [first dimension, product of the others]."""
    return (shape[0] if shape else 1), math.prod(shape[1:])


def _panels(encoding, group_size, shape):
    """The sizes of a quantized tensor's parts (int4.md, "Sizes")."""
    rows, columns = _matrix(shape)
    padded = _ceil(columns, 8) * 8
    groups = _ceil(padded, group_size)
    blocks = _ceil(groups, BLOCK_GROUPS)
    header_bytes = BLOCK_GROUPS * PANEL_ROWS * (3 if encoding == "int4" else 2)
    line_columns = 8 if encoding == "int4" else 4
    block_bytes = header_bytes + BLOCK_GROUPS * group_size // line_columns * LINE_BYTES
    lines = padded // line_columns
    bits = 4 if encoding == "int4" else 8
    panel_bytes = blocks * header_bytes + lines * LINE_BYTES
    panels = _ceil(rows, PANEL_ROWS)
    return Panels(bits, padded, groups, panels, blocks, header_bytes, block_bytes, lines, panel_bytes)


def stored_bytes(encoding, group_size, shape):
    """Bytes that encoding and shape ask for."""
    if group_size == 0:
        return math.prod(shape) * PLAIN_BYTES[encoding]
    require(all(shape), f"a quantized tensor of shape {list(shape)} has no elements")
    panels = _panels(encoding, group_size, shape)
    return panels.panels * panels.panel_bytes


def _panel(sizes, content):
    """Scales and zero points [groups, 16] and lines [lines, 16, 4] of one panel (int4.md, "A panel")."""
    blocks = numpy.zeros(sizes.blocks * sizes.block_bytes, "u1")
    blocks[: sizes.panel_bytes] = content
    blocks = blocks.reshape(sizes.blocks, sizes.block_bytes)
    scale_bytes = BLOCK_GROUPS * PANEL_ROWS * 2
    scales = blocks[:, :scale_bytes].copy().view("<f2").astype("<f4").reshape(-1, PANEL_ROWS)[: sizes.groups]
    zeros = blocks[:, scale_bytes : sizes.header_bytes].reshape(-1, PANEL_ROWS)[: sizes.groups]
    lines = blocks[:, sizes.header_bytes :].reshape(-1, PANEL_ROWS, 4)[: sizes.lines]
    return scales, zeros, lines


def dequantize(tensor, content):
    """The matrix of a quantized tensor (int4.md, "A panel" and "Values"), one panel at a time."""
    rows, columns = _matrix(tensor.shape)
    sizes = _panels(tensor.encoding, tensor.group_size, tensor.shape)
    result = numpy.empty((rows, columns), "<f4")
    group_of_column = numpy.arange(columns) // tensor.group_size
    for panel in range(sizes.panels):
        start = panel * sizes.panel_bytes
        scales, zeros, lines = _panel(sizes, content[start : start + sizes.panel_bytes])
        if sizes.bits == 4:
            halves = numpy.concatenate((lines & 15, lines >> 4), axis=2)
            weights = halves.transpose(1, 0, 2).reshape(PANEL_ROWS, sizes.padded_columns)[:, :columns]
            weights = weights.astype("<i4") - zeros.T[:, group_of_column]
        else:
            weights = lines.view("<i1").transpose(1, 0, 2).reshape(PANEL_ROWS, sizes.padded_columns)
            weights = weights[:, :columns]
        first = panel * PANEL_ROWS
        count = min(PANEL_ROWS, rows - first)
        with numpy.errstate(invalid="ignore"):
            result[first : first + count] = (scales.T[:, group_of_column] * weights.astype("<f4"))[:count]
    return result
