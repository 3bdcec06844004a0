"""Batches are named on record before they go, in groups: a run that was killed leaves no gap in the record.

A group is over when a record of what was cleared names it. One that is not is settled by the next run, which
asks its site what of it is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.clearing.plan import SpentCopies

#: Batches in one group; its event has some 50 kB.
_GROUP = 500


def name_batches(archive: Archive, copies: SpentCopies, keys: Iterable[str], who: str) -> list[str]:
    """Put on record, in one commit, which batches of a segment may go at a site now; ids of the groups.

    Raises SiteUnavailable (no site took the record), KeyUnavailable, MachineLimit.
    """
    ordered = sorted(keys)
    groups: list[str] = []
    events = []
    for start in range(0, len(ordered), _GROUP):
        groups.append(archive.entropy.token(8).hex())
        detail: dict[str, object] = {
            "group": groups[-1],
            "segment": copies.segment.manifest.segment,
            "site": copies.site,
            "batches": [
                [key, len(copies.versions[key]), sum(one.size for one in copies.versions[key])]
                for key in ordered[start : start + _GROUP]
            ],
            "who": who,
        }
        events.append(archive.system_event(EventType.BATCHES_NAMED, detail))
    archive.record_aside(events)
    return groups


def settle(archive: Archive, who: str) -> None:
    """Put on record what went of the groups that a run named and did not end, as their sites list them now.

    A group whose site is away waits for the next run. Raises SiteUnavailable (no site took the record),
    KeyUnavailable, MachineLimit, Damaged (the record cannot be read).
    """
    events = [
        archive.system_event(EventType.BATCHES_CLEARED, detail)
        for named in _open(archive)
        if (detail := _found_gone(archive, named, who)) is not None
    ]
    if events:
        archive.record_aside(events)


def _open(archive: Archive) -> Iterator[dict[str, Any]]:
    over = {
        group
        for event in own_events(archive.search, EventType.BATCHES_CLEARED)
        for group in event.detail.get("groups", ())
    }
    for event in own_events(archive.search, EventType.BATCHES_NAMED, order="oldest"):
        if event.detail["group"] not in over:
            yield event.detail


def _found_gone(archive: Archive, named: dict[str, Any], who: str) -> dict[str, object] | None:
    """What a record says of such a group; None: its site does not tell."""
    site = archive.sites.get(named["site"])
    if site is None:
        return None
    try:
        gone = [one for one in named["batches"] if not site.versions(one[0])]
    except SiteUnavailable:
        return None
    return {
        "segment": named["segment"],
        "site": named["site"],
        "batches": len(gone),
        "versions": sum(versions for _, versions, _ in gone),
        "bytes": sum(size for *_, size in gone),
        "first": gone[0][0] if gone else "",
        "last": gone[-1][0] if gone else "",
        "groups": [named["group"]],
        "interrupted": True,  # seen by what is there no more, after a run that was stopped
        "left": [],
        "who": who,
    }
