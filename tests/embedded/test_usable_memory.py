"""The embedded server takes its share of the memory that we may use: in a container less than the machine's."""

import os
from pathlib import Path

import pytest

from ledger.embedded.memory import usable_memory

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
LIMIT = 64 * 1024 * 1024


def machine(root: Path, groups: str, limits: dict[str, str]) -> Path:
    """A file system with the groups of our process, and limits by their paths under the groups' folder."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for path, said in limits.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said)
    return root


@pytest.mark.parametrize(
    ("groups", "limits"),
    [
        ("0::/\n", {"memory.max": f"{LIMIT}\n"}),
        ("0::/app.slice/ledger\n", {"app.slice/ledger/memory.max": "max\n", "app.slice/memory.max": f"{LIMIT}\n"}),
        ("0::/host/path\n", {"memory.max": f"{LIMIT}\n"}),
        ("5:cpu:/\n4:memory:/docker/7\n0::/\n", {"memory/docker/7/memory.limit_in_bytes": f"{LIMIT}\n"}),
        ("4:memory:/docker/7\n", {"memory/memory.limit_in_bytes": f"{LIMIT}\n"}),
        ("0::/a\n", {"a/memory.max": f"{2 * LIMIT}\n", "memory.max": f"{LIMIT}\n"}),
    ],
)
def test_the_smallest_limit_of_our_groups_and_those_above_them_holds(
    tmp_path: Path, groups: str, limits: dict[str, str]
) -> None:
    assert usable_memory(machine(tmp_path, groups, limits)) == LIMIT


@pytest.mark.parametrize(
    ("groups", "limits"),
    [
        ("0::/\n", {"memory.max": "max\n"}),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}),
        ("0::/\n", {}),
        ("", {}),
    ],
)
def test_without_a_limit_it_is_the_machines(tmp_path: Path, groups: str, limits: dict[str, str]) -> None:
    assert usable_memory(machine(tmp_path, groups, limits)) == PHYSICAL


def test_where_there_are_no_groups_at_all_it_is_the_machines(tmp_path: Path) -> None:
    assert usable_memory(tmp_path) == PHYSICAL
