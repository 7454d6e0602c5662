"""Writes a checkpoint folder: whole or not at all."""

import json
import os
import shutil
import sys
import time
from typing import BinaryIO, List, Optional, Tuple

from reference.errors import ToolError

from . import presets, vocabulary
from .weights import Weights

INDEX = "model.safetensors.index.json"
_SPARE = 64 << 20  # bytes for the tokenizer, the headers and the file system
_FLUSHED = 1 << 28  # bytes that wait in the page cache at most


class _Progress:
    """How far the work is: one line on standard error when that is a terminal, silent otherwise."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._start, self._drawn = max(1, total), 0, time.monotonic(), 0.0
        self._is_shown = sys.stderr.isatty()

    def advance(self, count: int, what: str) -> None:
        self._done += count
        now = time.monotonic()
        if not self._is_shown or now - self._drawn < 0.1:
            return
        self._drawn = now
        left = (now - self._start) * (self._total - self._done) / self._done
        text = f"\r\x1b[2Kmaking {100 * self._done // self._total}%, {left:.0f} s left {what}"
        print(text, end="", file=sys.stderr, flush=True)

    def finish(self) -> None:
        if self._drawn:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def header(shard: presets.Shard) -> Tuple[bytes, List[str]]:
    """The safetensors header of a shard, length field included, and its tensors in the order of their
    data."""
    names, end, entries = sorted(shard.shapes), 0, {"__metadata__": {"format": "pt"}}
    for name in names:
        start, end = end, end + presets.byte_count(shard.shapes[name])
        entries[name] = {"dtype": "BF16", "shape": shard.shapes[name], "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, names


def write_checkpoint(preset_name: str, folder: str, seed: int, tokenizer: Optional[str]) -> int:
    """Writes a whole checkpoint into a new or empty folder and returns its bytes.

    The index comes last: without it the folder is no checkpoint. What was written is removed when the work
    fails. Raises ToolError when the folder has files in it, cannot be written, or the disk has too little
    room.
    """
    is_new = _make_folder(folder)
    try:
        return _fill(preset_name, folder, seed, tokenizer)
    except BaseException as error:
        _clear(folder, is_new)
        if isinstance(error, OSError):
            raise ToolError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
        raise


def _make_folder(folder: str) -> bool:
    try:
        if not os.path.lexists(folder):
            os.makedirs(folder)
            return True
        names = os.listdir(folder)
    except OSError as error:
        raise ToolError(f"{folder}: not a folder that can be written: {error.strerror}") from error
    if names:
        raise ToolError(
            f"{folder}: there are files in it, such as {sorted(names)[0]}; name a new or an empty folder"
        )
    return False


def _clear(folder: str, is_new: bool) -> None:
    """Removes what was written. The folder was empty, so all of it is ours."""
    if is_new:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


def _fill(preset_name: str, folder: str, seed: int, tokenizer: Optional[str]) -> int:
    preset = presets.load(preset_name, folder)
    total = sum(presets.byte_count(shape) for shard in preset.shards for shape in shard.shapes.values())
    _require_space(folder, total + _SPARE)
    if tokenizer is None:
        text = vocabulary.synthetic_tokenizer(preset.config)
    else:
        text = vocabulary.checked_tokenizer(tokenizer, preset.config)
    _write_text(folder, "tokenizer.json", text)
    weights, progress = Weights(seed), _Progress(total)
    try:
        for shard in preset.shards:
            _write_shard(folder, shard, weights, progress)
    finally:
        progress.finish()
    weight_map = {name: shard.name for shard in preset.shards for name in shard.shapes}
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    _write_text(folder, INDEX, json.dumps(index, indent=2) + "\n")
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def _require_space(folder: str, needed: int) -> None:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise ToolError(f"{folder}: the disk has too little room: expected {needed} free bytes, found {free}")


def _write_text(folder: str, name: str, text: str) -> None:
    path = os.path.join(folder, name)
    with open(path + ".tmp", "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(path + ".tmp", path)


def _write_shard(folder: str, shard: presets.Shard, weights: Weights, progress: _Progress) -> None:
    path = os.path.join(folder, shard.name)
    with open(path + ".tmp", "wb") as stream:
        start, names = header(shard)
        stream.write(start)
        waiting = 0
        for name in names:
            for chunk in weights.chunks(name, shard.shapes[name]):
                stream.write(memoryview(chunk).cast("B"))
                progress.advance(chunk.nbytes, name)
                waiting += chunk.nbytes
                if waiting >= _FLUSHED:
                    _flush(stream)
                    waiting = 0
        _flush(stream)
        size = stream.tell()
    if shard.file_bytes not in (0, size):
        raise ToolError(f"{path}: {size} bytes, expected {shard.file_bytes} as in the published checkpoint")
    os.rename(path + ".tmp", path)


def _flush(stream: BinaryIO) -> None:
    """Waits for the disk and lets the pages go, so that a file larger than memory pushes nothing else out."""
    stream.flush()
    os.fsync(stream.fileno())
    os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
