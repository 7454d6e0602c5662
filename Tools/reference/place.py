"""Where an output goes: what may be written where, as CogBase's OutputPlace decides it for the commands."""

import os
import stat
from typing import Iterable

from .errors import ToolError


def shown(path: str) -> str:
    """A path for people and programs: bytes that are no UTF-8 as escapes such as \\xe9."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def landing(path: str, inputs: Iterable[str]) -> str:
    """The path that an output at `path` lands at, links followed.

    Raises ToolError for what a finished file must not take the place of: a device, a pipe, a socket, a
    folder, what a process has open, and the files that are read, under whatever name.
    """
    place = path
    for _ in range(40):
        if not os.path.islink(place):
            break
        folder = os.path.dirname(place) or "."
        if os.path.realpath(folder).startswith("/proc/"):
            raise ToolError(f"{path}: what a process has open is no place for a file; choose another -o")
        place = os.path.join(folder, os.readlink(place))
    else:
        raise ToolError(f"{path}: the link leads nowhere; choose another -o")
    try:
        status = os.stat(place)
    except FileNotFoundError:
        return place
    except OSError as error:
        raise ToolError(f"{path}: cannot be written: {error.strerror}; choose another -o") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise ToolError(f"{path}: cannot be written: {kind} has the name; choose another -o")
    for name in inputs:
        if os.path.exists(name) and os.path.samestat(os.stat(name), status):
            raise ToolError(f"{path}: this is {name}, which is read; choose another -o")
    return place
