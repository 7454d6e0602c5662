"""What is kept of a forward pass, and the greedy loop that both ways of computing share."""

from dataclasses import dataclass
from typing import Dict, List, Optional, Protocol, Sequence

import torch

from .errors import ToolError, note
from .prompt import Prompt


class Taps:
    """Module outputs by module path, cut to what the bundle keeps."""

    def __init__(self, vision_frames_kept: int) -> None:
        """Of `patch_embedding` and the tower's layers the first `vision_frames_kept` frames are kept."""
        self.vision_frames_kept = vision_frames_kept
        self.tensors: Dict[str, torch.Tensor] = {}

    def keep(self, path: str, output: torch.Tensor) -> None:
        """Keeps a copy of the output of the module at `path`."""
        large = path == "model.vision.patch_embedding" or path.startswith("model.vision.transformer.")
        kept = output[: self.vision_frames_kept] if large else output
        self.tensors[path] = kept.detach().clone().contiguous()


class Model(Protocol):
    """A way to compute the model in one dtype."""

    def prefill(self, prompt: Prompt, images: Optional[torch.Tensor], taps: Taps) -> torch.Tensor:
        """Runs the whole prompt, keeps the taps, and gives the last position's logits, F32 `[vocabulary]`."""

    def step(self, token: int, position: int) -> torch.Tensor:
        """Runs one more token at `position`, and gives its logits, F32 `[vocabulary]`."""


@dataclass(frozen=True)
class Answer:
    """A greedy answer."""

    ids: List[int]
    """With the end-of-text token if it came."""
    margins: List[float]
    """For each token the gap between the two highest logits that it was chosen from."""


def greedy_answer(
    model: Model, first_logits: torch.Tensor, next_position: int, most: int, end_ids: Sequence[int]
) -> Answer:
    """Takes the highest logit (the lowest id on a tie), up to `most` tokens or an end-of-text token.

    `next_position` is the position of the first generated token; each next one adds 1.
    """
    ids: List[int] = []
    margins: List[float] = []
    logits = first_logits
    while True:
        if not bool(torch.isfinite(logits).all()):
            raise ToolError(f"the logits of answer token {len(ids)} are not finite; the weights are damaged")
        best = torch.topk(logits, 2).values
        ids.append(int(torch.argmax((logits == best[0]).to(torch.int8))))
        margins.append(float(best[0] - best[1]))
        if len(ids) == most or ids[-1] in end_ids:
            return Answer(ids, margins)
        note(f"answer token {len(ids)} of at most {most}: {ids[-1]} (margin {margins[-1]:.4g})")
        logits = model.step(ids[-1], next_position + len(ids) - 1)
