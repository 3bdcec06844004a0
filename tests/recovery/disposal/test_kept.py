"""Why data is kept: every entry under the first reason that keeps it, and what nothing keeps as waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.test_clock_locks import Office
from tests.support.archives import memory_home, message
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.times import to_us
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.retention import HoldReason, HoldScope
from vanvault.recovery.holds import place_hold
from vanvault.recovery.standings import KeptData, KeptLine, kept_data


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        yield Office(home, archive)


def compacted(office: Office) -> None:
    office.pass_days(2)
    office.upkeep()


def pass_years(office: Office, years: int, *, days: int = 0) -> None:
    for _ in range(years):
        office.pass_days(365)
        office.upkeep()
    office.pass_days(days)


def close(office: Office, *ids: str) -> None:
    office.write(*(office.dossier(id) for id in ids))
    office.write(*(office.line(id, "transaction.returned") for id in ids))


def line_of(kept: KeptData, reason: str) -> KeptLine:
    (found,) = (line for line in kept.lines if line.reason == reason)
    return found


def test_each_entry_is_under_the_first_reason_that_keeps_it(office: Office) -> None:
    close(office, "due", "held")
    compacted(office)
    pass_years(office, 11, days=60)  # ten years and the lock's margin, and more
    close(office, "new")
    office.write(office.dossier("open"))
    compacted(office)
    hold = place_hold(
        office.archive,
        Requester("lan"),
        HoldReason("12/TB", "a court asks"),
        HoldScope(filters={"transaction_id": "held"}),
    )
    kept = kept_data(office.archive)
    counts = {line.reason: (line.entries, line.transactions) for line in kept.lines if line.reason != "own"}
    assert counts == {"waits": (2, 1), "held": (2, 1), "not-due": (2, 1), "open": (1, 1)}
    assert line_of(kept, "held").duty == hold.id
    assert line_of(kept, "waits").duty == "entry"
    not_due = line_of(kept, "not-due")
    assert not_due.duty == f"{office.archive.profile.name} log"
    assert not_due.clause == office.archive.profile.log.source
    assert not_due.last_end is not None
    assert (kept.unread, kept.disposals) == ((), ())


def test_what_is_owed_no_longer_and_still_locked_is_told_apart(office: Office) -> None:
    close(office, "due")
    compacted(office)
    pass_years(office, 10, days=60)
    kept = kept_data(office.archive)
    locked = line_of(kept, "locked")
    assert (locked.entries, locked.transactions) == (2, 1)
    assert locked.last_end is not None
    assert locked.last_end > office.now


def test_entries_of_insured_persons_are_counted_and_nobody_is_named(office: Office) -> None:
    given = Metadata(transaction_id="t-1", insurance_numbers=("7916170001",))
    body = b"<dossier/>"
    office.write(message("m-x", body, given=given, received_us=to_us(office.now)), office.dossier("t-2"))
    compacted(office)
    kept = kept_data(office.archive)
    opened = line_of(kept, "open")
    assert (opened.entries, opened.insured) == (2, 1)
    assert opened.bytes == len(body) + len(b"dossier 1")
    assert "7916170001" not in str(kept.as_json())


def test_what_cannot_be_read_is_named_and_counted_nowhere(office: Office) -> None:
    close(office, "one")
    compacted(office)
    (segment,) = office.archive.catalogue.segments()
    log = next(part.key for part in segment.manifest.parts if part.kind == "log")
    office.archive.close()
    for site in office.home.sites.values():
        site.damage.flip(log, bit=8 * 200)
    with office.home.archive() as archive:
        archive.refresh()
        kept = kept_data(archive)
    assert kept.unread == (segment.key,)
    assert kept.lines == ()
