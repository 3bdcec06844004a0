"""Each safeguard of a disposal is switched off once, and the checker must see what comes of that.

All has been closed for eleven years when these stories begin, unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.recovery.retention_years.checker import Broken, Checker
from tests.recovery.retention_years.office import Office
from tests.recovery.retention_years.places import memory_place
from tests.recovery.retention_years.story import Story
from vanvault.archiver.core.errors import AccessDenied, ApprovalNeeded, Conflict
from vanvault.archiver.disposal import reasons, state
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.approvals import GoodApproval
from vanvault.recovery.disposal import run as running
from vanvault.recovery.disposal_record import KnownDisposal
from vanvault.recovery.objects import nothing_passed
from vanvault.recovery.reconcile import run as reconciling

ELEVEN_YEARS = 365 * 11 + 5  # days: all locks that were asked for at first are over


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Two transactions that closed at once, and one that is open, each of a day of its own."""
    with memory_place(tmp_path / "home") as place:
        office = Office.at(place)
        found = Story(office, Checker(office), {})
        for fate in ("prompt", "held", "never"):
            found.open_case(0, fate, "gateway-1")
            things = ("message",) if fate == "never" else ("message", "transaction.returned")
            office.push([(found.case(fate), what) for what in things])
            office.upkeep()
        yield found


@contextmanager
def nobody_looks(office: Office) -> Iterator[None]:
    """Years in which no node runs: batches that nobody compacted have no lock then."""
    office.resting.add("batches")
    yield
    office.resting.discard("batches")


def eleven_years(story: Story) -> None:
    office = story.office
    with nobody_looks(office):
        office.pass_time(ELEVEN_YEARS - 100)
        office.keep()
        office.pass_time(100)
        office.upkeep()
    office.keep()


def one_is_held_when_it_is_planned(story: Story) -> None:
    eleven_years(story)
    story.hold("held")
    story.dispose()


def one_is_held_after_it_was_planned(story: Story) -> None:
    eleven_years(story)
    story.dispose(before_run=lambda: story.hold("held"))
    story.office.keep()


def a_lock_stands_still(story: Story) -> None:
    """The first lock has a year more than what is owed."""
    with nobody_looks(story.office):
        story.office.pass_time(365 * 10 + 200)
        story.office.upkeep()
    story.dispose()


def somebody_runs_it_before_it_has_cooled(story: Story) -> None:
    eleven_years(story)
    id = planned(story)
    story.office.approve(id, "binh", "hoa")
    story.office.pass_time(0.1)
    refused_or_run(story, id)


def somebody_runs_it_that_one_person_approved(story: Story) -> None:
    eleven_years(story)
    id = planned(story)
    story.office.approve(id, "binh")
    story.office.cool()
    refused_or_run(story, id)


def an_old_copy_of_a_site_comes_back(story: Story) -> None:
    eleven_years(story)
    story.office.keep_copy("standby")
    story.dispose()
    story.checker.whole()
    story.office.drawer_comes_back("standby")
    story.checker.nothing_left(("primary",))
    story.office.lose_and_restore("primary")
    story.checker.nothing_left(("primary",))
    story.office.keep()


def planned(story: Story) -> str:
    story.office.staff()
    made = story.office.plan().known
    assert made is not None
    return made.record.id


def refused_or_run(story: Story, id: str) -> None:
    with suppress(Conflict, ApprovalNeeded, AccessDenied):
        story.office.dispose(id)


def without_reason(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """No entry is kept for this reason."""
    left = {one: says for one, says in reasons.ENTRY_REASONS.items() if one != name}
    return lambda patch: patch.setattr(reasons, "ENTRY_REASONS", left)


def locks_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reasons, "SEGMENT_REASONS", {})


def nothing_cools(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state, "COOLING", timedelta(0))


def nobody_need_approve(patch: pytest.MonkeyPatch) -> None:
    def good(archive: object, act: str, subject: object, who: Requester, **_: object) -> GoodApproval:
        return GoodApproval("q-none", "00" * 32, ("nobody",))

    patch.setattr(running, "need", good)
    patch.setattr(KnownDisposal, "why_no_run", lambda known, runner: "")


def everything_is_copied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconciling, "passed_over", lambda archive: nothing_passed)


def nothing_is_judged_again(patch: pytest.MonkeyPatch) -> None:
    """What was planned goes, whatever was said since."""
    patch.setattr(running, "why_entry_stays", lambda entry, now: None)


Happens = Callable[[Story], None]
#: What happens, and how the safeguard that keeps it from harm is switched off.
SAFEGUARDS: dict[str, tuple[Happens, Callable[[pytest.MonkeyPatch], None]]] = {
    "what is held is not planned": (one_is_held_when_it_is_planned, without_reason("held")),
    "what was held since is not run": (one_is_held_after_it_was_planned, nothing_is_judged_again),
    "what is locked is not planned": (a_lock_stands_still, locks_are_not_looked_at),
    "nothing is run before it has cooled": (somebody_runs_it_before_it_has_cooled, nothing_cools),
    "nothing is run that two did not approve": (
        somebody_runs_it_that_one_person_approved,
        nobody_need_approve,
    ),
    "what is gone is copied to no site": (an_old_copy_of_a_site_comes_back, everything_is_copied),
}


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_with_the_safeguard_nothing_is_broken(name: str, story: Story) -> None:
    happens, _ = SAFEGUARDS[name]
    happens(story)
    story.checker.whole()


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_without_it_the_checker_sees_what_broke(
    name: str, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens, off = SAFEGUARDS[name]
    off(monkeypatch)
    with pytest.raises(Broken):
        happens(story)
        story.checker.whole()
