"""From a question and the number of frames to token ids, token types and positions."""

import os
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import torch

from .configuration import TEMPLATES, Configuration
from .errors import ToolError, shorten

TEXT, VISION = 0, 1
LARGEST_TOKENIZER = 256 << 20

History = Sequence[Tuple[str, str]]


@dataclass(frozen=True)
class Prompt:
    """The input of the language model; every tensor is I64 `[tokens]`."""

    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    position_ids: torch.Tensor


def prompt_text(template: str, query: str, history: History) -> str:
    """What follows the frames. `base` leaves the history out, as the published code does."""
    if template == "base":
        return query
    ending = {"chat": "Answer:", "vqa": "Short answer:"}[template]
    turns = "".join(f"Question: {question} {ending} {answer}\n" for question, answer in history)
    return f"{turns}Question: {query} {ending}"


def position_ids(token_types: Sequence[int]) -> List[int]:
    """Positions by the published rule: the tokens inside a frame share one.

    A vision token at the edge of its run counts as text; the first token has position 0, and each next one
    adds 1 if it is text or the first vision token after text.
    """
    count = len(token_types)
    inside = []
    for index, kind in enumerate(token_types):
        left = token_types[index - 1] if index > 0 else TEXT
        right = token_types[index + 1] if index + 1 < count else TEXT
        inside.append(kind == VISION and left == VISION and right == VISION)
    positions, current = [], 0
    for index in range(count):
        if index > 0 and not (inside[index] and inside[index - 1]):
            current += 1
        positions.append(current)
    return positions


class Tokenizer:
    """`tokenizer.json` of the folder, through the library that the published code uses underneath."""

    def __init__(self, folder: str) -> None:
        """Throws ToolError when the file or the library is missing."""
        path = os.path.join(folder, "tokenizer.json")
        try:
            import tokenizers
        except ImportError as error:
            raise ToolError(
                f"{path}: reading it needs tokenizers ({error}); run `pip install tokenizers`"
            ) from error
        if not os.path.isfile(path):
            raise ToolError(f"{path}: no such file; download it with the weights")
        if os.path.getsize(path) > LARGEST_TOKENIZER:
            raise ToolError(f"{path}: {os.path.getsize(path)} bytes, expected at most {LARGEST_TOKENIZER}")
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(path)
        except BaseException as error:  # a panic of the Rust library is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            raise ToolError(
                f"{path}: not a tokenizer: {shorten(str(error), 200)}; download it again"
            ) from error
        self.path = path

    def encode(self, text: str) -> List[int]:
        """The ids of `text`: special tokens in it are parsed, none are added."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids` without special tokens."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)


def build_prompt(
    configuration: Configuration,
    tokenizer: Tokenizer,
    template: str,
    query: str,
    history: History,
    frames: int,
) -> Prompt:
    """The whole prompt: begin of text, the frames (with their numbers in `chat`), the text."""
    if template not in TEMPLATES:
        raise ToolError(f"template is {shorten(template)}, expected one of {', '.join(TEMPLATES)}")
    ids, types = [configuration.bos_token_id], [TEXT]
    per_frame = configuration.vision.tokens_per_frame
    for frame in range(frames):
        number = tokenizer.encode(str(frame)) if template == "chat" else []
        ids += [configuration.pad_token_id] * per_frame + number
        types += [VISION] * per_frame + [TEXT] * len(number)
    text = tokenizer.encode(prompt_text(template, query, history))
    ids += text
    types += [TEXT] * len(text)
    largest = max(ids)
    if largest >= configuration.vocab_size:
        raise ToolError(
            f"{tokenizer.path}: gives the id {largest}, "
            f"but config.json has vocab_size {configuration.vocab_size}; take both from the same download"
        )
    return Prompt(torch.tensor(ids), torch.tensor(types), torch.tensor(position_ids(types)))
