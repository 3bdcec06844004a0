"""What a residue segment replaced goes from one site, on record before each version.

A version whose lock stands, by the site's clock or by ours, stays; so does everything while a hold that was
placed since may be over it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Item, KnownSegment, matches
from vanvault.archiver.core.errors import LockRefused, NotFound, SiteUnavailable, VanVaultError
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds, to_us
from vanvault.archiver.journal import EventType
from vanvault.archiver.retention import Hold
from vanvault.archiver.stores import Disposer, StoredVersion
from vanvault.archiver.upkeep.residue import replaced_objects
from vanvault.recovery.holds import known_holds
from vanvault.recovery.work import record_aside

#: Versions that one line on record names before they go.
_TOGETHER = 30
#: Fields that are known of an entry that was disposed of.
_KNOWN = frozenset(("gateway", "message_id", "event_id", "transaction_id", "sha256"))
#: Between two clocks of nodes.
_SKEW = timedelta(minutes=5)


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
    known: set[str] = field(default_factory=set)  # ids of holds by which entries were looked at again
    left: list[LeftCopy] = field(default_factory=list)
    halted: list[str] = field(default_factory=list)  # why something was not tried to its end
    removed: int = 0  # versions that went by this run

    def remove(
        self,
        residue: KnownSegment,
        gone: Sequence[str],
        since: datetime,
        done: Collection[tuple[str, str]],
    ) -> None:
        """At every site, also where it was removed before: a copy may have come back.

        Args:
            gone: ids of the entries that were disposed of with it.
            since: when holds were looked at last.
            done: (site, key of the residue) of which it is on record that nothing is left.

        Raises KeyUnavailable, SiteUnavailable (no site takes the record).
        """
        for site in self.archive.sites:
            if (site, residue.key) in done and self._is_clear(site, residue):
                continue
            if over := holds_placed_since(self.archive, gone, since, self.known):
                self.halted.append(f"{over[0].id} is over what lies at {site} yet: {over[0].why.reason}")
                return
            try:
                self._at(site, residue)
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

    def _at(self, site: str, residue: KnownSegment) -> None:
        left_before = len(self.left)
        open_now = [one for one in self._listed(site, residue) if self._may_go(site, one)]
        for first in range(0, len(open_now), _TOGETHER):
            group = open_now[first : first + _TOGETHER]
            objects = [[one.key, one.version, one.size] for one in group]
            self._record(EventType.DISPOSAL_REMOVING, site=site, residue=residue.key, objects=objects)
            self.fault("disposal-before-remove")
            for one in group:
                self._delete(site, one)
                self.fault("disposal-after-one")
        if self._check_gone(site, residue) and len(self.left) == left_before:
            self._record(EventType.DISPOSAL_REMOVED, site=site, residue=residue.key)
            self.fault("disposal-after-site")

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


def holds_placed_since(
    archive: Archive, gone: Sequence[str], since: datetime, known: Collection[str]
) -> tuple[Hold, ...]:
    """Holds in force, placed since and not among the ``known``, that may be over what was disposed of.

    Of such entries only few fields are known: a hold by another field counts as being over them.

    Raises Damaged, SiteUnavailable (what is known of holds cannot be read).
    """
    archive.refresh()
    book = known_holds(archive)
    late = [one for one in book.in_force() if one.placed.at > since - _SKEW and one.id not in known]
    if not late:
        return ()
    items = []
    for id in gone:
        try:
            items.append(archive.search.entry(id))
        except NotFound:
            continue
    named = {id for hold in late for id in hold.scope.entries}
    beside = set()
    for id in named.difference(gone):
        try:
            item = archive.search.entry(id)
        except NotFound:
            continue
        if item["transaction_id"]:
            beside.add((item["gateway"], item["transaction_id"]))
    return tuple(hold for hold in late if any(_may_be_over(hold, one, beside) for one in items))


def _may_be_over(hold: Hold, item: Item, beside: Collection[tuple[str, str]]) -> bool:
    scope = hold.scope
    if scope.entries:
        return item["id"] in scope.entries or (item["gateway"], item["transaction_id"]) in beside
    received, end = to_us(parse_rfc3339(item["received_at"])), hold.ends_us
    if received < scope.from_us or (end is not None and received >= end):
        return False
    known = {name: value for name, value in scope.filters.items() if name in _KNOWN}
    return matches(item, known)


def _left(site: str, version: StoredVersion, why: str, until: datetime | None) -> LeftCopy:
    return LeftCopy(site, f"{version.key} {version.version}", why, until)
