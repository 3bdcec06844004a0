"""Edges in a whole run: a gateway that is gone, an id with two contents, originals that are kept for less."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.recovery.disposal.conftest import GATEWAY, YEARS, Office, people
from tests.support.archives import Home, Node, memory_home, message, second_home
from vanvault.archiver.core.errors import EntryDisposed
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.times import to_us
from vanvault.archiver.people import Gateways
from vanvault.recovery.accounts import Desk, resume_account
from vanvault.recovery.gateways import record_changes


def staffed(office: Office, *steps: int) -> None:
    """Years pass, and people are there who decide."""
    office.pass_years(*steps)
    office.pass_time(timedelta(days=60))
    people(office.archive)
    office.upkeep()
    office.verify()


def test_what_a_gateway_sent_that_was_removed_since_goes_like_anything_else(office: Office) -> None:
    ports = Ports.under(office.home.clock)
    Gateways(office.home.path).remove(GATEWAY, ports.entropy, ports.clock, who="lan")
    record_changes(office.archive)
    office.archive.refresh()
    office.verify()
    done = office.run(office.cooled())
    assert done.known.state == "certified"
    assert {office.archive.search.entry(id)["entry"] for id in office.ids["t-1"]} == {"disposed"}


def clashing(home: Home, path: Path, office: Office) -> str:
    """One message id of a transaction gets two contents, by two nodes that do not hear of each other."""
    given = Metadata(transaction_id="t-clash")
    with second_home(home, path) as other, Node(other.archive()) as two:
        two.wait_ready()
        office.transaction("t-clash")
        home.clock.advance(timedelta(hours=1))
        late = two.push(message("m-1", b"other bytes", given=given, received_us=to_us(home.clock.now())))
    office.archive.catch_up(settle=True)
    return str(late["id"])


def test_an_id_with_two_contents_keeps_its_transaction_and_nothing_else(tmp_path: Path) -> None:
    with memory_home(tmp_path / "one") as home, home.archive() as archive:
        office = Office(home, archive)
        late = clashing(home, tmp_path / "two", office)
        office.transaction("t-other")
        office.upkeep()
        staffed(office, *YEARS)
        plan = office.plan().plan
        planned = {one.id for one in plan.entries}
        assert planned == set(office.ids["t-other"])
        assert plan.kept["conflict"] == len({late, *office.ids["t-clash"]})
        assert late not in planned


def test_originals_that_are_kept_for_less_go_first_and_the_rest_years_later(tmp_path: Path) -> None:
    """Five years for originals; it closes in its fifth year, so the log is owed when the locks end."""
    with memory_home(tmp_path / "home") as home:
        settings = home.path / "vanvault.toml"
        settings.write_text(settings.read_text() + "\n[retention]\noriginals_years = 5\n")
        with home.archive() as archive:
            office = Office(home, archive)
            office.transaction("t-1", closed=False)
            [dossier] = office.ids["t-1"]
            office.upkeep()
            office.pass_years(2, 2)
            office.write("t-1", office.line("t-1"))
            staffed(office, 4, 3)
            first = office.cooled()
            assert office.run(first).known.record.originals == 1
            item = office.archive.search.entry(dossier)
            assert (item["entry"], item["disposed"]["what"]) == ("message", "original")
            with pytest.raises(EntryDisposed):
                archive.original(item)
            line = office.ids["t-1"][1]
            assert office.archive.search.entry(line)["entry"] == "event"
            office.pass_years(4)
            office.pass_time(timedelta(days=60))
            for name in ("lan", "binh", "hoa", "minh"):  # they have rested for years
                resume_account(Desk(archive, "root"), name, "they are back")
            office.upkeep()
            office.verify()
            second = office.cooled()
            left = office.run(second).left  # under locks that the keeper had prolonged while it was open
            office.pass_time(max(one.until for one in left if one.until) - office.now + timedelta(minutes=1))
            office.upkeep()
            office.verify()
            assert office.run(second).known.state == "certified"
            assert {office.archive.search.entry(one)["entry"] for one in (dossier, line)} == {"disposed"}
