"""From a folder, a clip and a question to the files of a bundle."""

import json
import os
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

import torch

from .bundle import BUNDLE_VERSION, require_writable, write_atomically
from .checkpoint import Checkpoint
from .configuration import Configuration, read_configuration
from .errors import ToolError, note
from .media import Frames, decode_video, prepare_images, read_frames
from .place import landing, shown
from .plain import PlainModel
from .prompt import Prompt, Tokenizer, build_prompt
from .taps import Answer, Model, Taps, greedy_answer

DTYPES = {"float32": (torch.float32, "f32"), "bfloat16": (torch.bfloat16, "bf16")}
"""Compute dtype, as in the metadata, to PyTorch's and to the file's suffix."""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    folder: str
    query: str
    history: List[Tuple[str, str]]
    output: str
    """NAME of NAME.f32.safetensors and its siblings, with the folder they go to."""
    dtypes: List[str]
    template: Optional[str] = None
    """None: the folder's own."""
    video: Optional[str] = None
    frames: Optional[str] = None
    max_new_tokens: int = 16
    vision_frames_kept: int = 2
    plain: bool = False


def _require_places(request: Request) -> None:
    """Says before hours of work that an output would take the place of something else."""
    inputs = [os.path.join(request.folder, name) for name in os.listdir(request.folder)]
    inputs += [path for path in (request.video, request.frames) if path is not None]
    for suffix in [DTYPES[name][1] for name in request.dtypes] + ["frames"]:
        landing(f"{request.output}.{suffix}.safetensors", inputs)


def capture(request: Request) -> List[str]:
    """Computes and writes the bundle; returns the files written."""
    require_writable(request.output)
    configuration = read_configuration(request.folder)
    _require_places(request)
    template = request.template or configuration.template_version
    tokenizer = Tokenizer(request.folder)
    frames = _frames(request, template)
    count = 0 if frames is None else int(frames.pixels.shape[0])
    prompt = build_prompt(configuration, tokenizer, template, request.query, request.history, count)
    _require_room(request, configuration, prompt)
    images = None if frames is None else prepare_images(frames.pixels, configuration.vision.image_size)
    open_model = _opener(request, configuration)

    written: List[str] = []
    for name in request.dtypes:
        dtype, suffix = DTYPES[name]
        note(f"{request.folder}: {len(prompt.input_ids)} tokens, {count} frames, {name}")
        taps = Taps(request.vision_frames_kept)
        answer = _run(open_model(dtype), configuration, prompt, images, taps, request.max_new_tokens)
        tensors = {**_inputs(prompt, frames, images, request.vision_frames_kept), **taps.tensors}
        metadata = _metadata(request, template, name, frames, answer, tokenizer.decode(answer.ids))
        path = f"{request.output}.{suffix}.safetensors"
        write_atomically(path, tensors, metadata)
        written.append(path)
    if frames is not None:
        path = f"{request.output}.frames.safetensors"
        tensors = {"frames": frames.pixels}
        if frames.indices is not None:
            tensors["frame_indices"] = frames.indices
        write_atomically(path, tensors, {"video": _video(request, frames), "decoder": frames.decoder})
        written.append(path)
    return written


def _frames(request: Request, template: str) -> Optional[Frames]:
    if request.frames is not None:
        return read_frames(request.frames)
    return None if request.video is None else decode_video(request.video, template)


def _require_room(request: Request, configuration: Configuration, prompt: Prompt) -> None:
    """The prompt and the answer fit the model's context."""
    tokens, limit = len(prompt.input_ids), configuration.max_position_embeddings
    if tokens + request.max_new_tokens > limit:
        raise ToolError(
            f"{request.folder}: the prompt has {tokens} tokens and the answer up to "
            f"{request.max_new_tokens}, but the model's context is {limit} (config.json, "
            "max_position_embeddings); give fewer frames, a shorter text or a smaller --max-new-tokens"
        )


def _opener(request: Request, configuration: Configuration) -> Callable[[torch.dtype], Model]:
    if request.plain:
        checkpoint = Checkpoint(request.folder, configuration)
        return lambda dtype: PlainModel(checkpoint, configuration, dtype)
    from .remote import RemoteModel, require_runnable

    require_runnable(request.folder)
    return lambda dtype: RemoteModel(request.folder, configuration, dtype)


def _run(
    model: Model,
    configuration: Configuration,
    prompt: Prompt,
    images: Optional[torch.Tensor],
    taps: Taps,
    max_new_tokens: int,
) -> Answer:
    logits = model.prefill(prompt, images, taps)
    next_position = int(prompt.position_ids[-1]) + 1
    return greedy_answer(model, logits, next_position, max_new_tokens, configuration.eos_token_ids)


def _inputs(
    prompt: Prompt, frames: Optional[Frames], images: Optional[torch.Tensor], kept: int
) -> Dict[str, torch.Tensor]:
    tensors = {
        "input_ids": prompt.input_ids,
        "token_type_ids": prompt.token_type_ids,
        "position_ids": prompt.position_ids,
    }
    if images is not None:
        tensors["images"] = images[:kept]
    if frames is not None and frames.indices is not None:
        tensors["frame_indices"] = frames.indices
    return tensors


def _metadata(
    request: Request, template: str, dtype: str, frames: Optional[Frames], answer: Answer, text: str
) -> Dict[str, str]:
    plain = " --plain" if request.plain else ""
    return {
        "bundle_version": BUNDLE_VERSION,
        "query": request.query,
        "history": json.dumps([list(turn) for turn in request.history], ensure_ascii=False),
        "template_version": template,
        "video": "" if frames is None else _video(request, frames),
        "compute_dtype": dtype,
        "answer_ids": json.dumps(answer.ids),
        "answer_text": text,
        "answer_margins": json.dumps(answer.margins),
        "min_margin": repr(min(answer.margins)),
        "vision_frames_kept": str(request.vision_frames_kept),
        "captured_with": f"capture_reference.py{plain}, PyTorch {torch.__version__}",
    }


def _video(request: Request, frames: Frames) -> str:
    return shown(os.path.basename(request.video)) if request.video else frames.video
