"""What can go wrong, worded for the person at the terminal, and the notes printed while work is under way."""

import sys


class ToolError(Exception):
    """Bad input or a missing library. The message names the file and field, what was expected and found, and
    what to do next; the command prints it and exits with status 2."""


def note(message: str) -> None:
    """Prints one line about the work to standard error; standard output is for results."""
    print(message, file=sys.stderr, flush=True)


def shorten(value: object, limit: int = 80) -> str:
    """`repr(value)`, cut so that a hostile file cannot flood a message."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
