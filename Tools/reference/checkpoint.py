"""The weights of a downloaded folder: safetensors or PyTorch zip shards, mapped, one tensor taken at a time.

Nothing is copied until a tensor is asked for: a mapped file's pages are the system's to drop, so a 25 GB
checkpoint can be walked on a machine with less memory than that.
"""

import inspect
import os
from typing import Any, Dict, List

import torch
from safetensors import SafetensorError, safe_open

from .configuration import Configuration, expected_tensors, read_json
from .errors import ToolError, note, shorten

# (index, the single file that needs none) in order of preference.
LAYOUTS = (
    ("model.safetensors.index.json", "model.safetensors"),
    ("pytorch_model.bin.index.json", "pytorch_model.bin"),
)
FLOATING = (torch.float32, torch.float16, torch.bfloat16)


class Checkpoint:
    """The tensors of a folder, checked against the index and the configuration when opened."""

    def __init__(self, folder: str, configuration: Configuration) -> None:
        """Opens the shards of `folder`. Throws ToolError where index, shards and configuration disagree."""
        self.folder = folder
        self.expected = expected_tensors(configuration)
        self._shards: Dict[str, Any] = {}
        self._shard_of = self._open()
        self._check_complete()

    def tensor(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """A copy-free or freshly converted tensor of the expected shape; a view of the mapped file where the
        file already has `dtype`."""
        shard = self._shard_of[name]
        path = os.path.join(self.folder, shard)
        try:
            source = self._shards[shard]
            tensor = source[name] if isinstance(source, dict) else source.get_tensor(name)
        except (SafetensorError, OSError, RuntimeError) as error:
            raise ToolError(f"{path}: {name} cannot be read: {error}; download the file again") from error
        if list(tensor.shape) != self.expected[name]:
            raise ToolError(
                f"{path}: {name} has shape {shorten(list(tensor.shape))}, but by config.json it is "
                f"{self.expected[name]}; take both from the same download"
            )
        if tensor.dtype not in FLOATING:
            raise ToolError(
                f"{path}: {name} is stored as {tensor.dtype}, expected float32, float16 or bfloat16"
            )
        return tensor.to(dtype)

    def rows(self, name: str, rows: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Rows `rows` (`[n]`) of a matrix, without reading the others: `[n, columns]`."""
        shard = self._shard_of[name]
        source = self._shards[shard]
        matrix = source[name] if isinstance(source, dict) else source.get_tensor(name)
        if list(matrix.shape) != self.expected[name]:
            return self.tensor(name, dtype)  # says what is wrong
        return matrix.index_select(0, rows).to(dtype)

    def layer(self, prefix: str, dtype: torch.dtype) -> Dict[str, torch.Tensor]:
        """All tensors below `prefix`, which ends with a dot, named from there."""
        names = [name for name in self.expected if name.startswith(prefix)]
        return {name[len(prefix) :]: self.tensor(name, dtype) for name in names}

    def _open(self) -> Dict[str, str]:
        """Opens every shard and gives the shard that holds each tensor."""
        if not os.path.isdir(self.folder):
            raise ToolError(f"{self.folder}: no such folder; give the folder of a downloaded checkpoint")
        for index, single in LAYOUTS:
            if os.path.exists(os.path.join(self.folder, index)):
                return self._open_sharded(index)
            if os.path.exists(os.path.join(self.folder, single)):
                return dict.fromkeys(self._open_shard(single), single)
        names = ", ".join(name for layout in LAYOUTS for name in layout)
        raise ToolError(f"{self.folder}: no weights here; expected one of {names}")

    def _open_sharded(self, index: str) -> Dict[str, str]:
        path = os.path.join(self.folder, index)
        document = read_json(path)
        weight_map = document.get("weight_map") if isinstance(document, dict) else None
        if not isinstance(weight_map, dict) or not weight_map:
            raise ToolError(f"{path}: the field weight_map is missing or empty; download the file again")
        for name, shard in weight_map.items():
            if (
                not isinstance(shard, str)
                or not shard
                or shard != os.path.basename(shard)
                or shard in (".", "..")
            ):
                raise ToolError(
                    f"{path}: weight_map gives {shorten(name)} the file {shorten(shard)}, "
                    "expected a file name without folders"
                )
        for shard in sorted(set(weight_map.values())):
            self._check_against_index(path, shard, self._open_shard(shard), weight_map)
        return weight_map

    def _check_against_index(
        self, index: str, shard: str, names: List[str], weight_map: Dict[str, str]
    ) -> None:
        """A tensor in two shards, or in another than the index says, must not silently win."""
        path = os.path.join(self.folder, shard)
        present = set(names)
        for name in names:
            if weight_map.get(name) != shard:
                where = weight_map.get(name, "no shard")
                raise ToolError(
                    f"{path}: holds {shorten(name)}, which {index} puts in {where}; download both again"
                )
        for name, wanted in weight_map.items():
            if wanted == shard and name not in present:
                raise ToolError(
                    f"{path}: {shorten(name)} is missing, though {index} puts it here; download both again"
                )

    def _open_shard(self, shard: str) -> List[str]:
        """Maps one file and gives the names in it."""
        path = os.path.join(self.folder, shard)
        _refuse_known_strangers(path)
        if shard.endswith(".safetensors"):
            try:
                self._shards[shard] = safe_open(path, framework="pt", device="cpu")
            except (SafetensorError, OSError, ValueError) as error:
                raise ToolError(
                    f"{path}: not a readable safetensors file: {error}; download it again"
                ) from error
        else:
            self._shards[shard] = _load_pickled(path)
        return list(self._shards[shard].keys())

    def _check_complete(self) -> None:
        """The checkpoint has exactly the tensors of its configuration."""
        extra = sorted(set(self._shard_of) - set(self.expected))
        experts = [name for name in extra if ".vision_expert_" in name or ".vision_mlp." in name]
        if experts:
            raise ToolError(
                f"{self.folder}: holds {experts[0]}: this is the image model CogVLM2-19B (or CogVLM), whose "
                "vision experts the video model does not have; this tool captures CogVLM2-Video-Llama3 only"
            )
        missing = sorted(set(self.expected) - set(self._shard_of))
        for names, what in ((missing, "missing"), (extra, "not part of this model")):
            if names:
                more = f" and {len(names) - 1} more" if len(names) > 1 else ""
                raise ToolError(
                    f"{self.folder}: {shorten(names[0])}{more} {what}, by config.json; "
                    "take all files from the same download"
                )


def _refuse_known_strangers(path: str) -> None:
    """Names what is often saved under a shard's name."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise ToolError(f"{path}: cannot be read: {error.strerror}; download it") from error
    if not head:
        raise ToolError(f"{path}: the file is empty; download it again")
    if head.startswith(b"version https://git-lfs"):
        raise ToolError(f"{path}: a Git LFS pointer, not the weights; run `git lfs pull` in the folder")
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise ToolError(f"{path}: an HTML page, not the weights; the download failed, repeat it")
    if head.startswith(b"GGUF"):
        raise ToolError(f"{path}: a GGUF file, not a PyTorch checkpoint; download the original weights")


def _load_pickled(path: str) -> Dict[str, torch.Tensor]:
    """A PyTorch zip, through PyTorch's own loader that calls nothing; mapped where this PyTorch can."""
    options: Dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    if "mmap" in inspect.signature(torch.load).parameters:
        options["mmap"] = True
    else:
        note(f"{path}: PyTorch {torch.__version__} cannot map .bin files: the whole file is read into memory")
    try:
        tensors = torch.load(path, **options)
    except Exception as error:  # the loader throws nearly anything on a damaged file
        raise ToolError(
            f"{path}: not a readable PyTorch file: {shorten(str(error), 200)}; download it again"
        ) from error
    if not isinstance(tensors, dict):
        raise ToolError(f"{path}: holds {type(tensors).__name__}, expected a dictionary of tensors")
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ToolError(f"{path}: {shorten(name)} is {type(value).__name__}, expected a named tensor")
    return dict(tensors)
