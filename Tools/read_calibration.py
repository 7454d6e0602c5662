#!/usr/bin/env python3
"""A second reader of calibration files `.cogcal`, written from Formats/calibration.md alone.

    read_calibration.py FILE                     list the inputs with their figures
    read_calibration.py FILE --json              the fields, and tokens and channels of each input, as JSON
    read_calibration.py FILE --input NAME --kind KIND --npy OUT
                                                 write means, second moments, largest magnitudes

Exit status: 0 done, 2 bad input, with the file and the cause on standard error, 64 usage.
As a module: `open_calibration(path)` gives a Calibration; `file.moments(name, kind)` has numpy arrays.
Every checksum is compared. Needs Python 3.8 and numpy.
"""

import argparse
import json
import os
import re
import sys
import zlib
from collections import namedtuple

import numpy

from native.refusal import Refusal, require

FORMAT, VERSION = "cogvlm calibration", "1"
KEYS = {
    "checksum", "checksums", "counts", "failed", "format", "model", "sets", "settings", "tool", "version",
}  # fmt: skip
QUANTITIES = {"sum": "F64", "sum_of_squares": "F64", "count": "I64", "largest": "F32"}
TYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4"}
KINDS = ("image", "text")
LONGEST_HEADER = 100_000_000
COUNT_LIMIT = 1 << 48

Moments = namedtuple("Moments", "count sum sum_of_squares largest")
"""Tokens, and for each channel the sum, the sum of squares and the largest magnitude."""


class CalibrationFormatError(Exception):
    """The file is damaged or no calibration file; the text names the file and the cause."""


def _once(pairs):
    """An object of JSON in which no key stands twice."""
    result = dict(pairs)
    require(len(result) == len(pairs), "a key stands twice")
    return result


def _parse(text, what):
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{what} is no JSON: {error}") from None


class Calibration:
    """An open calibration file: `fields` by key, `names` in the order of the forward pass, and moments."""

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as stream:
                content = stream.read()
        except OSError as error:
            raise CalibrationFormatError(f"{path}: cannot open: {error.strerror}") from error
        try:
            self._read(content)
        except Refusal as refusal:
            raise CalibrationFormatError(f"{path}: {refusal}") from None

    def _read(self, content):
        length = int.from_bytes(content[:8], "little")
        require(length <= min(LONGEST_HEADER, len(content) - 8), "the header is cut off")
        header = _parse(content[8 : 8 + length], "the header")
        require(isinstance(header, dict), "the header is no object")
        metadata = header.pop("__metadata__", None)
        is_texts = isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values())
        require(is_texts and metadata.get("format") == FORMAT, "this is no calibration file")
        require(metadata.get("version") == VERSION, f"the version is not {VERSION}")
        require(set(metadata) == KEYS, "a field is missing, or one too many")
        text = "".join(f"{key}={metadata[key]}\n" for key in sorted(KEYS - {"checksum"}))
        require(metadata["checksum"] == _crc32(text.encode()), "the metadata is damaged: another checksum")
        fields = ("model", "sets", "settings", "counts", "failed")
        self.fields = {key: _parse(metadata[key], f"the field {key}") for key in fields}
        self.fields["tool"] = metadata["tool"]
        self._read_tensors(header, _parse(metadata["checksums"], "the field checksums"), content, 8 + length)

    def _read_tensors(self, header, checksums, content, start):
        require(isinstance(checksums, dict) and set(checksums) == set(header), "checksums of other tensors")
        arrays, end = {}, 0
        for name, entry in header.items():
            parts = name.rsplit(".", 2)
            known = len(parts) == 3 and parts[0] and parts[1] in KINDS and parts[2] in QUANTITIES
            require(known, f"{name}: the format has no such tensor")
            try:
                dtype, (count,), (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
                size = int(TYPES[dtype][2]) * count
            except (KeyError, TypeError, ValueError):
                raise Refusal(f"{name}: the entry is wrong") from None
            require(dtype == QUANTITIES[parts[2]] and count > 0, f"{name}: another type or shape")
            require(first == end and last == first + size, f"{name}: the bytes are misplaced")
            end = last
            data = content[start + first : start + last]
            require(len(data) == size, f"{name}: the file is cut off")
            require(_crc32(data) == checksums[name], f"{name}: the tensor is damaged: its checksum differs")
            arrays[tuple(parts)] = numpy.frombuffer(data, TYPES[dtype])
        require(start + end == len(content), "bytes follow the last tensor")
        self._moments = {}
        for name, kind, quantity in arrays:
            if quantity == "sum":
                self._moments[name, kind] = _moments(arrays, name, kind)
        require(len(arrays) == 4 * len(self._moments), "a tensor belongs to no sum")
        self.names = list(dict.fromkeys(name for name, _ in self._moments))

    def moments(self, name, kind):
        """The moments of an input and a kind of token, `image` or `text`; None where there are none."""
        return self._moments.get((name, kind))


def _crc32(data):
    return f"{zlib.crc32(data):08x}"


def _moments(arrays, name, kind):
    try:
        values = [arrays[name, kind, quantity] for quantity in ("count", "sum", "sum_of_squares", "largest")]
    except KeyError:
        raise Refusal(f"{name}.{kind}: a tensor is missing") from None
    counts, total, squares, largest = values
    require(len(counts) == 1 and 0 < counts[0] < COUNT_LIMIT, f"{name}.{kind}: the count cannot be")
    require(len(total) == len(squares) == len(largest), f"{name}.{kind}: other numbers of channels")
    wide = largest.astype("<f8")
    # What is compared may be rounded.
    slack, count = 1 + 1e-6, int(counts[0])
    with numpy.errstate(over="ignore", invalid="ignore"):
        fits = (
            numpy.isfinite(total) & numpy.isfinite(squares) & numpy.isfinite(wide) & (wide >= 0)
            & (wide * wide <= squares * slack) & (squares <= count * wide * wide * slack)
            & (total * total <= count * squares * slack)
        )  # fmt: skip
    require(bool(fits.all()), f"{name}.{kind}: the moments of a channel cannot be")
    return Moments(count, total, squares, largest)


def open_calibration(path):
    """Opens a calibration file and checks all of it; CalibrationFormatError where it is not one."""
    return Calibration(path)


def _listing(calibration):
    inputs = []
    for name in calibration.names:
        kinds = {}
        for kind in KINDS:
            moments = calibration.moments(name, kind)
            if moments is not None:
                kinds[kind] = {"tokens": moments.count, "channels": len(moments.sum)}
        inputs.append({"name": name, **kinds})
    return {"fields": calibration.fields, "inputs": inputs}


def _print_table(calibration):
    settings, counts = calibration.fields["settings"], calibration.fields["counts"]
    print(f"model {calibration.fields['model']['name']}, {settings['mode']}, {counts['videos']} videos")
    for name in calibration.names:
        for kind in KINDS:
            moments = calibration.moments(name, kind)
            if moments is None:
                continue
            rms = float(numpy.sqrt(moments.sum_of_squares.mean() / moments.count))
            text = f"{moments.count} tokens, RMS {rms:.4g}, largest {float(moments.largest.max()):.4g}"
            # A name from a file must not steer the terminal.
            print(f"{re.sub(r'[^ -~]', '?', name)}  {kind}  {len(moments.sum)} channels, {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--json", action="store_true", help="print the fields and the inputs as JSON")
    parser.add_argument("--input", help="the name of an input")
    parser.add_argument("--kind", choices=KINDS, default="image")
    parser.add_argument("--npy", help="write mean, second moment and largest magnitude there")
    try:
        options = parser.parse_args()
    except SystemExit as error:
        sys.exit(64 if error.code else 0)
    if (options.input is None) != (options.npy is None):
        sys.exit(_refuse("--input and --npy go together", 64))
    out = options.npy
    both_there = out is not None and os.path.exists(out) and os.path.exists(options.file)
    if both_there and os.path.samefile(out, options.file):
        sys.exit(_refuse("--npy names the file that is read", 64))
    try:
        calibration = open_calibration(options.file)
    except CalibrationFormatError as error:
        sys.exit(_refuse(error))
    if options.npy is not None:
        moments = calibration.moments(options.input, options.kind)
        if moments is None:
            sys.exit(_refuse(f"{options.file}: {options.input}: no such input with {options.kind} tokens"))
        rows = [moments.sum / moments.count, moments.sum_of_squares / moments.count, moments.largest]
        try:
            with open(options.npy, "wb") as out:
                numpy.save(out, numpy.array(rows, "<f8"))
        except OSError as error:
            sys.exit(_refuse(f"{options.npy}: cannot write: {error.strerror}"))
    elif options.json:
        print(json.dumps(_listing(calibration), indent=2, sort_keys=True))
    else:
        _print_table(calibration)


def _refuse(error, status=2):
    print(f"error: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
