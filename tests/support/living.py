"""Copies of folders in which somebody else writes at the same time."""

from __future__ import annotations

import shutil
from contextlib import suppress


def copy_present(source: str, target: str) -> str:
    """For ``copytree``: a file that was renamed or removed since the folder was listed is left out.

    What is being written lies under a name of its own, and gets its right one while the copy is made.
    """
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)
    return target
