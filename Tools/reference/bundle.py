"""Writes reference bundles (Formats/references.md)."""

import os
import tempfile
from typing import Dict

import torch
from safetensors.torch import save_file

from .errors import CaptureError

BUNDLE_VERSION = "2"


def write_atomically(path: str, tensors: Dict[str, torch.Tensor], metadata: Dict[str, str]) -> None:
    """Writes a safetensors file beside its final name and renames it: it is there whole, or not at all."""
    folder = os.path.dirname(path) or "."
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
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise CaptureError(f"{path}: cannot be written: {error.strerror or error}; choose another -o") from error
    except Exception as error:  # the library reports a full disk as its own error
        raise CaptureError(f"{path}: cannot be written: {error}") from error
    finally:
        if temporary is not None:
            os.unlink(temporary)
