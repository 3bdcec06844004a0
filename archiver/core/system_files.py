"""Names that file systems, storage boxes and desktops make in any folder by themselves. Pure.

The one list of them. What bears such a name beside or inside a site, or in a folder that must be empty, is
noted: it is no damage, no reason to refuse, and it is never read, entered, removed or copied.
"""

from __future__ import annotations

import re

#: Whole names, in lower case: network shares are often without case.
_NAMES = frozenset(
    (
        "lost+found",  # ext4
        "aquota.user", "aquota.group", "quota.user", "quota.group",
        ".zfs", ".snapshot", ".snapshots", "~snapshot", "#snapshot", ".ckpt",  # older states
        "@eadir", "@tmp", "@sharesnap", "#recycle", "@recycle", "@recently-snapshot", ".@__thumb", ".streams",
        ".ds_store", ".appledouble", ".fseventsd", ".spotlight-v100", ".trashes", ".temporaryitems",
        ".apdisk", "network trash folder", "temporary items",
        "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
    )
)  # fmt: skip
#: ``.nfs`` and digits: a file that was removed while somebody had it open, and so is ``.fuse_hidden``;
#: ``._``: what a Mac knows of a file; ``.Trash-1000``: a desktop's.
_PATTERN = re.compile(r"\.nfs[0-9a-f]{8,}|\._.+|\.fuse_hidden[0-9a-f]+|\.glusterfs|\.trash(-[0-9]+)?")


def is_system_file(name: str) -> bool:
    """Is this the name of something that no person put there? ``name``: one part of a path."""
    folded = name.lower()
    return folded in _NAMES or _PATTERN.fullmatch(folded) is not None
