#!/usr/bin/env python3
"""Types at a pseudo-terminal and prints what a program shows, for tests of `cogvlm ask` without a question.

    ask_at_terminal.py [--columns N] SCRIPT PROGRAM ARGUMENT...

SCRIPT is a JSON list of texts, each typed when the prompt is there again; of N columns, where the terminal is
told its width. Prints a JSON object: the exit
status, and what was shown after each of them.
"""

import argparse
import fcntl
import json
import os
import pty
import select
import struct
import termios
import time

PROMPT = b"\r\x1b[K> \r> \x1b[?7h"


def read(terminal, until, seconds=120):
    """What is shown until some bytes are at its end; all of it where the program ends."""
    shown, end = b"", time.monotonic() + seconds
    while not shown.endswith(until) and time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    return shown.decode(errors="replace")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", type=int, default=0)
    parser.add_argument("script", type=json.loads)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    script, command = arguments.script, arguments.command
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, arguments.columns, 0, 0))
        os.execv(command[0], command)
    shown = [read(terminal, PROMPT)]
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    for text in script:
        os.write(terminal, text.encode())
        shown.append(read(terminal, PROMPT))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"status": status, "shown": shown, "echoes": echoes}))


if __name__ == "__main__":
    main()
