"""A clock that was wrong once: the archive goes on after an acceptance on record, and order is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.archives import Home, Node, message, second_home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query, WrongClock
from vanvault.archiver.core.errors import AccessDenied, InvalidInput, SiteUnavailable
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.core.names import WRITER_ENTROPY, new_writer_id
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.journal import newest_event, own_events
from vanvault.archiver.journal.availability import Level
from vanvault.archiver.journal.availability.events import mark_detail
from vanvault.archiver.journal.availability.read import read_evidence
from vanvault.archiver.upkeep import compact
from vanvault.recovery.clock import AcceptanceRequest, accept, show
from vanvault.recovery.status import status
from vanvault.recovery.verified import verify_runs
from vanvault.recovery.verify import VerifyRequest, verify, verify_archive

REQUEST = AcceptanceRequest("the host started without NTP", "operator")
#: Seven hours; and the year 2043.
WRONG = [timedelta(hours=7), timedelta(days=6_200)]


def pushed(archive: Archive, *ids: str) -> list[dict[str, object]]:
    with Node(archive) as node:
        node.wait_ready()
        return [node.push(message(id, id.encode())) for id in ids]


@contextmanager
def wrong(home: Home, by: timedelta) -> Iterator[None]:
    home.clock.advance(by)
    try:
        yield
    finally:
        home.clock.advance(-by)


class Shifted:
    """The clock of a host and its file sites, which somebody sets."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.by = timedelta(0)

    def now(self) -> datetime:
        return self._home.clock.now() + self.by


def truthful(home: Home, receipt: Mapping[str, object]) -> bool:
    """Was it received now? Rows that come at the same moment are a microsecond apart."""
    return abs(parse_rfc3339(str(receipt["received_at"])) - home.clock.now()) < timedelta(milliseconds=1)


def order(archive: Archive) -> list[str]:
    items = archive.search.page(Query({"gateway": "gateway-1"}, order="oldest")).items
    return [str(item["message_id"]) for item in items]


@pytest.mark.parametrize("by", WRONG, ids=["hours", "years"])
def test_an_archive_goes_on_after_a_clock_that_was_ahead_is_accepted(home: Home, by: timedelta) -> None:
    pushed(home.archive(), "before")
    with wrong(home, by):
        pushed(home.archive(), "wrong-1", "wrong-2")
    home.clock.advance(timedelta(minutes=5))
    archive = home.archive()
    with pytest.raises(SiteUnavailable, match="before what was archived last") as refused:
        archive.open_writer()
    assert "vanvault clock accept" in str(refused.value.hint)
    done = accept(archive, REQUEST)
    assert len(done.writers) == 1
    home.clock.advance(timedelta(minutes=5))
    receipts = pushed(home.archive(), "after", "wrong-1")
    assert truthful(home, receipts[0])
    newer = home.archive()
    newer.catch_up()
    assert order(newer) == ["before", "after", "wrong-1", "wrong-2"]  # by the times that they carry
    state = show(newer)
    assert state.ahead == ()
    assert [(one.reason, one.who) for one in state.accepted] == [(REQUEST.reason, "operator")]
    assert state.exit_code == 0
    assert verify_archive(newer).harmed == ()
    home.check()


def test_other_nodes_and_a_new_cache_learn_of_an_acceptance_by_their_fold(home: Home, tmp_path: Path) -> None:
    """The other node folded what came from the wrong time, and listed only what is newer since."""
    pushed(home.archive(), "before")
    with wrong(home, timedelta(days=6_200)):
        pushed(home.archive(), "wrong")
    with second_home(home, tmp_path / "other") as other:
        running = other.archive()
        running.catch_up()
        with pytest.raises(SiteUnavailable):
            running.trust.check()
        accept(home.archive(), REQUEST)
        running.catch_up()
        running.trust.check()
        home.clock.advance(timedelta(minutes=1))
        pushed(home.archive(), "after")
        assert running.follow(own="").folded > 0
        assert order(running) == ["before", "after", "wrong"]
        other.forget_hot_tail()
        anew = other.archive()
        anew.catch_up()
        assert anew.trust.clocks().ok
        assert order(anew) == ["before", "after", "wrong"]


def test_a_node_that_folded_under_a_wrong_clock_finds_what_another_wrote_meanwhile(
    home: Home, tmp_path: Path
) -> None:
    archive = home.archive()
    with wrong(home, timedelta(hours=7)):
        pushed(archive, "wrong")
        archive.catch_up()
    with second_home(home, tmp_path / "other") as other:
        accept(other.archive(), REQUEST)
        pushed(other.archive(), "after")
    home.clock.advance(timedelta(hours=3))  # the writer of "after" began long ago, and this node was down
    back = home.archive()
    back.catch_up()
    assert order(back) == ["after", "wrong"]


def test_a_node_that_ran_all_the_time_goes_on_with_a_new_chain(home: Home) -> None:
    """Times rise in each chain, so the one with times to come has to end."""
    archive, clock = home.archive(), Shifted(home)
    archive.clock.host = clock
    for site in home.sites.values():
        site.clock = clock
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("before", b"1"))
        clock.by = timedelta(hours=7)
        archive.trust.check()  # sites and host have one clock
        node.push(message("wrong", b"2", received_us=to_us(archive.clock.now())))
        node.intake.tail_updater.flush()
        first = node.intake.committer.writer
        clock.by = timedelta(0)
        with pytest.raises(SiteUnavailable, match="jumped"):
            node.push(message("refused", b"3"))
        with pytest.raises(SiteUnavailable, match="before what was archived last"):
            archive.trust.check()
        accept(home.archive(), REQUEST)
        archive.refresh()
        archive.trust.check()
        receipts = [node.push(message(id, b"4")) for id in ("after", "after-2")]
        assert all(truthful(home, receipt) for receipt in receipts)
        assert node.intake.committer.writer is not first
    checked = home.archive()
    checked.catch_up()
    assert order(checked) == ["before", "after", "after-2", "wrong"]
    assert verify_archive(checked).harmed == ()
    assert not checked.tail.unrecorded_heads()  # the chain of the wrong time was closed
    home.check()


def test_compaction_goes_on_too_and_a_new_cache_learns_of_the_acceptance_from_segments(home: Home) -> None:
    pushed(home.archive(), "before")
    with wrong(home, timedelta(days=6_200)):
        pushed(home.archive(), "wrong")
    accept(home.archive(), REQUEST)
    home.clock.advance(timedelta(days=3))
    archive = home.archive()
    assert compact(archive).report.segments
    archive.close()
    home.forget_hot_tail()
    anew = home.archive()
    anew.catch_up()
    assert anew.trust.clocks().ok
    assert len(list(anew.clock_record.accepted())) == 1
    assert pushed(home.archive(), "after")
    assert order(anew) == ["before", "after", "wrong"]


def test_segments_of_the_wrong_time_hold_nothing_up(home: Home) -> None:
    """The clock was wrong for days, so that even days that never were got compacted."""
    with wrong(home, timedelta(days=6_200)):
        pushed(home.archive(), "wrong")
        home.clock.advance(timedelta(days=3))
        assert compact(home.archive()).report.segments
    archive = home.archive()
    accept(archive, REQUEST)
    assert archive.trust.clocks().ok
    pushed(home.archive(), "after")
    home.clock.advance(timedelta(days=3))
    assert compact(home.archive()).report.segments
    home.forget_hot_tail()
    anew = home.archive()
    anew.catch_up()
    assert anew.trust.clocks().ok
    assert order(anew) == ["after", "wrong"]
    assert verify_archive(anew).harmed == ()


def test_the_newest_event_is_not_one_of_the_wrong_time_once_it_is_accepted(home: Home) -> None:
    home.archive().record("test.state", {"is": "first"})
    with wrong(home, timedelta(hours=7)):
        archive = home.archive()
        archive.record("test.state", {"is": "wrong 1"})
        archive.record("test.state", {"is": "wrong 2"})
    archive = home.archive()
    accept(archive, REQUEST)
    accepted = home.clock.now()
    home.clock.advance(timedelta(minutes=1))
    archive.record("test.state", {"is": "last"})
    newest = newest_event(archive.search, "test.state")
    assert newest is not None
    assert newest.detail["is"] == "last"
    expected = ["first", "wrong 1", "wrong 2", "last"]
    told = [event.detail["is"] for event in own_events(archive.search, "test.state", order="oldest")]
    assert told == expected
    told = [event.detail["is"] for event in own_events(archive.search, "test.state")]
    assert told == expected[::-1]
    since = own_events(archive.search, "test.state", from_us=to_us(accepted) + 1)
    assert [event.detail["is"] for event in since] == ["last"]
    assert [event.at for event in own_events(archive.search, "test.state", most=2)][1] == accepted


def test_the_timeline_of_a_transaction_keeps_the_order_in_which_it_was_written(home: Home) -> None:
    def push(*ids: str) -> None:
        with Node(home.archive()) as node:
            node.wait_ready()
            for id in ids:
                node.push(message(id, id.encode(), given=Metadata(transaction_id="T1")))

    push("first")
    home.clock.advance(timedelta(minutes=1))
    with wrong(home, timedelta(hours=7)):
        push("wrong 1", "wrong 2")
    archive = home.archive()
    accept(archive, REQUEST)
    accepted = rfc3339_us(to_us(home.clock.now()))
    home.clock.advance(timedelta(minutes=1))
    push("last")
    items = home.archive().search.timeline("T1").items
    assert [item["message_id"] for item in items] == ["first", "wrong 1", "wrong 2", "last"]
    assert [item.get("counts_as") for item in items] == [None, accepted, accepted, None]
    assert items[1]["received_at"] > items[3]["received_at"]


def test_a_node_under_a_wrong_clock_proves_no_life_after_its_acceptance(home: Home) -> None:
    """Else a real downtime seven hours later would be taken for time in which it was up."""
    archive = home.archive()
    with wrong(home, timedelta(hours=7)):
        with Node(archive) as node:
            node.wait_ready()
            writer = str(node.push(message("wrong", b"1"))["id"]).partition("-")[0]
        detail = mark_detail(writer, to_us(home.clock.now()), Level.UP, due_s=600)
        archive.record("availability.state", detail)
    accept(archive, REQUEST)
    accepted = to_us(home.clock.now())
    home.clock.advance(timedelta(hours=8))
    marks = read_evidence(archive.search, archive.tail).marks
    assert {mark.writer for mark in marks} == {writer}
    assert max(mark.at_us for mark in marks) <= accepted


def test_what_was_verified_under_a_wrong_clock_becomes_due_again(home: Home) -> None:
    """Else it would count as verified lately for years."""
    archive = home.archive()
    with wrong(home, timedelta(days=6_200)):
        verify(archive, VerifyRequest(who="operator"))
    accept(archive, REQUEST)
    accepted = home.clock.now()
    home.clock.advance(timedelta(days=40))
    (run,) = verify_runs(archive.search)
    assert run.finished == accepted
    assert {one.began for one in run.sites.values()} == {accepted}


def test_the_earliest_acceptance_stands_and_a_new_one_has_everything_listed(home: Home) -> None:
    pushed(home.archive(), "before")
    archive = home.archive()
    archive.catch_up()
    tail, now_us = archive.tail, to_us(home.clock.now())
    assert tail.fold_start(now_us) != ""
    writer = new_writer_id(home.clock.now(), bytes(WRITER_ENTROPY))
    assert tail.learn_wrong_clocks([WrongClock(writer, 200, 500, 700)]) is True
    assert tail.fold_start(now_us) == ""
    archive.refresh()
    assert tail.learn_wrong_clocks([WrongClock(writer, 300, 600, 650)]) is False
    assert tail.fold_start(now_us) != ""
    assert tail.learn_wrong_clocks([WrongClock(writer, 100, 400, 900)]) is True
    assert tail.wrong_clocks()[writer] == WrongClock(writer, 100, 400, 900)


def test_a_second_run_finds_nothing_to_accept(home: Home) -> None:
    with wrong(home, timedelta(hours=7)):
        pushed(home.archive(), "wrong")
    archive = home.archive()
    assert accept(archive, REQUEST).writers
    events = len(list(own_events(archive.search, "clock.accepted")))
    again = accept(archive, REQUEST)
    assert (again.writers, again.exit_code) == ((), 0)
    assert len(list(own_events(archive.search, "clock.accepted"))) == events == 1


def test_nothing_is_accepted_while_the_clocks_disagree_or_no_site_tells_the_time(home: Home) -> None:
    with wrong(home, timedelta(hours=7)):
        pushed(home.archive(), "wrong")
    archive = home.archive()
    puts = sum(call.operation == "put" for site in home.sites.values() for call in site.calls)
    archive.clock.host = clock = Shifted(home)
    clock.by = timedelta(hours=7)
    with pytest.raises(SiteUnavailable, match="do not agree"):
        accept(archive, REQUEST)
    clock.by = timedelta(0)
    for site in home.sites.values():
        site.fail_next("now", times=100)
    with pytest.raises(SiteUnavailable, match="no site tells the time"):
        archive.trust.check_present_clocks()
    with pytest.raises(SiteUnavailable):
        accept(archive, REQUEST)
    assert puts == sum(call.operation == "put" for site in home.sites.values() for call in site.calls)
    for site in home.sites.values():
        site.fail_next("now", times=0)
    assert accept(archive, REQUEST).writers


def test_another_clock_that_is_wrong_later_needs_another_acceptance(home: Home) -> None:
    for id in ("wrong-1", "wrong-2"):
        with wrong(home, timedelta(hours=7)):
            pushed(home.archive(), id)
        archive = home.archive()
        archive.catch_up()
        with pytest.raises(SiteUnavailable, match="before what was archived last"):
            archive.trust.check()
        assert len(accept(archive, REQUEST).writers) == 1
        home.clock.advance(timedelta(minutes=1))
    archive.trust.check()
    assert len(show(archive).accepted) == 2


def test_a_clock_set_back_after_an_acceptance_is_noticed_as_before(home: Home) -> None:
    with wrong(home, timedelta(days=6_200)):
        pushed(home.archive(), "wrong")
    accept(home.archive(), REQUEST)
    home.clock.advance(timedelta(days=1))
    pushed(home.archive(), "after")
    home.clock.advance(timedelta(hours=-1))
    with pytest.raises(SiteUnavailable, match="before what was archived last"):
        home.archive().open_writer()


def test_where_approval_is_on_a_second_person_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_FAILOVER__APPROVAL", "true")
    with wrong(home, timedelta(hours=7)):
        pushed(home.archive(), "wrong")
    archive = home.archive()
    for approved_by in ("", "lan", " lan "):
        with pytest.raises(AccessDenied):
            accept(archive, AcceptanceRequest("why", "lan", approved_by))
    accept(archive, AcceptanceRequest("why", "lan", "minh"))
    assert [one.approved_by for one in show(archive).accepted] == ["minh"]


@pytest.mark.parametrize("request_", [AcceptanceRequest(" ", "lan"), AcceptanceRequest("x" * 1_001, "lan")])
def test_an_acceptance_needs_a_reason(home: Home, request_: AcceptanceRequest) -> None:
    with pytest.raises(InvalidInput):
        accept(home.archive(), request_)


def test_show_names_the_writers_that_are_ahead_and_fails(home: Home) -> None:
    with wrong(home, timedelta(hours=7)):
        writer = str(pushed(home.archive(), "wrong")[0]["id"]).partition("-")[0]
    archive = home.archive()
    archive.catch_up()
    state = show(archive)
    assert state.exit_code == 3
    assert [one["writer"] for one in state.as_json()["ahead"]] == [writer]
    assert state.as_json()["agree"] is True


@pytest.mark.parametrize("by", WRONG, ids=["hours", "years"])
def test_what_one_site_lacks_of_the_wrong_time_is_completed(home: Home, by: timedelta) -> None:
    """A crash left a batch at one site; its lock is counted from a time that lies years ahead."""
    pushed(home.archive(), "before")
    with wrong(home, by):
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            home.standby.fail_next("put", times=1_000)
            with pytest.raises(SiteUnavailable):
                node.push(message("wrong", b"wrong"))
        home.standby.fail_next("put", times=0)
    archive = home.archive()
    assert accept(archive, REQUEST).writers
    pushed(home.archive(), "after", "wrong")
    assert verify_archive(archive).harmed == ()
    home.check()


def test_status_tells_of_a_clock_that_was_ahead_until_it_is_accepted(home: Home) -> None:
    pushed(home.archive(), "before")
    with wrong(home, timedelta(hours=7)):
        pushed(home.archive(), "wrong")
        assert "clock-ahead" not in conditions(home.archive())
    home.clock.advance(timedelta(minutes=5))
    archive = home.archive()
    with pytest.raises(SiteUnavailable, match="before what was archived last"):
        archive.open_writer()
    assert conditions(archive)["clock-ahead"] == "error"
    accept(archive, REQUEST)
    assert "clock-ahead" not in conditions(archive)


def test_status_tells_of_a_host_whose_clock_is_off_now(home: Home) -> None:
    pushed(home.archive(), "before")
    home.primary.clock = home.standby.clock = Hours(home)
    found = conditions(home.archive())
    assert found["clock-off"] == "error"
    assert not {"clock-ahead", "site-clock-off"}.intersection(found)


class Hours:
    """A clock that is right, where the host's is four hours behind."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def now(self) -> datetime:
        return self._home.clock.now() + timedelta(hours=4)


def conditions(archive: Archive) -> dict[str, str]:
    return {one.id: one.severity for one in status(archive).conditions}
