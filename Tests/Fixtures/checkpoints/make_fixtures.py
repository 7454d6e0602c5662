"""Writes the PyTorch zip fixtures of this folder with Python's own pickler and zip writer; needs numpy only.

Stand-ins for the torch classes give the pickles the names that torch.save writes, without torch. For each file NAME.pt
there is NAME.safetensors with the same tensors, contiguous, computed with numpy: the reader must give equal bytes.

    python3 make_fixtures.py FOLDER
"""
import collections
import io
import json
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

TYPES = {  # storage class: (safetensors dtype, numpy type of the same width)
    "DoubleStorage": ("F64", "<f8"), "FloatStorage": ("F32", "<f4"), "HalfStorage": ("F16", "<f2"),
    "BFloat16Storage": ("BF16", "<u2"), "LongStorage": ("I64", "<i8"), "IntStorage": ("I32", "<i4"),
    "ShortStorage": ("I16", "<i2"), "CharStorage": ("I8", "<i1"), "ByteStorage": ("U8", "<u1"),
    "BoolStorage": ("BOOL", "<u1"), "ComplexFloatStorage": ("C64", "<u8"),
}


def make_module(name, names):
    module = types.ModuleType(name)
    for entry in names:
        setattr(module, entry, type(entry, (), {"__module__": name}))
    sys.modules[name] = module
    return module


torch = make_module("torch", [*TYPES, "uint16", "Size"])
torch.storage = make_module("torch.storage", ["UntypedStorage"])
torch._utils = make_module("torch._utils", [])
for function in ["_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"]:
    exec(f"def {function}(*arguments): raise NotImplementedError", torch._utils.__dict__)


class Storage:
    def __init__(self, cls, values, key):
        self.cls, self.values, self.key = cls, values, key


class Tensor:
    """A strided view; pickles as torch's tensors do."""

    def __init__(self, storage, offset, size, stride, dtype=None):
        self.storage, self.offset, self.size, self.stride, self.dtype = storage, offset, size, stride, dtype

    def __reduce_ex__(self, protocol):
        arguments = (self.storage, self.offset, self.size, self.stride, False, collections.OrderedDict())
        if self.dtype is not None:
            return torch._utils._rebuild_tensor_v3, (*arguments, self.dtype)
        return torch._utils._rebuild_tensor_v2, arguments

    def contiguous(self):
        if self.dtype is not None:
            name, numpy_type = "U16", "<u2"
        else:
            name, numpy_type = TYPES[self.storage.cls.__name__]
        flat = np.frombuffer(self.storage.values.tobytes(), numpy_type)
        strides = [step * flat.itemsize for step in self.stride]
        view = np.lib.stride_tricks.as_strided(flat[self.offset:], self.size, strides)
        return name, list(self.size), np.ascontiguousarray(view).tobytes()


class Parameter(Tensor):
    def __reduce_ex__(self, protocol):
        tensor = Tensor(self.storage, self.offset, self.size, self.stride)
        return torch._utils._rebuild_parameter, (tensor, True, collections.OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        return ("storage", value.cls, value.key, "cpu", value.values.size)


def make_state():
    random = np.random.default_rng(2)
    storages = []

    def store(cls, values):
        storages.append(Storage(cls, values, str(len(storages))))
        return storages[-1]

    state = collections.OrderedDict()
    for name, (_, numpy_type) in TYPES.items():
        high = 2 if name == "BoolStorage" else 256
        raw = random.integers(0, high, 12 * np.dtype(numpy_type).itemsize, np.uint8)
        storage = store(getattr(torch, name), np.frombuffer(raw.tobytes(), numpy_type))
        state[f"all.{name}"] = Tensor(storage, 0, (3, 4), (4, 1))
        state[f"transposed.{name}"] = Tensor(storage, 0, (4, 3), (1, 4))
        state[f"part.{name}"] = Tensor(storage, 5, (2, 3), (4, 1))
    big = store(torch.FloatStorage, random.standard_normal(2 * 3 * 4 * 5).astype("<f4"))
    state["permuted"] = Tensor(big, 0, (5, 2, 4, 3), (1, 60, 5, 20))
    state["expanded"] = Tensor(big, 7, (4, 3), (0, 1))
    state["scalar"] = Tensor(big, 119, (), ())
    state["nothing"] = Tensor(big, 0, (0, 3), (3, 1))
    state["parameter"] = Parameter(big, 60, (60,), (1,))
    untyped = store(torch.storage.UntypedStorage, random.integers(0, 256, 16, np.uint8))
    state["short unsigned"] = Tensor(untyped, 1, (3, 2), (2, 1), torch.uint16)
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state, storages


def write_torch(path, root, storages, protocol, method):
    stream = io.BytesIO()
    Pickler(stream, protocol).dump(root)
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("archive/data.pkl", stream.getvalue())
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.values.tobytes())
        archive.writestr("archive/version", "3\n")


def write_safetensors(path, state):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in state.items():
        dtype, shape, raw = tensor.contiguous()
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main(folder):
    state, storages = make_state()
    write_safetensors(f"{folder}/tensors.safetensors", state)
    for protocol in [2, 3, 4, 5]:
        for word, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
            write_torch(f"{folder}/protocol{protocol}-{word}.pt", state, storages, protocol, method)
    nested = {"epoch": 3, "note": "made by hand", "state_dict": state, "optimizer": {"state": {0: [1.0, None]}}}
    write_torch(f"{folder}/nested.pt", nested, storages, 2, zipfile.ZIP_STORED)


main(sys.argv[1])
