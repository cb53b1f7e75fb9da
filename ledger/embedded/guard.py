"""Keeps one PostgreSQL server for as long as somebody uses it.

A script of nothing but the standard library, run under the server's account and never imported::

    python -I -S guard.py USING SERVING postgres -D ...

USING and SERVING are numbers of inherited, open lock files. Every user of the server holds USING shared, and the
kernel lets go of it when a user ends, however it ends. The guard waits to hold it alone; then it shuts the server
down. SERVING is locked already, and stays so while the guard or one process of the server lives.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

# The kernel's name for "signal me when my parent ends", from <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


def main(using: int, serving: int, command: list[str]) -> int:
    """Detach from the starter, run the server to its end and return its exit code."""
    # The starter goes on with a server that is not its child: nothing to reap, no signal from its terminal.
    if os.fork():
        os._exit(0)
    os.setsid()
    server = subprocess.Popen(  # noqa: S603 - the starter composed the command
        command,
        pass_fds=(serving,),
        preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - there is only this one thread so far
    )
    threading.Thread(target=_stop_when_unused, args=(using, server), daemon=True).start()
    return server.wait()


def _end_with_parent(parent: int) -> Callable[[], None]:
    """A preparation of the server's process: when the guard is killed, the kernel asks for a fast shutdown."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        if sys.platform != "linux":
            return
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        # The guard may have been killed before the kernel knew the wish.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _stop_when_unused(using: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until no user is left, keep new ones waiting, and shut down fast: sessions end, data is checkpointed."""
    fcntl.flock(using, fcntl.LOCK_EX)
    server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
