"""What `cogvlm stats` and `cogvlm diff` should print, computed by numpy alone, as JSON.

    python3 numpy_oracle.py stats SOURCE      figures of every tensor, every layer and all together
    python3 numpy_oracle.py diff A B          measures of every tensor of A against the one of B

A source is a folder with safetensors files, one such file, or a native file (read by Tools/read_native.py).
Non-finite numbers are written as the strings that the commands use.
"""

import json
import math
import os
import re
import sys

import numpy

import tools  # noqa: F401
import read_native

TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "i1", "U8": "u1", "BOOL": "u1",
}  # fmt: skip
SMALLEST_NORMAL = {"F16": 2.0**-14}


class Tensor:
    """The values of a tensor as float32 in its shape, its patterns for the entropy, and its group size."""

    def __init__(self, type_name, values, patterns, group_size=0, raw=b""):
        self.type, self.values, self.patterns, self.group_size = type_name, values, patterns, group_size
        self.raw = raw


def safetensors(path):
    with open(path, "rb") as stream:
        content = stream.read()
    size = int.from_bytes(content[:8], "little")
    for name, entry in json.loads(content[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        stored = numpy.frombuffer(content[start:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        values = (stored.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else stored
        patterns = stored.view(f"<u{stored.itemsize}") if stored.size else stored
        with numpy.errstate(over="ignore"):
            values = values.astype("<f4")
        yield name, Tensor(entry["dtype"], values, patterns, raw=content[start:end])


def codes(file, tensor):
    """The stored codes of a quantized tensor without padding, by Formats/int4.md."""
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    padded = -(-columns // 8) * 8
    groups = -(-padded // tensor.group_size)
    is_int4 = tensor.encoding == "int4"
    header, line_columns = (192, 8) if is_int4 else (128, 4)
    line_count, block_lines, blocks = (
        padded // line_columns,
        4 * tensor.group_size // line_columns,
        -(-groups // 4),
    )
    panels = file.raw(tensor.name).reshape(-(-rows // 16), blocks * header + line_count * 64)
    starts = [block * (header + block_lines * 64) + header for block in range(blocks)]
    lines = numpy.concatenate([panels[:, start : start + block_lines * 64] for start in starts], axis=1)
    lines = lines.reshape(-1, line_count, 16, 4)
    if is_int4:
        lines = numpy.concatenate((lines & 15, lines >> 4), axis=3)
    return lines.transpose(0, 2, 1, 3).reshape(-1, padded)[:rows, :columns]


def native(path):
    file = read_native.open_native(path)
    for tensor in file.tensors:
        values = file.values(tensor.name)
        raw = file.raw(tensor.name).tobytes()
        if tensor.group_size:
            label = f"{tensor.encoding}/{tensor.group_size}"
            yield tensor.name, Tensor(label, values, codes(file, tensor), tensor.group_size, raw)
        else:
            patterns = numpy.frombuffer(raw, f"<u{len(raw) // values.size}")
            yield tensor.name, Tensor(tensor.encoding, values, patterns, raw=raw)


def read(source):
    if os.path.isdir(source):
        shards = sorted(name for name in os.listdir(source) if name.endswith(".safetensors"))
        return {name: tensor for shard in shards for name, tensor in safetensors(os.path.join(source, shard))}
    with open(source, "rb") as stream:
        is_native = stream.read(4) == b"\x89COG"
    return dict((native if is_native else safetensors)(source))


def entropy(patterns):
    _, counts = numpy.unique(patterns, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * numpy.log2(shares)).sum())


def figures(values, smallest_normal):
    values = values.astype("<f8").ravel()
    result = {
        "count": values.size,
        "zeros": int((values == 0).sum()),
        "nan": int(numpy.isnan(values).sum()),
        "infinite": int(numpy.isinf(values).sum()),
        "subnormals": int(((values != 0) & (numpy.abs(values) < smallest_normal)).sum()),
    }
    finite = values[numpy.isfinite(values)]
    if finite.size == 0:
        return result
    mean, deviation = finite.mean(), finite.std()
    result.update(
        minimum=float(finite.min()), maximum=float(finite.max()),
        absoluteMaximum=float(numpy.abs(finite).max()),
        mean=float(mean), standardDeviation=float(deviation),
        percentiles=[float(p) for p in numpy.percentile(numpy.abs(finite), [0.1, 1, 50, 99, 99.9])],
        histogram=[int(count) for count in numpy.histogram(finite, 64)[0]],
    )  # fmt: skip
    if finite.min() != finite.max():
        centered = finite - mean
        result["kurtosis"] = float((centered**4).mean() / (centered**2).mean() ** 2)
    nonzero = numpy.abs(finite[finite != 0])
    if nonzero.size:
        exponents = numpy.frexp(nonzero)[1] - 1
        result["exponents"] = {
            "first": int(exponents.min()),
            "counts": [int(count) for count in numpy.bincount(exponents - exponents.min())],
        }
    return result


def channels(maxima):
    order = sorted(range(maxima.size), key=lambda index: (-maxima[index], index))
    return {
        "count": maxima.size,
        "median": float(numpy.sort(maxima)[(maxima.size - 1) // 2]),
        "worst": [{"index": index, "maximum": float(maxima[index])} for index in order[:5]],
        "profile": [float(run.max()) for run in runs(maxima, min(64, maxima.size))],
    }


def runs(values, count):
    """The values in so many runs, as equal in length as they can be."""
    return [values[i * values.size // count : (i + 1) * values.size // count] for i in range(count)]


def zero_groups(matrix, size):
    """Groups of columns, the last of a row perhaps shorter, that hold nothing but zeros; None where there are
    none."""
    padded = numpy.pad(matrix == 0, ((0, 0), (0, -matrix.shape[1] % size)), constant_values=True)
    zeros = padded.reshape(matrix.shape[0], -1, size).all(axis=2)
    if not zeros.any():
        return None
    row, group = numpy.argwhere(zeros)[0]
    return {
        "count": int(zeros.sum()), "size": size, "row": int(row), "group": int(group),
        "rows": int(zeros.all(axis=1).sum()),
    }  # fmt: skip


def tensor_figures(tensor):
    result = {"figures": figures(tensor.values, SMALLEST_NORMAL.get(tensor.type, 2.0**-126))}
    if tensor.values.size == 0:
        return result
    result["figures"]["entropyBits"] = entropy(tensor.patterns)
    magnitudes = numpy.abs(numpy.where(numpy.isfinite(tensor.values), tensor.values, 0))
    shape = magnitudes.shape
    if len(shape) == 3:
        magnitudes = magnitudes.reshape(-1, shape[2])
    result["rows"] = channels(magnitudes.reshape(magnitudes.shape[0] if shape else 1, -1).max(axis=1))
    if len(shape) > 1:
        other = tuple(axis for axis in range(magnitudes.ndim) if axis != 1)
        result["columns"] = channels(magnitudes.max(axis=other))
        matrix = tensor.values.reshape(magnitudes.shape[0], -1)
        result["zeroGroups"] = zero_groups(matrix, tensor.group_size or 64)
    not_finite = numpy.argwhere(~numpy.isfinite(tensor.values))
    result["firstNotFinite"] = not_finite[0].tolist() if not_finite.size else None
    return {key: value for key, value in result.items() if value is not None}


def stats(source):
    tensors = read(source)
    report = {"tensors": {name: tensor_figures(tensor) for name, tensor in tensors.items()}}
    groups = {"total": list(tensors)}
    for name in tensors:
        layer = re.match(r"(.*?\.\d+)\.", name)
        if layer:
            groups.setdefault(layer[1], []).append(name)
    report["groups"] = {}
    for group, names in groups.items():
        values = numpy.concatenate([tensors[name].values.ravel() for name in names])
        result = figures(values, 2.0**-126)
        entropies = [(tensors[name].values.size, report["tensors"][name]["figures"]) for name in names]
        total = sum(size * figure.get("entropyBits", 0) for size, figure in entropies)
        result["entropyBits"] = total / max(1, values.size)
        report["groups"][group] = result
    return report


def difference(a, b):
    """Measures of a against b, over the places where both are finite (Formats/references.md)."""
    if a.values.shape != b.values.shape:
        return {"shapes": [list(a.values.shape), list(b.values.shape)]}
    x, y = a.values.astype("<f8").ravel(), b.values.astype("<f8").ravel()
    finite = numpy.isfinite(x) & numpy.isfinite(y)
    unlike = ~finite & (a.values.ravel().view("<u4") != b.values.ravel().view("<u4"))
    x, y = numpy.where(finite, x, 0), numpy.where(finite, y, 0)
    result = {
        "identical": a.type == b.type and a.raw == b.raw,
        "notFinite": int(unlike.sum()),
        "maxAbs": float(numpy.abs(x - y).max(initial=0)),
        "maxAbsAt": int(numpy.abs(x - y).argmax()) if x.size else 0,
    }
    noise, signal, other = ((x - y) ** 2).sum(), (y**2).sum(), (x**2).sum()
    if signal > 0:
        result["relativeL2"] = float(math.sqrt(noise / signal))
        if noise > 0:
            result["sqnr"] = float(10 * math.log10(signal / noise))
        if other > 0:
            result["cosine"] = float((x * y).sum() / math.sqrt(signal * other))
    size = a.group_size or b.group_size or 64
    shape = a.values.shape
    rows = shape[0] if len(shape) > 1 else 1
    if x.size:
        columns = x.size // rows
        padding = -columns % size
        noise = numpy.pad(((x - y) ** 2).reshape(rows, columns), ((0, 0), (0, padding)))
        signal = numpy.pad((y**2).reshape(rows, columns), ((0, 0), (0, padding)))
        noise, signal = (sums.reshape(rows, -1, size).sum(axis=2) for sums in (noise, signal))
        with numpy.errstate(divide="ignore", invalid="ignore"):
            errors = numpy.where(noise > 0, numpy.sqrt(noise / signal), 0)
        row, group = numpy.unravel_index(errors.argmax(), errors.shape)
        result["worstGroup"] = {"relativeL2": float(errors[row, group]), "row": int(row), "group": int(group)}
    return result


def diff(a, b):
    a, b = read(a), read(b)
    return {name: difference(a[name], b[name]) for name in a if name in b}


def plain(value):
    """The document with non-finite numbers as the strings that the commands print."""
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


if __name__ == "__main__":
    print(json.dumps(plain({"stats": stats, "diff": diff}[sys.argv[1]](*sys.argv[2:]))))
