"""Merkle trees as in RFC 6962, section 2.1: roots, inclusion paths, and their check. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from vanvault.archiver.core.errors import Damaged


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels of the tree, leaf hashes first, root last. A lone last node moves up unchanged.

    For a tree over n leaves this is the RFC's split at the largest power of two below n.
    """
    if not leaves:
        raise ValueError("a tree needs a leaf")
    tree = [list(leaves)]
    while len(tree[-1]) > 1:
        row = tree[-1]
        above = [_node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            above.append(row[-1])
        tree.append(above)
    return tree


def inclusion_path(tree: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The audit path of leaf ``index``, from the leaf's sibling upwards (RFC 6962, 2.1.1)."""
    path = []
    for row in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(row):
            path.append(row[sibling])
        index //= 2
    return path


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that ``path`` leads to from ``leaf`` (RFC 9162, 2.1.3.2).

    Raises Damaged: the path does not fit a tree of this size.
    """
    if not 0 <= index < size:
        raise Damaged("the proof's index lies outside its tree")
    node, last = index, size - 1
    result = leaf
    for sibling in path:
        if last == 0:
            raise Damaged("the proof's path is too long for its tree")
        if node % 2 or node == last:
            result = _node(sibling, result)
            while node % 2 == 0 and node:
                node //= 2
                last //= 2
        else:
            result = _node(result, sibling)
        node //= 2
        last //= 2
    if last:
        raise Damaged("the proof's path is too short for its tree")
    return result
