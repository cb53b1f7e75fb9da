"""Merkle trees, beside the recursive definition of RFC 6962 and its published example."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.merkle import EMPTY_ROOT, MerkleTree, inclusion_path, leaf_hash, merkle_root, node_hash, root_by_path

# The tree of the certificate-transparency test vectors: eight leaves, and the root after each.
VECTOR = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
VECTOR.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def root_by_definition(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root_by_definition(leaves[:half]), root_by_definition(leaves[half:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert merkle_root(VECTOR[:size]).hex() == VECTOR_ROOTS[size - 1]


def test_a_tree_without_leaves_has_the_hash_of_nothing() -> None:
    assert merkle_root([]) == EMPTY_ROOT == root_by_definition([])


@given(LEAVES)
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == root_by_definition(leaves)


@given(LEAVES, st.data())
def test_every_leaf_is_proved_by_its_path(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = inclusion_path(leaves, index)
    assert len(path) <= (len(leaves) - 1).bit_length()
    assert root_by_path(leaves[index], index, len(leaves), path) == merkle_root(leaves)


@given(st.integers(1, 60), st.data())
def test_a_path_proves_no_other_place_and_no_other_leaf(size: int, data: st.DataObject) -> None:
    leaves = [number.to_bytes(2, "big") for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-2, size + 2).filter(lambda place: place != index))
    path = inclusion_path(leaves, index)
    assert root_by_path(leaves[index], other, size, path) != merkle_root(leaves)
    assert root_by_path(b"another leaf", index, size, path) != merkle_root(leaves)


@given(st.integers(1, 60), st.data())
def test_a_path_that_is_longer_shorter_or_changed_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = [number.to_bytes(2, "big") for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    assert root_by_path(leaves[index], index, size, (*path, bytes(32))) is None
    if path:
        assert root_by_path(leaves[index], index, size, path[:-1]) is None
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:place], bytes(32), *path[place + 1 :]]
        assert root_by_path(leaves[index], index, size, changed) != merkle_root(leaves)


@given(LEAVES, st.binary(max_size=8))
def test_the_tree_can_be_asked_at_any_time_and_grows_on(leaves: list[bytes], more: bytes) -> None:
    tree = MerkleTree(0)
    for leaf in leaves:
        tree.append(leaf)
    assert (tree.root(), tree.path()) == (merkle_root(leaves), inclusion_path(leaves, 0))
    tree.append(more)
    assert (tree.root(), tree.path()) == (merkle_root([*leaves, more]), inclusion_path([*leaves, more], 0))


@pytest.mark.parametrize("index", [-1, 3])
def test_the_path_of_a_leaf_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match=f"3 leaves, the path of leaf {index}"):
        inclusion_path([b"a", b"b", b"c"], index)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert merkle_root([left + right]) != merkle_root([b"a", b"b"])
