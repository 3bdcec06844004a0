"""Which master keys are missing, and which objects only pretend to be under a key that we hold. Pure.

An object that our key of its id does not open is under another key of that id. Once our key has opened
anything, it is the archive's, and such an object is not. While it has opened nothing, it is the key
that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vanvault.recovery.verify.contents import Content, ForgedContent, Sealed, Undecipherable
from vanvault.recovery.verify.model import Finding


@dataclass(slots=True)
class _Master:
    opened: bool = False
    closed: int = 0  # objects that need it and stay closed
    refused: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)  # key, sites, detail


class Masters:
    """What became of each master key."""

    def __init__(self) -> None:
        self._masters: dict[str, _Master] = {}

    def note(self, key: str, sites: tuple[str, ...], content: Content | None) -> None:
        """Take account of an object that was opened, or was not for want of its key."""
        if content is None or isinstance(content, Undecipherable | ForgedContent):
            return
        if not content.master_key:
            return  # a manifest needs none
        master = self._masters.setdefault(content.master_key, _Master())
        if not isinstance(content, Sealed):
            master.opened = True
            return
        master.closed += 1
        if content.held:
            master.refused.append((key, sites, content.detail))

    def is_right(self, master_key: str) -> bool:
        """Has our key of this id opened anything?"""
        master = self._masters.get(master_key)
        return master is not None and master.opened

    def findings(self) -> Iterator[Finding]:
        """One ``key`` for each missing or wrong key; ``undecipherable`` for what a right key refuses."""
        for master_key, master in sorted(self._masters.items()):
            if master.opened:
                for key, sites, detail in master.refused:
                    for site in sites:
                        yield Finding(site, key, "undecipherable", f"not under this archive's key: {detail}")
            closed = master.closed - (len(master.refused) if master.opened else 0)
            if closed:
                what = "is not the right one" if master.refused else "is missing"
                plural = "s" if closed > 1 else ""
                detail = f"it {what}: {closed} object{plural} could not be opened; restore it from escrow"
                yield Finding("", master_key, "key", detail)
