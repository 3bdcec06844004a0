"""Merkle trees against RFC 6962 as it is written: recursive, slow, obvious."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.evidence.merkle import inclusion_path, leaf_hash, levels, root_from_path


def reference_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + reference_root(entries[:k]) + reference_root(entries[k:])).digest()


def reference_path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*reference_path(index, entries[:k]), reference_root(entries[k:])]
    return [*reference_path(index - k, entries[k:]), reference_root(entries[:k])]


def split(size: int) -> int:
    """The largest power of two below ``size``."""
    return int(1 << (size - 1).bit_length() - 1)


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


@pytest.mark.parametrize("size", range(1, 301))
def test_roots_are_those_of_the_rfc(size: int) -> None:
    entries = entries_of(size)
    assert levels([leaf_hash(entry) for entry in entries])[-1] == [reference_root(entries)]


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 127, 129, 255, 256, 257, 300])
def test_paths_are_those_of_the_rfc_and_lead_to_the_root(size: int) -> None:
    entries = entries_of(size)
    tree = levels([leaf_hash(entry) for entry in entries])
    for index, entry in enumerate(entries):
        path = inclusion_path(tree, index)
        assert path == reference_path(index, entries)
        assert root_from_path(leaf_hash(entry), index, size, path) == tree[-1][0]


def test_the_known_tree_of_certificate_transparency() -> None:
    """Roots published with RFC 6962's reference implementation."""
    entries = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243")]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    }
    for size, root in roots.items():
        assert levels([leaf_hash(entry) for entry in entries[:size]])[-1][0].hex() == root


@given(st.integers(1, 200), st.data())
def test_a_path_proves_one_leaf_at_one_place(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    tree = levels([leaf_hash(entry) for entry in entries])
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(tree, index)
    other_index = data.draw(st.integers(-1, size).filter(lambda n: n != index))
    changed = [
        (leaf_hash(b"another"), index, size, path),
        (leaf_hash(entries[index]), other_index, size, path),
        (leaf_hash(entries[index]), index, size, [*path, bytes(32)]),
        *([(leaf_hash(entries[index]), index, size, path[:-1])] if path else []),
    ]
    for arguments in changed:
        try:
            assert root_from_path(*arguments) != tree[-1][0]
        except Damaged:
            continue


@pytest.mark.parametrize("size", range(1, 34))
def test_a_path_of_another_length_is_refused_by_itself(size: int) -> None:
    """Not by its root only: whoever signs a root may have made it from such a path."""
    tree = levels([leaf_hash(entry) for entry in entries_of(size)])
    for index in range(size):
        path = inclusion_path(tree, index)
        for wrong in ([*path, bytes(32)], [*path, *path], path[:-1]):
            if len(wrong) != len(path):
                with pytest.raises(Damaged):
                    root_from_path(tree[0][index], index, size, wrong)


def test_no_tree_without_leaves() -> None:
    with pytest.raises(ValueError, match="leaf"):
        levels([])
