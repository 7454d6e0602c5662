"""Unsigned weights of 4 bits in groups along a row, as NNCF makes them: (value - zero) * scale."""

import numpy

GROUP = 64


def pack(values):
    """Numbers 0 to 15, an even number of them, as bytes: the first of two in the low half."""
    flat = numpy.asarray(values, dtype=numpy.uint8).reshape(-1)
    if flat.size % 2 or (flat.size and flat.max() > 15):
        raise ValueError("packing takes an even number of values from 0 to 15")
    return flat[0::2] | flat[1::2] << 4


def unpack(packed, shape):
    """The numbers again, in a shape."""
    return numpy.stack([packed & 15, packed >> 4], axis=-1).reshape(shape)


class Matrix:
    """A weight [rows, columns]: packed values [rows, groups, GROUP], packed zero points and float16 scales
    [rows, groups, 1]."""

    def __init__(self, packed, zeros, scales, rows, columns):
        if columns % GROUP:
            raise ValueError(f"{columns} columns are not whole groups of {GROUP}")
        self.packed, self.zeros, self.scales = packed, zeros, scales
        self.shape = (rows, columns)
        self.grouped_shape = (rows, columns // GROUP, GROUP)
        self.scale_shape = (rows, columns // GROUP, 1)

    @classmethod
    def random(cls, random, rows, columns):
        """Random values, all alike; the scales keep the size of a layer's input, as a trained layer's do."""
        groups = rows * (columns // GROUP)
        packed = random.integers(0, 256, rows * columns // 2, dtype=numpy.uint8)
        zeros = pack(random.integers(6, 10, groups + groups % 2))
        # 4.61 is the spread of numbers 0 to 15 that are all as likely.
        scales = random.uniform(0.75, 1.25, groups) / (4.61 * columns**0.5)
        shape = (rows, columns // GROUP, 1)
        return cls(packed, zeros, scales.astype(numpy.float16).reshape(shape), rows, columns)

    def floats(self):
        """The weights as float64."""
        values = unpack(self.packed, self.grouped_shape).astype(numpy.float64)
        zeros = unpack(self.zeros, -1)[: self.scales.size].reshape(self.scale_shape)
        return ((values - zeros) * self.scales.astype(numpy.float64)).reshape(self.shape)

    @property
    def byte_count(self):
        return self.packed.nbytes + self.zeros.nbytes + self.scales.nbytes
