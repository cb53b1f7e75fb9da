"""How much memory there is for us: the machine's, or less where we run in a container or under a limit."""

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
_GROUPS = "proc/self/cgroup"
# Where the limits of control groups are found, by their version; the first holds for a hierarchy of memory alone.
_HIERARCHIES = {
    "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    "": ("sys/fs/cgroup", "memory.max"),
}


def usable_memory(root: Path = _ROOT) -> int:
    """Bytes: the physical memory, or the smallest limit of our control groups where one is below that.

    ``root`` is where ``/proc`` and ``/sys`` are. What cannot be read limits nothing: other systems have no such files.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """The limits of our groups and of all above them; "max", and any that no machine has, are none."""
    try:
        lines = (root / _GROUPS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if (found := _HIERARCHIES.get(controllers)) is None:
            continue
        folder, name = found
        # A container sees its own group as the topmost one, whatever the path says.
        inside = Path(path.lstrip("/"))
        for group in (inside, *inside.parents):
            try:
                said = (root / folder / group / name).read_text(encoding="ascii").strip()
            except OSError:
                continue
            if said.isdecimal():
                yield int(said)
