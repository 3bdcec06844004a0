"""Before anything is locked: clocks agree, and the store was probed. Sites in memory, time injected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.archives import SITES, Home, Node, message
from tests.support.memory_site import MemorySite

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged, SiteUnavailable
from vanvault.archiver.core.evidence import holders
from vanvault.archiver.core.options import LockPace, ProbePolicy
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.journal import Trust, TrustRules
from vanvault.archiver.replicas import copy_object, still_to_come
from vanvault.archiver.stores.verdict import (
    ProbeFinding,
    ProbeResult,
    Verdict,
    distrust,
    override_detail,
    override_event,
    probe_event,
    read_probe,
    signed_detail,
)
from vanvault.archiver.upkeep import compact
from vanvault.archiver.upkeep.compaction.keeper import keep
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
        judge=archive.policy,
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


def test_a_clock_that_is_set_back_holds_the_next_commit(home: Home) -> None:
    archive, clock = under_own_clock(home)
    archive.trust.check_clocks()
    archive.trust.check_step()
    clock.ahead = timedelta(days=-1)
    with pytest.raises(SiteUnavailable, match=r"clock jumped by -86400 s"):
        archive.trust.check_step()


def test_a_site_is_not_put_out_on_the_word_of_the_hosts_clock_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One site gives no time, the other one from before the archive's last: either may be wrong."""
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    archive, _ = under_own_clock(home)
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("m-1", b"<x/>"))
    archive.trust.check_clocks()
    home.standby.fail_next("now", times=1_000)
    home.primary.clock = SkewedClock(home, -86_400)  # type: ignore[assignment]
    with pytest.raises(SiteUnavailable, match="before what was archived last"):
        archive.trust.check_clocks()
    assert archive.health.barred("clock") == frozenset()


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


@pytest.fixture
def any_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANVAULT_SITES__POLICY", "any")
    monkeypatch.setenv("VANVAULT_HEALTH__BACK_S", "0")


@pytest.mark.usefixtures("any_site")
@pytest.mark.parametrize("seconds", [3600, -3600], ids=["ahead", "behind"])
@pytest.mark.parametrize("site", SITES)
def test_under_any_one_site_whose_clock_is_off_is_out_and_intake_goes_on(
    home: Home, site: str, seconds: float
) -> None:
    archive = home.archive()
    good = home.clock.now()
    with Node(archive) as node:
        node.wait_ready()
        home.sites[site].clock = SkewedClock(home, seconds)
        archive.trust.check()
        receipt = node.push(message("m-1", b"while one clock is off"))
        assert holders(receipt) == set(SITES) - {site}
        assert abs(parse_rfc3339(receipt["received_at"]) - good) < timedelta(seconds=1)
        status = next(one for one in archive.health.snapshot() if one.site == site)
        assert (status.state, status.barred) == ("out", ("clock",))
        assert "its clock is off" in status.reason
        for _ in range(5):
            archive.health.saw(site, "look")
        assert archive.health.state(site) == "out"  # it answers, and that alone says nothing of its clock
        home.sites[site].clock = home.clock
        archive.trust.check()
        for _ in range(2):
            archive.health.saw(site, "look")
        assert archive.health.state(site) == "catching-up"
        whole = node.push(message("m-2", b"afterwards"))
        assert holders(whole) == set(SITES)
    home.check()


@pytest.mark.usefixtures("any_site")
@pytest.mark.parametrize("site", SITES)
def test_under_any_a_node_starts_while_the_clock_of_one_site_is_off(home: Home, site: str) -> None:
    home.sites[site].clock = SkewedClock(home, 86_400 * 400)
    with Node(home.archive()) as node:
        node.wait_ready()
        receipt = node.push(message("m-1", b"x"))
    assert holders(receipt) == set(SITES) - {site}
    assert not any(call.operation == "put" for call in home.sites[site].calls)


@pytest.mark.usefixtures("any_site")
def test_two_clocks_of_which_nobody_can_tell_which_is_off_hold_intake(home: Home) -> None:
    """The other site gives no time, or its clock is off, too."""
    archive = home.archive()
    home.standby.clock = SkewedClock(home, 3600)
    home.primary.fail_next("now", times=1)
    with pytest.raises(SiteUnavailable, match="do not agree"):
        archive.trust.check()
    home.primary.clock = SkewedClock(home, -3600)
    with pytest.raises(SiteUnavailable, match="do not tell which"):
        archive.trust.check()
    assert not archive.health.out()


@pytest.mark.usefixtures("any_site")
def test_a_site_whose_clock_is_off_is_not_the_last_resort(home: Home) -> None:
    """Before the next comparison of clocks: the good site went away, and the other one still answers."""
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        home.standby.clock = SkewedClock(home, 3600)
        archive.trust.check()
        archive.health.take_out("primary", "it burns")
        with pytest.raises(SiteUnavailable, match="its clock is off") as refused:
            node.push(message("m-1", b"x"))
    assert not refused.value.may_be_stored


def test_under_all_the_site_whose_clock_is_off_is_named_and_comes_back_by_itself(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        home.standby.clock = SkewedClock(home, 3600)
        with pytest.raises(SiteUnavailable, match="standby is off") as caught:
            archive.trust.check()
        assert caught.value.site == "standby"
        with pytest.raises(SiteUnavailable, match=r"standby is out.*its clock is off"):
            node.push(message("m-1", b"x"))
        home.standby.clock = home.clock
        archive.trust.check()
        for _ in range(2):
            archive.health.saw("standby", "look")
            archive.health.saw("standby", "put")
        assert node.push(message("m-1", b"x"))["message_id"] == "m-1"


@pytest.mark.usefixtures("any_site")
@pytest.mark.parametrize("seconds", [86_400 * 4000, -86_400 * 4000], ids=["ahead", "behind"])
def test_a_wrong_clock_of_a_site_makes_no_lock_longer_or_shorter(home: Home, seconds: float) -> None:
    """A batch that lies at one site is completed at the other, whose clock is years off."""
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        home.standby.fail_next("put", times=1_000)
        receipt = node.push(message("m-1", b"x"))
        home.standby.fail_next("put", times=0)
    key = receipt["placements"][0]["key"]
    wrong = WrongTime(home.standby, SkewedClock(home, seconds))
    copied = copy_object(
        home.primary, wrong, key, retain_until=parse_rfc3339("2026-11-23T00:00:00Z"), now=archive.clock.now
    )
    assert parse_rfc3339(copied.retain_until) == still_to_come(home.clock.now(), home.clock.now())
    kept = keep(
        {"standby": wrong},
        archive.catalogue,
        LockPace(timedelta(days=45), timedelta(days=40), timedelta(days=1)),
        now=archive.clock.now,
    )
    assert not kept.alarms
    for version in home.standby.versions(key):
        assert version.retain_until is not None
        assert version.retain_until <= home.clock.now() + timedelta(days=46)


@pytest.mark.usefixtures("any_site")
def test_nothing_is_compacted_while_the_clock_of_one_site_is_off(home: Home) -> None:
    """A segment lets the locks of its batches run out; that needs two sites whose locks count."""
    archive = home.archive()
    home.standby.clock = SkewedClock(home, 3600)
    with pytest.raises(SiteUnavailable, match="do not agree"):
        compact(archive)


class WrongTime:
    """A site that tells another time than that by which it locks."""

    def __init__(self, site: MemorySite, clock: SkewedClock) -> None:
        self._site, self._clock = site, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def now(self):  # type: ignore[no-untyped-def]
        return self._clock.now()
