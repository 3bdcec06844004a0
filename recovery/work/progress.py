"""The port through which long work reports progress. The receiver computes rates and times left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Step(Protocol):
    """Called, on one thread, when so many more objects and bytes are done."""

    def __call__(self, items: int = 1, size: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class Extent:
    """How much work there is, or was."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Extent) -> Extent:
        return Extent(self.objects + other.objects, self.bytes + other.bytes)

    def as_json(self) -> dict[str, int]:
        """The same as JSON values."""
        return {"bytes": self.bytes, "objects": self.objects}


def silent(items: int = 1, size: int = 0) -> None:
    """Default callback: does nothing."""
