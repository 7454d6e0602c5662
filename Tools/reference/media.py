"""Frames: which of a video's are chosen, how they are prepared, and the file that holds them."""

import os
from dataclasses import dataclass
from typing import Dict, List, Optional

import torch
from safetensors import SafetensorError, safe_open

from .errors import ToolError, shorten

MEAN = (0.48145466, 0.4578275, 0.40821073)
STANDARD_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
MOST_FRAMES = 24
LARGEST_SIDE = 1 << 14
MOST_STRETCH = 64


@dataclass(frozen=True)
class Frames:
    """Decoded frames in the order of the prompt."""

    pixels: torch.Tensor
    """`[frames, height, width, 3]`, U8, RGB."""
    indices: Optional[torch.Tensor]
    """`[frames]`, I64: which frames of the video they are; None when the file does not say."""
    video: str
    """The video's file name, without folders."""
    decoder: str
    """What decoded them, with its version."""


def chat_indices(times: List[float]) -> List[int]:
    """The frame closest to each second, the first on a tie; `times` are the frames' start times in
    seconds."""
    chosen: List[int] = []
    for second in range(round(max(times)) + 1):
        if len(chosen) == MOST_FRAMES:
            break
        distances = [abs(time - second) for time in times]
        chosen.append(distances.index(min(distances)))
    return chosen


def base_indices(count: int, frames_per_second: float) -> List[int]:
    """24 frames spread over the first minute, cut down to whole indices; a short video repeats some."""
    last = max(min(count, int(60 * frames_per_second)), 1) - 1
    step = last / (MOST_FRAMES - 1)
    return [int(number * step) for number in range(MOST_FRAMES - 1)] + [last]


def decode_video(path: str, template: str) -> Frames:
    """Decodes the frames that the published sampling picks: `chat_indices` for chat and vqa, else
    `base_indices`."""
    if not os.path.isfile(path):
        raise ToolError(f"{path}: no such video")
    try:
        import decord
    except ImportError as error:
        raise ToolError(
            f"{path}: decoding needs decord ({error}); run `pip install decord`, or decode with "
            "another tool and give --frames"
        ) from error
    try:
        reader = decord.VideoReader(path, ctx=decord.cpu(0))
        count = len(reader)
        if template == "base":
            indices = base_indices(count, float(reader.get_avg_fps()))
        else:
            indices = chat_indices([float(start) for start, _ in reader.get_frame_timestamp(range(count))])
        pixels = torch.from_numpy(reader.get_batch(indices).asnumpy())
    except Exception as error:  # decord throws its own and RuntimeError, ValueError, IndexError
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise ToolError(f"{path}: no video frame can be decoded: {shorten(text[-1], 200)}") from error
    return Frames(pixels, torch.tensor(indices), os.path.basename(path), f"decord {decord.__version__}")


def read_frames(path: str) -> Frames:
    """Reads a NAME.frames.safetensors."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            names = set(file.keys())
            if "frames" not in names:
                raise ToolError(
                    f"{path}: the tensor frames is missing; expected a file NAME.frames.safetensors"
                )
            pixels = file.get_tensor("frames")
            indices = file.get_tensor("frame_indices") if "frame_indices" in names else None
            metadata: Dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise ToolError(f"{path}: not a readable safetensors file: {error}") from error
    shape = list(pixels.shape)
    if (
        pixels.dtype != torch.uint8
        or len(shape) != 4
        or shape[3] != 3
        or 0 in shape
        or max(shape) > LARGEST_SIDE
    ):
        raise ToolError(
            f"{path}: frames is {pixels.dtype} {shape}, expected uint8 [frames, height, width, "
            f"3] with every size from 1 to {LARGEST_SIDE}"
        )
    if indices is not None and (indices.dtype != torch.int64 or list(indices.shape) != shape[:1]):
        raise ToolError(
            f"{path}: frame_indices is {indices.dtype} {list(indices.shape)}, expected int64 {shape[:1]}"
        )
    return Frames(pixels, indices, metadata.get("video", ""), metadata.get("decoder", ""))


def prepare_images(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """The tower's input, `[frames, 3, size, size]` F32, from `[frames, height, width, 3]` U8.

    Scaled to 0...1, normalized, the short side resized to `size` (bilinear, half-pixel centers, no
    antialiasing), the center cut out. One frame at a time: 24 frames of 4K in F32 are 2.4 GB.
    """
    return torch.stack([_prepare_image(frame, size) for frame in pixels])


def _prepare_image(frame: torch.Tensor, size: int) -> torch.Tensor:
    mean = torch.tensor(MEAN).view(3, 1, 1)
    deviation = torch.tensor(STANDARD_DEVIATION).view(3, 1, 1)
    image = (frame.permute(2, 0, 1).float() / 255.0 - mean) / deviation
    height, width = image.shape[1:]
    if max(height, width) > MOST_STRETCH * min(height, width):
        raise ToolError(f"frames of {width}x{height} pixels: expected sides at most {MOST_STRETCH} to 1")
    if width < height:
        scaled = (int(height / width * size), size)
    else:
        scaled = (size, int(width / height * size))
    image = torch.nn.functional.interpolate(image[None], size=scaled, mode="bilinear", align_corners=False)[0]
    # Python rounds halves to even, as the published crop does.
    top, left = round((scaled[0] - size) / 2.0), round((scaled[1] - size) / 2.0)
    return image[:, top : top + size, left : left + size]
