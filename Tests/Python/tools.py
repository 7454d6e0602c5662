"""Makes the modules of the folder Tools importable: import this module before them."""

import os
import sys

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(PACKAGE, "Tools")

if TOOLS not in sys.path:
    sys.path.insert(0, TOOLS)
