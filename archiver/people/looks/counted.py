"""Reads of gateways, counted by the minute: a program that reads its own entries makes no event for each.

The detail of the event ``vanvault.access.counted`` is one gateway's minute::

    gateway, from, to     whose reads, and between which times (RFC 3339)
    reads                 for each act, outcome, token and address: requests, and entries that were shown

A caller whose token is not known is counted under the gateway "". Pure; whoever shares a tally between
threads locks it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.looks.look import LookAct, LookOutcome

#: Lines of one gateway's minute: strangers may come from many addresses, and an event is no place for all.
_MOST_LINES = 100
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class TalliedReads:
    """What is counted together."""

    gateway: str
    act: LookAct
    outcome: LookOutcome
    token: str = ""  # its id
    address: str = ""


class ReadTally:
    """Counts until somebody takes them."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[TalliedReads, list[int]]] = defaultdict(dict)
        self._since: datetime | None = None

    def add(self, reads: TalliedReads, entries: int, at: datetime) -> None:
        """Count one request that showed so many entries. Beyond a hundred lines, addresses are joined."""
        self._since = self._since or at
        lines = self._counts[reads.gateway]
        if reads not in lines and len(lines) >= _MOST_LINES:
            reads = replace(reads, token="", address=OTHERS)
        counts = lines.setdefault(reads, [0, 0])
        counts[0] += 1
        counts[1] += entries

    def details(self, until: datetime) -> Iterator[dict[str, Any]]:
        """What was counted, as the detail of one event for each gateway, by name."""
        if self._since is None:
            return
        begin, end = rfc3339_seconds(self._since), rfc3339_seconds(until)
        for gateway, lines in sorted(self._counts.items()):
            reads = [
                {
                    "act": line.act,
                    "outcome": line.outcome,
                    "token": line.token,
                    "address": line.address,
                    "requests": requests,
                    "entries": entries,
                }
                for line, (requests, entries) in lines.items()
            ]
            yield {"gateway": gateway, "from": begin, "to": end, "reads": reads}
