"""What a snapshot consists of, read from its trees: files by their paths, and the blobs that it names.

A tree is JSON: ``{"nodes": [{"name", "type", "subtree" | "content"}]}`` (restic's design document).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vanvault.archiver.core.errors import Damaged

#: The tag of every snapshot of this program, and the folders that its two kinds save.
OURS, OBJECTS, RECORD = "vanvault", "objects", "record"

_PATHS = {
    OBJECTS: re.compile(rf"/{OBJECTS}/[0-9a-f]{{64}}"),
    RECORD: re.compile(rf"/{RECORD}/.+", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class SnapshotContent:
    """A snapshot, whoever made it."""

    snapshot: str
    is_ours: bool  # by its tags, and by the paths and types of all that is in it
    names: frozenset[str]  # the last part of the path of everything but folders
    blobs: frozenset[tuple[str, str]]  # "data" or "tree", id


def content_of(fields: Mapping[str, Any], archive: str, tree: Callable[[str], Any]) -> SnapshotContent:
    """Read a snapshot of an archive's repository.

    Args:
        fields: of the snapshot, as restic lists them.
        tree: a tree by its id.

    Raises Damaged (a form that is not known), and what ``tree`` raises.
    """
    blobs: set[tuple[str, str]] = set()
    leaves: list[tuple[str, str]] = []  # path, type
    try:
        snapshot = str(fields["id"])
        todo = [("", str(fields["tree"]))]
        while todo:
            folder, id = todo.pop()
            blobs.add(("tree", id))
            for node in tree(id)["nodes"] or ():
                path = f"{folder}/{node['name']}"
                if node["type"] == "dir":
                    todo.append((path, str(node["subtree"])))
                else:
                    leaves.append((path, str(node["type"])))
                    blobs.update(("data", str(blob)) for blob in node.get("content") or ())
        tags = frozenset(map(str, fields.get("tags") or ()))
    except (KeyError, TypeError) as error:
        raise Damaged("restic shows a snapshot in a form that this version does not know") from error
    names = frozenset(path.rpartition("/")[2] for path, _ in leaves)
    return SnapshotContent(snapshot, _is_ours(tags, archive, leaves), names, frozenset(blobs))


def _is_ours(tags: frozenset[str], archive: str, leaves: list[tuple[str, str]]) -> bool:
    if not {OURS, f"archive={archive}"} <= tags:
        return False
    kinds = [kind for kind in _PATHS if f"kind={kind}" in tags]
    if len(kinds) != 1:
        return False
    return all(type_ == "file" and _PATHS[kinds[0]].fullmatch(path) for path, type_ in leaves)
