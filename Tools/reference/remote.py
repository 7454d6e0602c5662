"""The model through the folder's own code: transformers loads it, hooks on the module paths keep the taps.

This is the published computation itself, with only the greedy loop replaced, because transformers releases
after 4.4x no longer run the published `generate()`.
"""

import os
import re
from typing import Any, Dict, List, Optional, Tuple

import torch

from .configuration import Configuration, read_json
from .errors import ToolError, note, shorten
from .prompt import TEXT, Prompt
from .taps import Taps

TAPPED = re.compile(
    r"model\.vision(\.patch_embedding|\.transformer\.layers\.\d+|\.conv|\.linear_proj)?"
    r"|model\.layers\.\d+|model\.norm|lm_head"
)
PLAIN = "give --plain to compute with our own PyTorch model, which needs none of this"


def require_runnable(folder: str) -> None:
    """Says before any work what the folder or the machine lacks."""
    path = os.path.join(folder, "config.json")
    document = read_json(path)
    auto_map = document.get("auto_map") if isinstance(document, dict) else None
    reference = auto_map.get("AutoModelForCausalLM") if isinstance(auto_map, dict) else None
    if not isinstance(reference, str):
        raise ToolError(
            f"{path}: auto_map names no AutoModelForCausalLM: the folder has no code to run; {PLAIN}"
        )
    module = os.path.join(folder, reference.rpartition("--")[2].split(".")[0] + ".py")
    if not os.path.isfile(module):
        raise ToolError(f"{module}: no such file, though config.json names it; download it, or {PLAIN}")
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise ToolError(
            f"{module}: running it needs transformers ({error}); install it, or {PLAIN}"
        ) from error
    _require_memory(folder)


class RemoteModel:
    """Runs the folder's `AutoModelForCausalLM` in float32 or bfloat16; a `taps.Model`."""

    def __init__(self, folder: str, configuration: Configuration, dtype: torch.dtype) -> None:
        """Loads the whole model into memory. Throws ToolError saying what the folder's code stumbled over."""
        import transformers

        self.configuration, self.dtype = configuration, dtype
        self._where = f"{folder} (its own code, transformers {transformers.__version__})"
        self._past: Any = None
        self._tokens = 0
        try:
            module, loading = transformers.AutoModelForCausalLM.from_pretrained(
                folder, torch_dtype=dtype, trust_remote_code=True, output_loading_info=True
            )
        except Exception as error:  # the folder's code may throw anything
            raise self._explain(error, "loading") from error
        unloaded = sorted(loading.get("missing_keys", [])) + sorted(loading.get("unexpected_keys", []))
        if unloaded:
            raise ToolError(
                f"{folder}: {shorten(unloaded[0])} and {len(unloaded) - 1} more tensors do not fit the "
                f"folder's code; {PLAIN}"
            )
        self.module: torch.nn.Module = module.eval()

    @torch.inference_mode()
    def prefill(self, prompt: Prompt, images: Optional[torch.Tensor], taps: Taps) -> torch.Tensor:
        """Runs the whole prompt in one call, with hooks on the tapped modules."""
        self._past, self._tokens = None, 0
        arguments: Dict[str, Any] = {"images": None if images is None else [[images.to(self.dtype)]]}
        with hooked(self.module, taps):
            logits = self._forward(prompt.input_ids, prompt.token_type_ids, prompt.position_ids, arguments)
        require_taps(taps, self.configuration, images is not None, self._where)
        return logits

    @torch.inference_mode()
    def step(self, token: int, position: int) -> torch.Tensor:
        """Runs one answer token on the cache."""
        ids, types, positions = (torch.tensor([value]) for value in (token, TEXT, position))
        return self._forward(ids, types, positions, {"images": None, "past_key_values": self._past})

    def _forward(
        self, ids: torch.Tensor, types: torch.Tensor, positions: torch.Tensor, arguments: Dict[str, Any]
    ) -> torch.Tensor:
        self._tokens += len(ids)
        try:
            output = self.module(
                input_ids=ids[None],
                token_type_ids=types[None],
                position_ids=positions[None],
                attention_mask=torch.ones((1, self._tokens), dtype=torch.long),
                use_cache=True,
                return_dict=True,
                **arguments,
            )
        except Exception as error:  # the folder's code may throw anything
            raise self._explain(error, "running") from error
        self._past = output.past_key_values
        return output.logits[0, -1].float()

    def _explain(self, error: Exception, doing: str) -> ToolError:
        text = f"{type(error).__name__}: {shorten(str(error), 300)}"
        if "triton" in text.lower() or "active drivers" in text or "xformers" in text.lower():
            cause = "its rotary and attention kernels need a GPU (triton, xformers)"
        elif isinstance(error, ImportError):
            cause = "a package that it imports is missing"
        else:
            cause = "this transformers release may be too new for it (4.43 is known to load it)"
        return ToolError(f"{self._where}: {doing} it failed with {text}; {cause}; {PLAIN}")


class hooked:
    """While entered, keeps the outputs of a module tree's tapped modules."""

    def __init__(self, module: torch.nn.Module, taps: Taps) -> None:
        self._module, self._taps = module, taps
        self._handles: List[Any] = []

    def __enter__(self) -> None:
        for path, module in self._module.named_modules():
            if TAPPED.fullmatch(path):
                self._handles.append(module.register_forward_hook(self._keeper(path)))

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _keeper(self, path: str) -> Any:
        def keep(_: torch.nn.Module, __: Tuple[Any, ...], output: Any) -> None:
            # A layer of the language model gives (hidden states, cache); text has a batch dimension of 1.
            tensor = output[0] if isinstance(output, (tuple, list)) else output
            if not path.startswith("model.vision"):
                tensor = tensor[0]
            self._taps.keep(path, tensor[-1:] if path == "lm_head" else tensor)

        return keep


def require_taps(taps: Taps, configuration: Configuration, with_images: bool, where: str) -> None:
    """Every module that a bundle needs was there and ran."""
    expected = [f"model.layers.{layer}" for layer in range(configuration.num_hidden_layers)]
    expected += ["model.norm", "lm_head"]
    if with_images:
        expected += [f"model.vision{name}" for name in ("", ".patch_embedding", ".conv", ".linear_proj")]
        layers = range(configuration.vision.num_hidden_layers)
        expected += [f"model.vision.transformer.layers.{layer}" for layer in layers]
    missing = [path for path in expected if path not in taps.tensors]
    if missing:
        raise ToolError(f"{where}: no module {missing[0]} ran (and {len(missing) - 1} more did not); {PLAIN}")


def _require_memory(folder: str) -> None:
    """The folder's code holds all weights in memory; says so before the machine starts to swap or kills."""
    weights = [name for name in os.listdir(folder) if name.endswith((".safetensors", ".bin"))]
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in weights)
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            fields = dict(line.split(":", 1) for line in stream)
        available = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return
    if size > available:
        raise ToolError(
            f"{folder}: its weights are {size / 1e9:.1f} GB and the folder's code holds them all in memory, "
            f"of which {available / 1e9:.1f} GB are free; {PLAIN} (it holds one layer at a time)"
        )
    if 2 * size > available:
        note(f"{folder}: float32 will need about {2 * size / 1e9:.1f} GB of memory; --plain needs much less")
