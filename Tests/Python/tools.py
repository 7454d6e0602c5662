"""Makes the modules of the folder Tools importable: import this module first. Finds the release build."""

import os
import subprocess
import sys

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(PACKAGE, "Tools")

if TOOLS not in sys.path:
    sys.path.insert(0, TOOLS)


def release_binary():
    """Where the release build has cogvlm, whether it is there or not."""
    place = ("swift", "build", "-c", "release", "--show-bin-path")
    shown = subprocess.run(place, capture_output=True, text=True, cwd=PACKAGE, check=True)
    return os.path.join(shown.stdout.strip(), "cogvlm")
