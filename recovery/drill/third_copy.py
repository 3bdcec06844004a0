"""The port through which a drill restores from the third copy, which lies at neither site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from vanvault.archiver.stores import Site
from vanvault.recovery.verified import Subset


@dataclass(frozen=True, slots=True)
class CopyAge:
    """A copy that is made from time to time cannot hold what came after it."""

    made: datetime  # when the copy was finished
    allowed: timedelta  # how old it may be


class ThirdCopy(Protocol):
    """A copy of control plane and objects, elsewhere; it is only read here.

    ``room``: a scratch folder of the drill, for whatever the copy needs on its way.
    """

    @property
    def name(self) -> str:
        """What it is and where, for reports; without secrets."""
        ...

    def restore_control(self, target: Path, room: Path) -> CopyAge | None:
        """Write the control plane (``vanvault.toml``, ``keys/``, ...) into ``target``, which is empty.

        Returns how far the copy may lag behind; None: it should hold everything.

        Raises SiteUnavailable, Busy, NotFound, Damaged, KeyUnavailable (the copy's password), SettingsError.
        """
        ...

    def restore_objects(self, site: Site, subset: Subset, room: Path) -> None:
        """Put every object of the subset into ``site``, which is empty, locked as long as it was or longer.

        The drill verifies bytes and locks. Raises as ``restore_control``, and SiteFull; Damaged when the
        copy does not hold all that it says.
        """
        ...
