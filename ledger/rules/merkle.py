"""Merkle trees as RFC 6962 (section 2.1) has them, over SHA-256.

A leaf is ``SHA-256(0x00 || data)``, a node ``SHA-256(0x01 || left || right)``; a tree of n leaves is split
at the largest power of two below n. The two prefixes keep a node from passing for a leaf.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""


class _Subtree(NamedTuple):
    leaves: int
    hash: bytes
    is_proven: bool
    """Whether the leaf whose path is wanted is in it."""


class MerkleTree:
    """A growing tree of which only the right-hand edge is kept, so any number of leaves fits in memory.

    ``proven`` is the index, from 0, of the leaf whose inclusion path is wanted; it is told before the leaves are.
    """

    def __init__(self, proven: int | None = None) -> None:
        self.size = 0
        self._proven = proven
        self._edge: list[_Subtree] = []
        self._path: list[bytes] = []

    def append(self, data: bytes) -> None:
        """Add a leaf."""
        subtree = _Subtree(1, leaf_hash(data), self.size == self._proven)
        self.size += 1
        while self._edge and self._edge[-1].leaves == subtree.leaves:
            subtree = _join(self._edge.pop(), subtree, self._path)
        self._edge.append(subtree)

    def root(self) -> bytes:
        """The root over the leaves so far."""
        return self._whole([])

    def path(self) -> tuple[bytes, ...]:
        """The inclusion path of the wanted leaf, from its sibling up; raises ValueError where it is not there."""
        if self._proven is None or not 0 <= self._proven < self.size:
            msg = f"the tree has {self.size} leaves, the path of leaf {self._proven} is wanted"
            raise ValueError(msg)
        path = list(self._path)
        self._whole(path)
        return tuple(path)

    def _whole(self, path: list[bytes]) -> bytes:
        if not self._edge:
            return EMPTY_ROOT
        *rest, whole = self._edge
        for left in reversed(rest):
            whole = _join(left, whole, path)
        return whole.hash


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves in order."""
    tree = MerkleTree()
    for data in leaves:
        tree.append(data)
    return tree.root()


def inclusion_path(leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """The path that proves leaf ``index``, from 0; raises ValueError where there is no such leaf."""
    tree = MerkleTree(index)
    for data in leaves:
        tree.append(data)
    return tree.path()


def root_by_path(data: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of the tree of ``size`` leaves whose leaf ``index`` is ``data``, as a path tells it.

    None where no path of this length leads from such a place to a root (RFC 9162, 2.1.3.2).
    """
    if not 0 <= index < size:
        return None
    found, last = index, size - 1
    node = leaf_hash(data)
    for sibling in path:
        if last == 0:
            return None
        if found & 1 or found == last:
            node = node_hash(sibling, node)
            while not found & 1 and found:
                found, last = found >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        found, last = found >> 1, last >> 1
    return node if last == 0 else None


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what is above two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _join(left: _Subtree, right: _Subtree, path: list[bytes]) -> _Subtree:
    """Put two subtrees under one node; the sibling of the wanted leaf's is its path's next step."""
    if left.is_proven:
        path.append(right.hash)
    elif right.is_proven:
        path.append(left.hash)
    joined = left.leaves + right.leaves
    return _Subtree(joined, node_hash(left.hash, right.hash), left.is_proven or right.is_proven)
