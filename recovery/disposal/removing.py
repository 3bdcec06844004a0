"""What a residue segment replaced goes from one site, on record before each version.

A version whose lock stands, by the site's clock or by ours, stays; so does everything while a hold that came
since may be over it, or while not all holds can be known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import KnownSegment
from vanvault.archiver.core.errors import LockRefused, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.journal import EventType
from vanvault.archiver.stores import Disposer, StoredVersion
from vanvault.archiver.upkeep.residue import replaced_objects
from vanvault.recovery.disposal.late_holds import HoldsLooked, holds_since, why_unseen
from vanvault.recovery.work import record_aside

#: Versions that one line on record names before they go.
_TOGETHER = 30


@dataclass(frozen=True, slots=True)
class LeftCopy:
    """What still holds a copy, and until when at least."""

    where: str  # a site, or what else holds it
    what: str  # key and version of an object, or what it is
    why: str
    until: datetime | None  # None: it is not known

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        until = None if self.until is None else rfc3339_seconds(self.until)
        return {"where": self.where, "what": self.what, "why": self.why, "until": until}


@dataclass(slots=True)
class Removal:
    """Removes what one residue segment replaced, at one site after the other."""

    archive: Archive
    disposers: Mapping[str, Disposer]
    said: Mapping[str, object]  # disposal, digest, who: of every line on record
    fault: Fault = no_fault
    left: list[LeftCopy] = field(default_factory=list)
    halted: list[str] = field(default_factory=list)  # why something was not tried to its end
    removed: int = 0  # versions that went by this run

    def remove(
        self,
        residue: KnownSegment,
        gone: Sequence[str],
        looked: HoldsLooked,
        done: Collection[tuple[str, str]],
    ) -> None:
        """At every site, also where it was removed before: a copy may have come back.

        Args:
            gone: ids of the entries that were disposed of with it.
            looked: the look at holds by which they were judged.
            done: (site, key of the residue) of which it is on record that nothing is left.

        Raises KeyUnavailable, SiteUnavailable (no site takes the record).
        """
        for site in self.archive.sites:
            if (site, residue.key) in done and self._is_clear(site, residue):
                continue
            try:
                if not self._at(site, residue, gone, looked):
                    return
            except SiteUnavailable as error:
                self.halted.append(f"the site {site} is away: {error.message}")
            except VanVaultError as error:
                self.halted.append(f"{site}: {error.message}")

    def look_again(self, residues: Sequence[KnownSegment]) -> None:
        """List every site once more: a copy that nothing explains halts. Raises KeyUnavailable."""
        for residue in residues:
            for site in self.archive.sites:
                try:
                    self._check_gone(site, residue)
                except SiteUnavailable as error:
                    self.halted.append(f"the site {site} is away: {error.message}")
                except VanVaultError as error:
                    self.halted.append(f"{site}: {error.message}")

    def _is_clear(self, site: str, residue: KnownSegment) -> bool:
        """False also when it cannot be seen: then ``_at`` tells why."""
        try:
            return not self._listed(site, residue)
        except VanVaultError:
            return False

    def _check_gone(self, site: str, residue: KnownSegment) -> bool:
        """Is nothing there but what ``left`` names? Else it halts."""
        named = self._named(site)
        here = [one for one in self._listed(site, residue) if (one.key, one.version) not in named]
        if here:
            self.halted.append(f"{site}: {here[0].key} is there still, and {len(here) - 1} more")
        return not here

    def _at(self, site: str, residue: KnownSegment, gone: Sequence[str], looked: HoldsLooked) -> bool:
        """False: nothing more is removed, here or elsewhere; why is in ``halted``."""
        left_before = len(self.left)
        open_now = [one for one in self._listed(site, residue) if self._may_go(site, one)]
        for first in range(0, len(open_now), _TOGETHER):
            group = open_now[first : first + _TOGETHER]
            if why := self._why_kept(site, gone, looked):
                self.halted.append(why)
                return False
            objects = [[one.key, one.version, one.size] for one in group]
            self._record(EventType.DISPOSAL_REMOVING, site=site, residue=residue.key, objects=objects)
            self.fault("disposal-before-remove")
            for one in group:
                self._delete(site, one)
                self.fault("disposal-after-one")
        if self._check_gone(site, residue) and len(self.left) == left_before:
            self._record(EventType.DISPOSAL_REMOVED, site=site, residue=residue.key)
            self.fault("disposal-after-site")
        return True

    def _why_kept(self, site: str, gone: Sequence[str], looked: HoldsLooked) -> str:
        """Why nothing may go now; "": it may. Raises Damaged, SiteUnavailable, KeyUnavailable."""
        if unseen := why_unseen(self.archive):
            return f"what lies at {site} yet stays: {unseen}"
        over = holds_since(self.archive, gone, looked)
        return f"{over[0].id} is over what lies at {site} yet: {over[0].why.reason}" if over else ""

    def _listed(self, site: str, residue: KnownSegment) -> list[StoredVersion]:
        return list(replaced_objects(self.archive, residue, site=site)[site])

    def _named(self, site: str) -> set[tuple[str, str]]:
        found = set()
        for one in self.left:
            if one.where == site:
                key, _, version = one.what.partition(" ")
                found.add((key, version))
        return found

    def _may_go(self, site: str, version: StoredVersion) -> bool:
        """Else it is among ``left``."""
        store = self.archive.sites[site]
        try:
            found = store.stat(version.key, version.version)
        except NotFound:
            return False
        until = found.retain_until
        if found.held:
            self.left.append(_left(site, version, "the store holds it", None))
            return False
        if until is not None and until >= min(store.now(), self.archive.clock.now()):
            self.left.append(_left(site, version, "its lock was prolonged", until))
            return False
        return True

    def _delete(self, site: str, version: StoredVersion) -> None:
        try:
            self.disposers[site].delete(version.key, version.version)
            self.removed += 1
        except NotFound:
            return  # an earlier run had removed it
        except LockRefused:
            found = self.archive.sites[site].stat(version.key, version.version)
            self.left.append(_left(site, version, "the store refused it", found.retain_until))

    def _record(self, type: str, **detail: object) -> None:
        """One site is enough: it is on record before anything goes, also while another is away."""
        record_aside(self.archive, type, {**self.said, **detail})


def _left(site: str, version: StoredVersion, why: str, until: datetime | None) -> LeftCopy:
    return LeftCopy(site, f"{version.key} {version.version}", why, until)
