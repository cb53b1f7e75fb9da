"""Locks on files, which the kernel releases when their last holder ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.embedded.errors import EmbeddedPostgresError

POLL_SECONDS = 0.01


def open_lock(path: Path) -> int:
    """Open the lock file, made if need be, and return its descriptor; it is not locked yet."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock at once, alone or shared with others; False if somebody else's lock forbids it."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def can_lock(path: Path, *, shared: bool = False) -> bool:
    """Whether the file could be locked right now."""
    with _opened(path) as descriptor:
        return try_lock(descriptor, shared=shared)


def lock(descriptor: int, *, deadline: float, waiting_for: str, shared: bool = False) -> None:
    """Lock as soon as others allow it.

    ``deadline`` is a time.monotonic() in seconds; past it raises EmbeddedPostgresError naming ``waiting_for``.
    """
    while not try_lock(descriptor, shared=shared):
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"waited too long for {waiting_for}")
        time.sleep(POLL_SECONDS)


@contextmanager
def locked(path: Path, *, deadline: float, waiting_for: str) -> Iterator[None]:
    """Hold the file's lock alone; raises as ``lock`` does."""
    with _opened(path) as descriptor:
        lock(descriptor, deadline=deadline, waiting_for=waiting_for)
        yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = open_lock(path)
    try:
        yield descriptor
    finally:
        # Closing releases the lock, unless another process has inherited the descriptor.
        os.close(descriptor)
