#!/usr/bin/env python3
"""Writes a synthetic CogVLM2-Video-Llama3 checkpoint: random weights in the published layout.

  make_checkpoint.py --preset full -o FOLDER      25 GB: the published tensors, shards and sizes, to the byte
  make_checkpoint.py --preset medium -o FOLDER    1.6 GB: the same architecture, fewer and smaller layers
  make_checkpoint.py --preset slice -o FOLDER     3.4 GB: the published widths, two layers of each kind
  make_checkpoint.py --preset tiny -o FOLDER      2.6 MB: for tests

FOLDER gets config.json, tokenizer.json, the shards and, last, their index; it must be new or empty. The same
seed gives the same bytes. Answers of such a model mean nothing; its sizes, and the spread of its weights, are
those of the real one.

Needs Python 3.8 and numpy, and 160 MB of memory.
Exit status: 0 done, 2 bad input or too little room, 64 usage, 130 interrupted; nothing is left behind but
with 0.
"""

import argparse
import signal
import sys
from typing import NoReturn

try:
    from reference.errors import ToolError
    from synthetic.folder import write_checkpoint
    from synthetic.presets import NAMES
except ImportError as missing:
    print(f"make_checkpoint.py: {missing}; install numpy (python3 -m pip install numpy)", file=sys.stderr)
    sys.exit(2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(64, f"make_checkpoint.py: {message}\n")


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at most 18 digits")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    description, _, epilog = (__doc__ or "").partition("\n\n")
    parser = _Parser(
        prog="make_checkpoint.py",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", choices=NAMES, required=True, help="the size of the model")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="the folder to make")
    parser.add_argument("--seed", type=_seed, default=0, help="another seed, other weights (default: 0)")
    parser.add_argument(
        "--tokenizer", metavar="FILE", help="a tokenizer.json to take instead of made-up words"
    )
    return parser


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Runs the command and returns its exit status."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        size = write_checkpoint(options.preset, options.output, options.seed, options.tokenizer)
    except ToolError as error:
        print(f"make_checkpoint.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("make_checkpoint.py: interrupted; what was written is removed", file=sys.stderr)
        return 130
    print(f"{options.output}: {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
