"""Modules of the working directory."""

import sys


def see_modules_here() -> None:
    """Let module:Class be a module of the working directory, as with `python -m`, also for the installed script."""
    if "" not in sys.path:
        sys.path.insert(0, "")
