"""How this program was called, for messages that say what to type next."""

import os
import shutil
import sys


def program() -> str:
    """The words before a command's name: `python cli.py`, `.venv/bin/musicvae`, or `musicvae` where that is found."""
    called = sys.argv[0]
    name = os.path.basename(called)
    if name.endswith(".py"):
        return f"python {os.path.relpath(called)}"
    found = shutil.which(name)
    return name if found and os.path.realpath(found) == os.path.realpath(called) else os.path.relpath(called)
