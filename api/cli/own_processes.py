"""Processes that a command starts beside itself."""

import sys


def own_process(module: str) -> list[str]:
    """The command that runs a module of this installation.

    Why ``-P``: the folder in which one happens to stand may have an ``api`` of its own, and ``-m`` would run that.
    """
    return [sys.executable, "-P", "-m", module]
