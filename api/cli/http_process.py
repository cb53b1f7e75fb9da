"""What each process of ``citypoints serve`` runs that answers requests."""

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar import Litestar

# The kernel's name for "signal me when my parent ends", from <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


def create_http_process() -> "Litestar":
    """Make the application of one process, with settings from the environment."""
    _end_with_parent()
    from api.app import create_app

    return create_app()


def _end_with_parent() -> None:
    """Have the kernel end this process gracefully when ``serve`` is killed: it must not hold the port for ever."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # It may have been killed before the kernel knew the wish.
    if os.getppid() == 1:
        sys.exit(1)
