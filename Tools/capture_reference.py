#!/usr/bin/env python3
"""Makes a reference bundle from a downloaded CogVLM2-Video-Llama3 folder, for `cogvlm verify`.

  capture_reference.py FOLDER --video clip.mp4 --query "What happens?" -o NAME
  capture_reference.py FOLDER --plain --frames NAME.frames.safetensors --query "..." --dtype float32 -o NAME

writes NAME.f32.safetensors, NAME.bf16.safetensors and NAME.frames.safetensors (Formats/references.md), and
prints their paths. Without --video and --frames the prompt is text only. By default the folder's own Python
code runs (it is executed: take folders from people you trust); --plain runs our own PyTorch model, one layer
in memory at a time: 4 GB of memory for the 25 GB model, and 15 GB of reads for each answer token.

Needs torch, safetensors and tokenizers; decord for --video; transformers unless --plain.
Exit status: 0 done, 2 bad input or a missing library, 64 usage.
"""

import argparse
import json
import sys
from typing import List, NoReturn, Tuple


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(64, f"capture_reference.py: {message}\n")


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("not valid UTF-8") from error
    return text


def _history(text: str) -> List[Tuple[str, str]]:
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    well_formed = isinstance(turns, list) and all(
        isinstance(turn, list) and len(turn) == 2 and all(isinstance(part, str) for part in turn)
        for turn in turns
    )
    if not well_formed:
        raise argparse.ArgumentTypeError('expected [["question", "answer"], ...]')
    return [(_text(question), _text(answer)) for question, answer in turns]


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= 65536 or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 65536")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    description, _, epilog = (__doc__ or "").partition("\n\n")
    parser = _Parser(
        prog="capture_reference.py",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="config.json, tokenizer.json and weights")
    parser.add_argument(
        "--video", metavar="CLIP", help="the video; frames are chosen as the published code does"
    )
    parser.add_argument("--frames", help="frames decoded before (NAME.frames.safetensors); wins over --video")
    parser.add_argument("--query", metavar="Q", type=_text, required=True, help="the question")
    parser.add_argument(
        "--history", metavar="JSON", type=_history, default=[], help='[["question", "answer"], ...]'
    )
    parser.add_argument("--template", choices=("chat", "vqa", "base"), help="default: as config.json says")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "both"), default="both")
    parser.add_argument("--max-new-tokens", metavar="N", type=_count, default=16, help="default: 16")
    parser.add_argument(
        "--vision-frames-kept",
        metavar="N",
        type=_count,
        default=2,
        help="frames kept of the tower's taps; default: 2",
    )
    parser.add_argument(
        "--plain", action="store_true", help="our own PyTorch model instead of the folder's code"
    )
    parser.add_argument(
        "-o", dest="output", metavar="NAME", required=True, help="where the files go, without suffix"
    )
    return parser


def main(arguments: List[str]) -> int:
    """Runs the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        print(f"capture_reference.py: {error}; install Tools/requirements.txt with pip", file=sys.stderr)
        return 2
    from reference.capture import DTYPES, Request, capture
    from reference.errors import ToolError
    from reference.place import shown

    request = Request(
        folder=options.folder,
        query=options.query,
        history=options.history,
        output=options.output,
        dtypes=list(DTYPES) if options.dtype == "both" else [options.dtype],
        template=options.template,
        video=options.video,
        frames=options.frames,
        max_new_tokens=options.max_new_tokens,
        vision_frames_kept=options.vision_frames_kept,
        plain=options.plain,
    )
    try:
        for path in capture(request):
            print(shown(path))
        return 0
    except ToolError as error:
        print(f"capture_reference.py: {error}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):  # PyTorch's way to say it
            raise
        print("capture_reference.py: out of memory; give fewer frames, or --plain", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("capture_reference.py: interrupted; no half-written file is left", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
