"""Copies of what was disposed of come back, from a backup or from a site that was away: they change nothing.

No reader gives them, counts them as missing or copies them further, and the next run removes them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.recovery.disposal.conftest import Office
from tests.recovery.disposal.test_run import certificate, is_gone, planned_segments
from tests.support.archives import SITES
from tests.support.memory_site import MemorySite
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import AccessDenied, Conflict, EntryDisposed
from vanvault.archiver.core.names import parse_key, segment_prefix
from vanvault.archiver.core.ports import ClockStopwatch
from vanvault.archiver.core.retention import rounded_up
from vanvault.recovery.maintenance import RebuildRequest, rebuild_index
from vanvault.recovery.reconcile import Reconciler, ReconcileRequest, reconcile
from vanvault.recovery.repair import RepairRequest, repair
from vanvault.recovery.restore import restore_site
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.status import status
from vanvault.recovery.verify import VerifyRequest, verify

Saved = dict[str, bytes]  # by key


def everything(office: Office) -> Saved:
    """What the second site holds."""
    site = office.home.standby
    return {one.key: site.get(one.key) for one in site.list()}


def disposed_of(office: Office) -> tuple[str, Saved]:
    """A disposal that is certified, and a copy that somebody kept of all that went."""
    id = office.cooled()
    before = everything(office)
    assert office.run(id).known.state == "certified"
    left = everything(office)
    saved = {key: data for key, data in before.items() if key not in left and not key.startswith("index/")}
    families = {key.split("/")[0] for key in saved}
    assert families == {"segment", "batch"}
    return id, saved


def bring_back(office: Office, saved: Saved, *sites: str) -> None:
    for site in sites:
        for key, data in saved.items():
            office.home.sites[site].damage.add(key, data)


def there(office: Office, saved: Saved) -> dict[str, int]:
    """By site, how many of these objects lie there."""
    return {
        name: len(saved.keys() & {one.key for one in site.list()}) for name, site in office.home.sites.items()
    }


def answers(office: Office) -> None:
    """Every way to ask gives nothing of what went, and misses nothing."""
    archive = office.archive
    assert is_gone(office, "t-1")
    assert is_gone(office, "t-2")
    assert list(archive.search.every(Query({"employer_code": "TA0001A"}))) == []
    for id in office.ids["t-1"]:
        with pytest.raises(EntryDisposed):
            archive.original(archive.search.entry(id))
    [kept] = office.ids["t-open"]
    assert archive.original(archive.search.entry(kept)) == b"dossier 5"
    items = list(archive.search.every(Query(), lambda one: pytest.fail(str(one))))
    assert len({one["id"] for one in items}) == len(items)


def as_it_is(office: Office) -> None:
    office.archive.catch_up()


def a_new_node(office: Office) -> None:
    """It has no hot tail and no index yet."""
    office.home.forget_hot_tail()
    office.starts_anew()
    office.archive.catch_up()


def a_rebuilt_index(office: Office) -> None:
    """Kept index files are thrown away, and all segments are read again."""
    office.archive.catch_up()
    rebuild_index(office.archive, RebuildRequest(discard=True, workers=1))


@pytest.mark.parametrize("opened", [as_it_is, a_new_node, a_rebuilt_index])
@pytest.mark.parametrize("sites", [("primary",), ("standby",), SITES], ids="+".join)
def test_no_reader_gives_it_and_none_misses_anything(
    office: Office, sites: tuple[str, ...], opened: Callable[[Office], None]
) -> None:
    _, saved = disposed_of(office)
    bring_back(office, saved, *sites)
    before = there(office, saved)
    opened(office)
    answers(office)
    assert verify(office.archive, VerifyRequest(who="lan")).report.whole
    told = {one.id for one in status(office.archive).conditions}
    assert not told & {"site-behind", "damage-known", "lock-ends", "hot-tail-incomplete", "set-aside"}
    assert reconcile(office.archive, ReconcileRequest()).report.level
    assert repair(office.archive, RepairRequest()).exit_code == 0
    assert there(office, saved) == before, "nobody copied any of it to the other site"
    office.pass_time(timedelta(days=2))
    office.upkeep()
    answers(office)
    assert there(office, saved) == before


def test_a_running_node_copies_none_of_it_to_the_other_site(office: Office) -> None:
    _, saved = disposed_of(office)
    bring_back(office, saved, "standby")
    before = there(office, saved)
    office.starts_anew()  # its catalogue has not seen the disposal
    keeper = Reconciler(office.archive, lambda _: None, stopwatch=ClockStopwatch(office.home.clock))
    office.pass_time(timedelta(days=1))
    report = keeper.tick()
    assert report is not None
    assert report.level
    assert there(office, saved) == before


def test_what_comes_back_before_the_certificate_is_not_certified_as_gone(office: Office) -> None:
    id = office.cooled()
    before = everything(office)

    def while_it_runs(step: str) -> None:
        if step == "disposal-after-site" and len(office.known(id).record.removed) == len(SITES):
            left = everything(office)
            back = {key: data for key, data in before.items() if key not in left and "index/" not in key}
            bring_back(office, back, "primary")

    done = office.run(id, fault=while_it_runs)
    assert done.known.state == "half-done"
    assert "primary: " in done.halted[0]
    assert "is there still" in done.halted[0]
    # It is on record of the site that nothing is left, and yet the next run looks there.
    assert office.run(id).known.state == "certified"
    assert office.lies(*planned_segments(office, id)) == {"primary": [], "standby": []}


def test_a_site_that_is_rebuilt_from_one_that_still_has_it_is_given_none(office: Office) -> None:
    _, saved = disposed_of(office)
    bring_back(office, saved, "standby")
    sites = dict(office.home.sites)
    sites["primary"] = MemorySite("primary", clock=office.home.clock)
    with office.home.archive(sites) as archive:
        plan = survey(archive, "standby", create=True)
        assert restore_site(plan, archive.sites["standby"], archive.sites["primary"]).whole
    assert not saved.keys() & {one.key for one in sites["primary"].list()}


def test_a_source_that_was_away_during_the_disposal_gives_none_of_it_to_the_other_site(
    office: Office,
) -> None:
    id, saved = disposed_of(office)
    standby = office.home.standby
    for key in {one.residue for one in office.known(id).record.removing}:
        prefix = segment_prefix(str(parse_key(key).writer))  # type: ignore[union-attr]
        for part in [one.key for one in standby.list(prefix)]:
            standby.damage.drop(part)
    bring_back(office, saved, "standby")
    with office.home.archive() as archive:
        plan = survey(archive, "standby", create=False)
        assert restore_site(plan, archive.sites["standby"], archive.sites["primary"]).whole
    assert there(office, saved)["primary"] == 0


@pytest.mark.parametrize("sites", [("standby",), SITES], ids="+".join)
def test_the_next_run_removes_it_and_certifies_that(office: Office, sites: tuple[str, ...]) -> None:
    id, saved = disposed_of(office)
    first = office.known(id).record.certificates[0]
    with pytest.raises(Conflict, match="gone already"):
        office.run(id)
    bring_back(office, saved, *sites)
    with pytest.raises(AccessDenied, match="who planned a disposal does not run it"):
        office.run(id, by="lan")
    done = office.run(id, by="hoa")
    assert (done.known.state, done.left, done.halted) == ("certified", (), ())
    assert there(office, saved) == {"primary": 0, "standby": 0}
    told = certificate(office, id)
    assert (told["number"], told["first"], told["who"]) == (2, first.sha256, "hoa")
    assert all(one["at"] for one in told["removed"])
    with pytest.raises(Conflict, match="gone already"):
        office.run(id)
    answers(office)


def test_what_came_back_under_a_lock_goes_once_that_is_over(office: Office) -> None:
    id, saved = disposed_of(office)
    [segment] = planned_segments(office, id)
    bring_back(office, saved, "standby")
    site, until = office.home.standby, rounded_up(office.now + timedelta(days=3))
    key = office.lies(segment)["standby"][0]
    site.extend(key, site.stat(key).version, until)
    done = office.run(id)
    assert [one.until for one in done.left] == [until]
    assert there(office, saved) == {"primary": 0, "standby": 1}
    assert len(office.known(id).record.certificates) == 2, "the rest of it went"
    office.pass_time(timedelta(days=3, minutes=1))
    office.keep()
    assert office.run(id).left == ()
    assert there(office, saved) == {"primary": 0, "standby": 0}
    assert len(office.known(id).record.certificates) == 3


def test_a_run_over_what_came_back_that_is_killed_goes_on(office: Office) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def kill(step: str) -> None:
        if step == "disposal-after-one":
            raise Killed

    id, saved = disposed_of(office)
    bring_back(office, saved, *SITES)
    with pytest.raises(Killed):
        office.run(id, fault=kill)
    office.starts_anew()
    assert sum(there(office, saved).values()) == 2 * len(saved) - 1
    office.run(id)
    assert there(office, saved) == {"primary": 0, "standby": 0}


def test_a_hold_that_was_placed_since_keeps_what_came_back(office: Office) -> None:
    id, saved = disposed_of(office)
    bring_back(office, saved, "standby")
    office.hold(filters={"gateway": "gateway-1"})
    done = office.run(id)
    assert done.exit_code != 0
    assert "a court asks" in done.halted[0]
    assert there(office, saved) == {"primary": 0, "standby": len(saved)}


def back_again(office: Office) -> list[str]:
    """What status says of copies that came back."""
    office.archive.refresh()
    return [one.text for one in status(office.archive).conditions if one.id == "disposal-came-back"]


def test_status_tells_what_a_verification_found_until_it_is_removed(office: Office) -> None:
    id, saved = disposed_of(office)
    office.verify()
    assert back_again(office) == []
    bring_back(office, saved, "standby")
    assert back_again(office) == [], "nobody looked yet"
    office.pass_time(timedelta(hours=1))
    office.verify()
    [text] = back_again(office)
    assert f"found {sum(key.startswith('segment/') for key in saved)} objects of replaced segments" in text
    office.pass_time(timedelta(hours=1))
    assert office.run(id).known.state == "certified"
    assert back_again(office) == []


def test_what_a_certificate_names_as_left_is_not_told_as_come_back(office: Office) -> None:
    id = office.cooled()
    [segment] = planned_segments(office, id)
    site, until = office.home.standby, rounded_up(office.now + timedelta(days=5))

    def prolong(step: str) -> None:
        if step == "disposal-replaced":
            key = office.lies(segment)["standby"][0]
            site.extend(key, site.stat(key).version, until)

    assert office.run(id, fault=prolong).known.state == "certified-in-part"
    office.pass_time(timedelta(hours=1))
    office.verify()
    assert back_again(office) == []
