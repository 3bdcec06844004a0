"""Verifications on record, as they are read back: each run is one event, ``vanvault.verify.finished``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.archiver.journal import EventType, own_events
from vanvault.recovery.verified.runs import SiteRun, Subset, VerifyRun
from vanvault.recovery.verified.whole import SET_ASIDE


def verify_runs(search: Search, *, since: datetime | None = None) -> Iterator[VerifyRun]:
    """Verifications on record, newest first; an event that is not readable as one is passed by."""
    for event in own_events(search, EventType.VERIFY_FINISHED, from_us=to_us(since) if since else 0):
        try:
            run = run_of(event.detail)
            if event.counts_as:  # else nothing would be due until the time that a clock ahead wrote
                run = replace(
                    run,
                    finished=event.no_later(run.finished),
                    sites={
                        site: replace(one, began=event.no_later(one.began)) for site, one in run.sites.items()
                    },
                )
            yield run
        except (KeyError, TypeError, ValueError, AttributeError, VanVaultError):
            continue


def run_of(detail: Mapping[str, Any]) -> VerifyRun:
    """A run from the detail of its event. Raises KeyError, TypeError, ValueError, InvalidInput."""
    # Events of older versions do not say at which site: then it is taken to lie at each.
    aside = sum(int(count) for problem, count in detail["findings"].items() if problem in SET_ASIDE)
    return VerifyRun(
        finished=parse_rfc3339(detail["finished"]),
        subset=Subset.parse(detail["share"]),
        whole=detail["whole"] is True,
        findings={str(problem): int(count) for problem, count in detail["findings"].items()},
        named=detail["named"] is True,
        asked=frozenset(map(str, detail["asked"])),
        sites={
            str(site): SiteRun(
                began=parse_rfc3339(fields["began"]),
                objects=int(fields["objects"]),
                size=int(fields["bytes"]),
                damaged=frozenset(map(bytes.fromhex, fields["damaged"])),
                aside=int(fields.get("aside", aside)),
            )
            for site, fields in detail["sites"].items()
        },
        seconds=int(detail["ms"]) / 1000,
    )
