"""Writes reference bundles (Formats/references.md)."""

import os
import tempfile
from typing import Dict

import torch
from safetensors.torch import save_file

from .errors import ToolError
from .place import landing

BUNDLE_VERSION = "2"


def require_writable(name: str) -> None:
    """Says before hours of work that NAME's files cannot be written."""
    folder = os.path.dirname(name) or "."
    if not os.path.basename(name):
        raise ToolError(f"{name}: names a folder; give -o the start of a file name, such as {name}chat-7s")
    if not os.path.isdir(folder):
        raise ToolError(f"{folder}: no such folder; make it, or choose another -o")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ToolError(f"{folder}: cannot be written to; choose another -o")


def write_atomically(path: str, tensors: Dict[str, torch.Tensor], metadata: Dict[str, str]) -> None:
    """Writes a safetensors file beside its final name and renames it: it is there whole, or not at all."""
    place = landing(path, [])
    folder = os.path.dirname(place) or "."
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".capture-", suffix=".tmp", dir=folder)
        os.close(handle)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's file is the owner's alone
        os.replace(temporary, place)
        temporary = None
    except OSError as error:
        raise ToolError(f"{path}: cannot be written: {error.strerror or error}; choose another -o") from error
    except Exception as error:  # the library reports a full disk as its own error
        raise ToolError(f"{path}: cannot be written: {error}") from error
    finally:
        if temporary is not None:
            os.unlink(temporary)
