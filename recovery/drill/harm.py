"""Damage, made on purpose in the files of a scratch site; never anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vanvault.archiver.stores import folder_of
from vanvault.recovery.verified import Problem

How = Literal["flipped", "truncated", "deleted", "swapped"]
#: (how, the object's file, another object's file)
Harm = Callable[[How, Path, Path], None]


@dataclass(frozen=True, slots=True)
class Harmed:
    """One object that was harmed."""

    key: str
    how: How

    @property
    def problem(self) -> Problem:
        """How a verification must name it."""
        named: dict[How, Problem] = {"deleted": "missing", "swapped": "swapped"}
        return named.get(self.how, "damaged")


def harm(how: How, file: Path, other: Path) -> None:
    """Flip the middle bit of a file, cut its last byte off, remove it, or exchange it with another."""
    data = file.read_bytes()
    if how == "deleted":
        file.unlink()
    elif how == "flipped":
        middle = len(data) // 2
        _overwrite(file, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif how == "truncated":
        _overwrite(file, data[:-1])
    else:
        theirs = other.read_bytes()
        _overwrite(other, data)
        _overwrite(file, theirs)


def file_of(root: Path, key: str) -> Path:
    """The newest version's file of an object in the file site at ``root``."""
    folder = root / "objects" / folder_of(key)
    return max(folder.glob(f"{key.rpartition('/')[2]}~*"))


def _overwrite(file: Path, data: bytes) -> None:
    mode = file.stat().st_mode
    file.chmod(mode | 0o200)
    file.write_bytes(data)
    file.chmod(mode)
