#!/usr/bin/env python3
"""A second reader of the native file `.cogvlm`, written from Formats/native.md and Formats/int4.md alone.

    read_native.py FILE                            list the tensors
    read_native.py FILE --json                     the directory and the metadata as JSON
    read_native.py FILE --check                    compare every checksum
    read_native.py FILE --tensor NAME --npy OUT    write a tensor's values as float32

Exit status: 0 done, 2 bad input, with the file and the cause on standard error, 64 usage.
As a module: `open_native(path)` gives a NativeFile; `file.values(name)` is a numpy array of float32.
Needs Python 3.8 and numpy.
"""

import argparse
import json
import math
import mmap
import os
import struct
import sys
import zlib
from collections import namedtuple

import numpy

from native.metadata import parse_metadata
from native.panels import dequantize, stored_bytes
from native.refusal import Refusal, require

MAGIC = b"\x89COGVLM\n"
VERSION = 2
HEADER_BYTES = 128
ALIGNMENT = 4096
ENTRY_BYTES = 128
LARGEST_SIZE = 2**63 - 1
LARGEST_METADATA = 1 << 24
PLAIN = {1: "F32", 2: "F16", 3: "BF16", 4: "F64"}
QUANTIZED = {16: "int4", 17: "int8"}
GROUP_SIZES = (32, 64, 128)

Tensor = namedtuple(
    "Tensor",
    "name shape encoding group_size offset byte_count checksum source_type"
    " relative_rms sqnr worst_group worst_row worst_group_index",
)


class NativeFormatError(Exception):
    """The file is damaged or no native file; the text names the file and the cause."""


def _encoding_label(tensor):
    return tensor.encoding if tensor.group_size == 0 else f"{tensor.encoding}/{tensor.group_size}"


class NativeFile:
    """An open native file: `tensors` in the order of their data, `metadata`, and values by name."""

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < HEADER_BYTES:
                    raise NativeFormatError(f"{path}: the file is too short for a native file: {size} bytes")
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise NativeFormatError(f"{path}: cannot open: {error.strerror}") from error
        try:
            self._read_header()
            self._read_index()
        except Refusal as refusal:
            raise NativeFormatError(f"{path}: {refusal}") from None
        self._by_name = {tensor.name: tensor for tensor in self.tensors}

    def _read_header(self):
        header = self._bytes[:HEADER_BYTES]
        require(header[:8] == MAGIC, "not a native file: it does not start with the magic bytes of one")
        version, header_bytes, file_bytes = struct.unpack_from("<IIQ", header, 8)
        require(version == VERSION, f"the format's version is {version}, not {VERSION}")
        (stored,) = struct.unpack_from("<I", header, 124)
        require(stored == zlib.crc32(header[:124]), "the header is damaged: its checksum differs")
        require(header_bytes == HEADER_BYTES, f"the header has {header_bytes} bytes, not {HEADER_BYTES}")
        require(file_bytes == len(self._bytes), f"the file has {len(self._bytes)} bytes, not {file_bytes}")
        sections = struct.unpack_from("<8Q", header, 24)
        names = ("data", "directory", "metadata", "tokenizer")
        self._sections = dict(zip(names, zip(sections[::2], sections[1::2])))
        self._count, alignment = struct.unpack_from("<2I", header, 88)
        self._index_checksum, self._tokenizer_checksum = struct.unpack_from("<2I", header, 96)
        require(alignment == ALIGNMENT, f"the alignment is {alignment}, not {ALIGNMENT}")
        self._check_sections(file_bytes)
        reserved = header[104:124] + self._bytes[128:4096]
        require(not any(reserved), "reserved bytes of the header are used")

    def _check_sections(self, file_bytes):
        end = ALIGNMENT
        for name, (offset, count) in sorted(self._sections.items(), key=lambda item: item[1]):
            alignment = ALIGNMENT if name == "data" else 64
            require(offset + count <= file_bytes, f"the {name} section lies outside of the file")
            require(offset % alignment == 0 and offset >= ALIGNMENT, f"the {name} section is misplaced")
            require(offset >= end, f"the {name} section overlaps the one before it")
            end = offset + count

    def _section(self, name):
        offset, count = self._sections[name]
        return self._bytes[offset : offset + count]

    def _read_index(self):
        directory, metadata = self._section("directory"), self._section("metadata")
        checksum = zlib.crc32(metadata, zlib.crc32(directory))
        require(checksum == self._index_checksum, "the directory is damaged: its checksum differs")
        require(len(metadata) <= LARGEST_METADATA, "the metadata is too large")
        self.tensors = self._read_directory(directory)
        self.metadata = parse_metadata(metadata)

    def _read_directory(self, directory):
        names_start = self._count * ENTRY_BYTES
        require(names_start <= len(directory), "the directory is too short")
        names = directory[names_start:]
        tensors, seen, name_end = [], set(), 0
        data_end, data_limit = self._sections["data"][0], sum(self._sections["data"])
        for index in range(self._count):
            entry = directory[index * ENTRY_BYTES : (index + 1) * ENTRY_BYTES]
            name_offset, name_bytes = struct.unpack_from("<II", entry, 16)
            require(name_offset == name_end, f"the name of tensor {index} is misplaced")
            name_end += name_bytes
            require(name_end <= len(names), f"the name of tensor {index} ends behind the directory")
            tensor = _read_entry(entry, _text(names[name_offset:name_end]))
            require(tensor.name not in seen, f"{tensor.name}: the tensor stands twice")
            seen.add(tensor.name)
            end = tensor.offset + tensor.byte_count
            require(
                tensor.offset % ALIGNMENT == 0 and tensor.offset >= data_end and end <= data_limit,
                f"{tensor.name}: the tensor's bytes are misplaced",
            )
            data_end = end
            tensors.append(tensor)
        require(name_end == len(names), "bytes follow the directory's names")
        return tensors

    def tensor(self, name):
        """The directory entry of a tensor."""
        if name not in self._by_name:
            raise NativeFormatError(f"{self.path}: {name}: no such tensor")
        return self._by_name[name]

    def raw(self, name):
        """The stored bytes of a tensor, a view of the mapped file as a numpy array of bytes."""
        tensor = self.tensor(name)
        return numpy.frombuffer(self._bytes, numpy.uint8, tensor.byte_count, tensor.offset)

    def tokenizer(self):
        """The bytes of the tokenizer section, their checksum compared."""
        content = self._section("tokenizer")
        if zlib.crc32(content) != self._tokenizer_checksum:
            raise NativeFormatError(f"{self.path}: the tokenizer is damaged: its checksum differs")
        return content

    def check(self):
        """Compares the checksum of every tensor and of the tokenizer."""
        self.tokenizer()
        for tensor in self.tensors:
            if zlib.crc32(self.raw(tensor.name)) != tensor.checksum:
                problem = "the tensor is damaged: its checksum differs"
                raise NativeFormatError(f"{self.path}: {tensor.name}: {problem}")

    def values(self, name):
        """The values of a tensor in its shape, float32."""
        tensor, content = self.tensor(name), self.raw(name)
        if tensor.group_size:
            return dequantize(tensor, content).reshape(tensor.shape)
        if tensor.encoding == "BF16":
            return (content.view("<u2").astype("<u4") << 16).view("<f4").reshape(tensor.shape)
        stored = content.view({"F32": "<f4", "F16": "<f2", "F64": "<f8"}[tensor.encoding])
        with numpy.errstate(over="ignore"):
            return stored.astype("<f4").reshape(tensor.shape)


def open_native(path):
    """Opens a native file and checks everything but the tensors' bytes. Raises NativeFormatError."""
    return NativeFile(path)


def _text(content):
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal("the directory has a name that is not UTF-8") from None


def _read_entry(entry, name):
    offset, byte_count = struct.unpack_from("<QQ", entry, 0)
    code, group_size, rank, checksum = struct.unpack_from("<4I", entry, 24)
    dimensions = struct.unpack_from("<4Q", entry, 40)
    relative_rms, sqnr, worst_group, worst_row, worst_index, source = struct.unpack_from("<3f3I", entry, 72)
    require(rank <= 4, f"{name}: {rank} dimensions, more than 4")
    require(not any(dimensions[rank:]), f"{name}: a dimension follows the last one")
    shape = dimensions[:rank]
    # The product of every prefix, so that a 0 does not hide what stands before it.
    sizes = [math.prod(shape[: count + 1]) for count in range(rank)]
    require(all(size <= LARGEST_SIZE for size in (*shape, *sizes)), f"{name}: the shape is too large")
    if code in PLAIN:
        encoding = PLAIN[code]
        require(group_size == 0, f"{name}: a plain tensor has a group size")
    else:
        require(code in QUANTIZED, f"{name}: the encoding {code} is unknown")
        encoding = QUANTIZED[code]
        require(group_size in GROUP_SIZES, f"{name}: the group size is {group_size}, not 32, 64 or 128")
    expected = stored_bytes(encoding, group_size, shape)
    require(byte_count == expected, f"{name}: the size does not fit the shape")
    require(source in PLAIN, f"{name}: the source's element type {source} is unknown")
    measured = relative_rms >= 0 and worst_group >= 0 and not math.isnan(sqnr)
    require(measured, f"{name}: an error measure is no number")
    require(not any(entry[96:]), f"{name}: reserved bytes of the directory entry are used")
    return Tensor(
        name, shape, encoding, group_size, offset, byte_count, checksum, PLAIN[source],
        relative_rms, sqnr, worst_group, worst_row, worst_index,
    )  # fmt: skip


def _print_list(file):
    rows = [("tensor", "shape", "encoding", "bytes", "SQNR dB")]
    for tensor in file.tensors:
        inexact = f"{tensor.sqnr:.2f}" if math.isfinite(tensor.sqnr) else "-"
        sqnr = "exact" if tensor.relative_rms == 0 and inexact == "-" else inexact
        shape, encoding = str(list(tensor.shape)), _encoding_label(tensor)
        rows.append((tensor.name, shape, encoding, str(tensor.byte_count), sqnr))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        left = (row[column].ljust(widths[column]) for column in range(3))
        right = (row[column].rjust(widths[column]) for column in (3, 4))
        print("  ".join((*left, *right)))


def _print_json(file):
    def number(value):
        return value if math.isfinite(value) else None

    tensors = []
    for tensor in file.tensors:
        entry = tensor._asdict()
        entry.update({key: number(entry[key]) for key in ("relative_rms", "sqnr", "worst_group")})
        tensors.append(entry)
    print(json.dumps({"metadata": file.metadata, "tensors": tensors}))


def main(arguments=None):
    class Parser(argparse.ArgumentParser):
        def error(self, message):
            self.print_usage(sys.stderr)
            self.exit(64, f"{self.prog}: {message}\n")

    parser = Parser(description="Lists, checks and dequantizes the tensors of a native file.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print directory and metadata as JSON")
    parser.add_argument("--check", action="store_true", help="compare every checksum")
    parser.add_argument("--tensor", metavar="NAME", help="the tensor to dequantize")
    parser.add_argument("--npy", metavar="OUT", help="where its values go, float32")
    options = parser.parse_args(arguments)
    if (options.tensor is None) != (options.npy is None):
        parser.error("--tensor and --npy go together")
    try:
        file = open_native(options.file)
        if options.check:
            file.check()
        if options.tensor is not None:
            values = file.values(options.tensor)
            if os.path.exists(options.npy) and os.path.samefile(options.npy, options.file):
                parser.error("--npy names the file that is read")
            with open(options.npy, "wb") as out:
                numpy.save(out, values)
        elif options.json:
            _print_json(file)
        elif options.check:
            print(f"{options.file}: {len(file.tensors)} tensors and the tokenizer agree with their checksums")
        else:
            _print_list(file)
    except NativeFormatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
