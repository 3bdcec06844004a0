"""The port through which a drill restores from the third copy, which lies at neither site."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from vanvault.archiver.store.port import Site


class ThirdCopy(Protocol):
    """A copy of control plane and objects, elsewhere; it is only read here."""

    @property
    def name(self) -> str:
        """What it is and where, for reports; without secrets."""
        ...

    def restore_control(self, target: Path) -> None:
        """Write the control plane (``vanvault.toml``, ``keys/``, ...) into ``target``, which is empty.

        Raises SiteUnavailable, Damaged, KeyUnavailable (the copy's password), SettingsError.
        """
        ...

    def restore_objects(self, site: Site) -> None:
        """Put every object into ``site``, which is empty, each locked as long as its batch says or longer.

        Bytes need not be checked here: the drill verifies them, and the locks.

        Raises as ``restore_control``, and SiteFull.
        """
        ...
