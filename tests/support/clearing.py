"""Archives whose batches are spent, and what a clearing needs."""

from __future__ import annotations

from datetime import timedelta

from tests.support.archives import SITES
from tests.support.compacted import CompactedLab
from vanvault.archiver.appliance import Archive, open_disposers
from vanvault.archiver.core.faults import Fault, no_fault
from vanvault.archiver.stores import Disposer
from vanvault.recovery.clearing import ClearingTools, ClearReport, ClearRequest, clear
from vanvault.recovery.maintenance import SiteRequest, prepare_site
from vanvault.recovery.verify import VerifyRequest, verify

#: The lock of a batch and thirty days more are over, with some to spare.
LONG_AFTER = timedelta(days=100)


def keys_of_disposers(archive: Archive) -> dict[str, str]:
    """What ``site init`` wrote, as the environment of a process that removes."""
    found: dict[str, str] = {}
    for site in SITES:
        made = prepare_site(archive, SiteRequest(site), {})
        lines = made.disposer.read_text().splitlines()
        found |= dict(line.split("=", 1) for line in lines)
    return found


def disposers_of(archive: Archive) -> dict[str, Disposer]:
    return open_disposers(archive, keys_of_disposers(archive))


def make_spent(lab: CompactedLab, after: timedelta = LONG_AFTER) -> None:
    """Let time pass, keep the locks that are still needed, and verify both sites."""
    lab.clock.moment += after
    lab.keep()
    with lab.open() as archive:
        assert verify(archive, VerifyRequest()).report.whole


def cleared(lab: CompactedLab, *, dry_run: bool = False, fault: Fault = no_fault) -> ClearReport:
    """One run."""
    with lab.open() as archive:
        tools = ClearingTools(disposers_of(archive), sleep=lambda seconds: None, fault=fault)
        return clear(archive, ClearRequest(dry_run, who="tester"), tools=tools)


def spent_left(lab: CompactedLab, site: str) -> list[str]:
    """Keys of batches that segments hold and that still lie at one site."""
    return [key for key in lab.compacted() if lab.all_files(site, key)]
