"""Before anything is locked: clocks agree, and the store was probed. Sites in memory, time injected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.archives import Home, Node, message

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.core.options import ProbePolicy
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.journal import Trust, TrustRules
from vanvault.archiver.stores.probe import (
    ProbeResult,
    distrust,
    override_detail,
    override_event,
    probe_event,
    read_probe,
    signed_detail,
)
from vanvault.archiver.stores.probe.model import ProbeFinding, Verdict
from vanvault.archiver.upkeep.periodic import HealthRecord, SiteMonitor, WaitingChanges

PLACE = "s3+http://127.0.0.1:9000/bucket"
POLICY = ProbePolicy(max_age=timedelta(days=8), accept_weak=True)


def probed(archive: Archive, verdict: Verdict, site: str = "primary") -> ProbeResult:
    now = archive.clock.now()
    found = (ProbeFinding("delete-version", 1, verdict == "pass", "refuse", "tried"),)
    return ProbeResult(site, PLACE, "MinIO", now, now, verdict, found, {"multipart_lock": True}, ("writer",))


def put_on_record(archive: Archive, verdict: Verdict) -> None:
    result = probed(archive, verdict)
    archive.record(probe_event("primary"), signed_detail(result, archive.signing.active()))


def distrusted(archive: Archive) -> str:
    """Why ``primary``, which must have been probed, is not trusted."""
    trust = Trust(
        sites=archive.sites,
        search=archive.search,
        tail=archive.tail,
        signing=archive.signing,
        clock=archive.clock,
        rules=TrustRules({"primary": PLACE}, POLICY, timedelta(seconds=2)),
    )
    try:
        trust.check()
    except SiteUnavailable as error:
        return error.message
    return ""


class SkewedClock:
    """Another clock, so many seconds ahead."""

    def __init__(self, home: Home, seconds: float) -> None:
        self._home = home
        self.ahead = timedelta(seconds=seconds)

    def now(self):  # type: ignore[no-untyped-def]
        return self._home.clock.now() + self.ahead


def under_own_clock(home: Home, *, ahead: float = 0) -> tuple[Archive, SkewedClock]:
    """An archive on a host whose clock is not the sites'."""
    archive, clock = home.archive(), SkewedClock(home, ahead)
    archive.clock.host = clock
    return archive, clock


def no_site_tells_the_time(home: Home, times: int = 1_000) -> None:
    for site in home.sites.values():
        site.fail_next("now", times=times)


def test_a_clock_that_is_compared_with_none_is_not_believed(home: Home) -> None:
    """It was set wrong just when the sites gave no answer: the node's own clock goes on from before."""
    archive, clock = under_own_clock(home)
    archive.trust.check_clocks()
    no_site_tells_the_time(home)
    clock.ahead = timedelta(days=1)
    archive.trust.check_clocks()
    assert archive.clock.now() == home.clock.now()
    with pytest.raises(SiteUnavailable, match=r"clock jumped by 86400 s"):
        archive.trust.check_step()
    no_site_tells_the_time(home, times=0)
    with pytest.raises(SiteUnavailable, match="the clocks do not agree"):
        archive.trust.check_clocks()


def test_a_clock_that_was_never_compared_is_not_believed(home: Home) -> None:
    archive, clock = under_own_clock(home, ahead=86_400)
    no_site_tells_the_time(home)
    with pytest.raises(SiteUnavailable, match="no site tells the time") as caught:
        archive.trust.check_clocks()
    assert not caught.value.may_be_stored
    no_site_tells_the_time(home, times=0)
    with pytest.raises(SiteUnavailable, match="the clocks do not agree"):
        archive.trust.check_clocks()
    clock.ahead = timedelta()
    archive.trust.check_clocks()
    assert archive.clock.agreed
    assert archive.clock.now() == home.clock.now()


def test_a_site_is_trusted_for_as_long_as_its_probe_is_young(home: Home) -> None:
    archive = home.archive()
    assert "never probed" in distrusted(archive)
    put_on_record(archive, "pass")
    assert distrusted(archive) == ""
    home.clock.advance(timedelta(days=8, seconds=1))
    assert "older than 8 days" in distrusted(archive)
    put_on_record(archive, "pass")
    assert distrusted(archive) == ""


def test_a_refused_site_is_trusted_only_by_an_override_and_only_until_its_end(home: Home) -> None:
    archive = home.archive()
    put_on_record(archive, "pass")
    put_on_record(archive, "refused")
    assert "refused" in distrusted(archive)
    until = home.clock.now() + timedelta(days=2)
    archive.record(override_event("primary"), override_detail("primary", "migration", "operator", until))
    assert distrusted(archive) == ""
    home.clock.advance(timedelta(days=3))
    assert "refused" in distrusted(archive)


@pytest.mark.parametrize(
    ("accept_weak", "trusted"), [(True, True), (False, False)], ids=["taken", "not taken"]
)
def test_a_weak_site_is_trusted_as_the_settings_say(home: Home, accept_weak: bool, trusted: bool) -> None:
    archive = home.archive()
    record = read_probe(signed(archive, probed(archive, "weak")), archive.signing)
    policy = replace(POLICY, accept_weak=accept_weak)
    reason = distrust("primary", record, None, endpoint=PLACE, now=home.clock.now(), policy=policy)
    assert (reason == "") is trusted


def test_a_probe_of_another_place_proves_nothing(home: Home) -> None:
    archive = home.archive()
    record = read_probe(signed(archive, probed(archive, "pass")), archive.signing)
    moved = PLACE.replace("bucket", "other")
    assert "another place" in distrust(
        "primary", record, None, endpoint=moved, now=home.clock.now(), policy=POLICY
    )


def test_a_probe_whose_verdict_was_changed_is_damaged(home: Home) -> None:
    archive = home.archive()
    detail = signed(archive, probed(archive, "refused"))
    with pytest.raises(Damaged):
        read_probe(detail.replace("refused", "pass"), archive.signing)


def signed(archive: Archive, result: ProbeResult) -> str:
    from vanvault.archiver.core.canonical import canonical

    return canonical(signed_detail(result, archive.signing.active())).decode()


@pytest.mark.parametrize("site", ["primary", "standby"])
def test_a_site_whose_clock_is_off_locks_nothing_and_is_named(home: Home, site: str) -> None:
    home.sites[site].clock = SkewedClock(home, 3600)
    archive = home.archive()
    with pytest.raises(SiteUnavailable) as caught:
        archive.open_writer()
    assert caught.value.site == site
    assert not caught.value.may_be_stored
    assert not any(call.operation == "put" for one in home.sites.values() for call in one.calls)


def test_a_host_clock_that_jumps_holds_the_next_commit(home: Home) -> None:
    archive, jump = under_own_clock(home)
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("m-1", b"before"))
        jump.ahead = timedelta(days=400)
        with pytest.raises(SiteUnavailable, match="jumped"):
            node.push(message("m-2", b"after"))
        jump.ahead = timedelta(0)
        assert node.push(message("m-2", b"after"))["message_id"] == "m-2"


def test_no_time_of_a_clock_that_was_off_is_ever_archived(home: Home) -> None:
    """Made while the clock was off, archived when it was right: one such time would hold intake for ever."""
    archive, jump = under_own_clock(home)
    with Node(archive) as node:
        node.wait_ready()
        for by in (timedelta(days=4000), timedelta(days=-4000), timedelta(minutes=5)):
            jump.ahead = by
            line = archive.system_event("site.health", {})
            jump.ahead = timedelta(0)
            receipt = node.push(line)
            assert abs(parse_rfc3339(receipt["received_at"]) - home.clock.now()) < timedelta(seconds=1)
        archive.trust.check()
    assert home.archive().open_writer()


def test_a_node_that_starts_under_a_wrong_clock_says_nothing_until_clocks_agree(home: Home) -> None:
    archive, jump = under_own_clock(home, ahead=-3600)
    archive.clock.set_by(archive.clock.reading())
    node = Node(archive)
    waiting = WaitingChanges(home.path / "cache" / "health", archive.entropy)
    watch = SiteMonitor(
        archive.sites,
        archive.health,
        HealthRecord(node.intake.submit, lambda: node.intake.refusal is None, lambda: True),
        waiting=waiting,
        clock=archive.clock,
        every_s=1,
    )
    for _ in range(4):
        archive.health.saw("primary", "look", SiteUnavailable("away", site="primary", may_be_stored=False))
    with node:
        watch.record()
        jump.ahead = timedelta(0)
        node.wait_ready()
        watch.record()
        node.intake.tail_updater.flush()
        while waiting:
            watch.record()
        node.intake.tail_updater.flush()
        lines = archive.search.page(Query({"type": "vanvault.site.health"})).items
    assert lines
    for line in lines:
        assert abs(parse_rfc3339(line["occurred_at"]) - home.clock.now()) < timedelta(seconds=1)


def test_nothing_is_locked_between_a_check_that_fails_and_the_hold_that_follows(home: Home) -> None:
    """The check runs on a thread of its own; a commit may come before that thread holds intake."""
    archive, jump = under_own_clock(home)
    with Node(archive) as node:
        node.wait_ready()
        jump.ahead = timedelta(days=400)
        with pytest.raises(SiteUnavailable, match="do not agree"):
            archive.trust.check()
        with pytest.raises(SiteUnavailable, match="jumped"):
            node.push(message("m-1", b"in between"))
        jump.ahead = timedelta(0)
        node.push(message("m-1", b"in between"))


def test_an_archive_written_in_the_future_is_not_written_before_that(home: Home) -> None:
    archive = home.archive()
    home.clock.advance(timedelta(days=30))
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("m-1", b"x"))
    home.clock.advance(timedelta(days=-30))
    with pytest.raises(SiteUnavailable, match="before what was archived last"):
        home.archive().open_writer()
