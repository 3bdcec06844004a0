"""What the ingest benchmark asks of the stores behind VanVault and behind the plain alternative."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from common import Original, Stored


class Sites(Protocol):
    """Two sites of one kind."""

    def init(self, home: Path) -> str:
        """Make a home whose two sites are here; the first gateway's token."""
        ...

    def cpu_s(self) -> float:
        """CPU seconds that the stores themselves have taken so far, apart from their clients."""
        ...

    def stored(self) -> Stored:
        """What VanVault holds at one of the sites now."""
        ...

    def plainly(self) -> AbstractContextManager[Callable[[Original], None]]:
        """Stores one message by itself at both sites; what it stored may go when the block ends."""
        ...
