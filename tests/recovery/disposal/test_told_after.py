"""After a disposal its transactions are told as disposed of: open nowhere, and prolonging nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.recovery.disposal.conftest import GATEWAY, Office, settled
from tests.support.archives import memory_home
from vanvault.archiver.core.times import rfc3339_seconds, rfc3339_us, to_us
from vanvault.archiver.intake import event_draft
from vanvault.recovery.retention import (
    clock_of_case,
    clocks_of_segments,
    keep_clocks,
    open_transactions,
    retention_of,
)
from vanvault.recovery.timeline import case_of


def disposed_of(office: Office) -> str:
    """The id of a disposal that ran."""
    id = office.cooled()
    office.run(id)
    office.archive.refresh()
    return id


def in_bulk(office: Office) -> dict[str, str]:
    """By transaction, the state that the clocks of whole segments tell."""
    archive = office.archive
    found = clocks_of_segments(archive, archive.catalogue.segments(), lambda one: None)
    return {one.transaction: one.state for one in found if not one.is_own and one.transaction in office.ids}


def told(office: Office, transaction: str) -> dict[str, object]:
    return clock_of_case(office.archive, case_of(office.archive, transaction)).as_json()


def test_it_is_a_state_of_its_own_with_its_certificate(office: Office) -> None:
    id = disposed_of(office)
    owed = retention_of(office.archive, case_of(office.archive, "t-1"))
    assert (owed.clock.state, owed.clock.is_open, owed.log) == ("disposed", False, None)
    [part] = owed.as_json()["disposed"]
    assert (part["certificate"], part["entries"], part["originals"]) == (id, 2, 0)
    english, vietnamese = owed.sentences("en"), owed.sentences("vi")
    assert english[0].startswith("The transaction was disposed of")
    assert "2 of its 2 entries" in english[1]
    assert id in english[1]
    assert vietnamese[0].startswith("Giao dịch đã được tiêu hủy")
    assert f"theo biên bản {id}" in vietnamese[1]
    assert not any("open" in sentence for sentence in english)
    at_least = told(office, "t-1")["at_least"]
    assert isinstance(at_least, str)
    assert at_least < rfc3339_us(to_us(office.now))[:10]


def test_a_line_that_led_to_neither_of_two_transactions_closes_none_when_one_is_gone(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home, home.archive() as archive:
        office = Office(home, archive)
        office.transaction("t-number", dossier_number="00123/2026/07900")
        office.transaction("t-same", closed=False, dossier_number="00123/2026/07900")
        settled(office)
        line = {"event_id": "e-loose", "type": "transaction.returned", "dossier_number": "00123/2026/07900"}
        line["occurred_at"] = rfc3339_seconds(office.now)
        office.write("loose", event_draft(GATEWAY, line, received=office.now))
        assert told(office, "t-same")["state"] == "open"
        disposed_of(office)
        assert told(office, "t-number")["state"] == "disposed"
        assert told(office, "t-same")["state"] == "open"
        assert in_bulk(office)["t-same"] == "open"


def test_bulk_clocks_say_the_same(office: Office) -> None:
    disposed_of(office)
    assert in_bulk(office) == {"t-1": "disposed", "t-2": "disposed", "t-open": "open"}


def test_it_is_not_listed_as_open(office: Office) -> None:
    disposed_of(office)
    found = open_transactions(office.archive, older_than=0)
    assert [one.transaction for one in found.named if one.transaction in office.ids] == ["t-open"]


def test_the_keeper_prolongs_nothing_because_of_it(office: Office) -> None:
    disposed_of(office)
    [residue] = [one for one in office.archive.catalogue.segments() if one.manifest.is_residue]
    office.pass_time(timedelta(days=3 * 365))
    kept = keep_clocks(office.archive)
    assert not [one for one in (*kept.ending, *kept.failures) if residue.manifest.segment in one]
    assert kept.open == 1  # the segment of what is open, and not that of the two


def test_an_entry_that_came_late_has_a_period_of_its_own(office: Office) -> None:
    id = disposed_of(office)
    office.write("t-1", office.dossier("t-1"))
    late = office.now
    office.pass_time(timedelta(days=2))
    owed = retention_of(office.archive, case_of(office.archive, "t-1"))
    assert owed.clock.state == "closed"
    assert owed.clock.start_us == owed.clock.last_us >= to_us(late)
    assert owed.log is not None
    assert owed.log.last_day.year == late.year + owed.log.rule.years
    words = owed.sentences("en")
    assert words[0] == "The transaction had ended; the line of the log that ended it was disposed of."
    assert "2 of its 3 entries" in words[1]
    assert id in words[1]
    office.upkeep()
    assert in_bulk(office)["t-1"] == "closed"


def test_a_supplement_after_the_disposal_opens_it_again(office: Office) -> None:
    disposed_of(office)
    office.write("t-1", office.line("t-1", "transaction.supplement"))
    office.upkeep()
    assert told(office, "t-1")["state"] == in_bulk(office)["t-1"] == "open"
    [found] = [
        one for one in open_transactions(office.archive, older_than=0).named if one.transaction == "t-1"
    ]
    assert found.why == "reopened"
