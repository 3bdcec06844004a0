"""Segments that cannot be read: the other site answers; where none does, the answer says what it lacks."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue.search.brute import Pager
from tests.support.archives import Home, Node, event, memory_home, message
from tests.support.memory_site import MemorySite

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.index.bloom import Filter
from vanvault.archiver.catalogue.segments import files as segment_files
from vanvault.archiver.core.errors import Conflict, Damaged, SiteUnavailable
from vanvault.archiver.core.model import Metadata, SegmentManifest
from vanvault.archiver.core.names import batch_prefix
from vanvault.archiver.upkeep import compact

DAYS, EACH = 3, 12


@dataclass
class Old:
    """Three days, the first two of them compacted, each into a segment."""

    home: Home
    archive: Archive
    receipts: dict[str, Any]
    segments: tuple[SegmentManifest, ...]  # by day
    cut: int

    @property
    def logs(self) -> list[str]:
        return self.parts("log")

    def parts(self, kind: str) -> list[str]:
        """Keys of this part, by day."""
        found = [segment.part(kind) for segment in self.segments]
        return [part.key for part in found if part is not None]

    def fresh(self, *lost: str) -> Archive:
        """The home as another process opens it, without some of its folders."""
        self.archive.close()
        for folder in lost:
            shutil.rmtree(self.home.path / folder, ignore_errors=True)
        self.archive = self.home.archive()
        self.archive.catch_up()
        return self.archive

    def found(self, **filters: str) -> tuple[list[str], dict[str, str]]:
        """Message ids, oldest first, and what was unread, why."""
        pager = Pager(Query({"entry": "message", **filters}, to_us=self.cut, order="oldest", limit=5))
        ids, unread = [], {}
        while (page := pager.next(self.archive)) is not None:
            ids += [item["message_id"] for item in page.items]
            unread |= {one.object: one.reason for one in page.unread}
        return ids, unread


@pytest.fixture(params=["in memory", "through Python"])
def old(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    """However large its parts are: small ones and large ones are read in different ways."""
    if request.param == "through Python":
        monkeypatch.setattr(segment_files, "MAPPED_BYTES", 0)
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        receipts = {}
        for day in range(DAYS):
            with Node(archive) as node:
                node.wait_ready()
                about = Metadata(employer_code="E", transaction_id=f"t-{day}")
                drafts: list[Any] = [
                    message(f"m{day}-{n}", f"<m>{day} {n}</m>".encode(), given=about) for n in range(EACH)
                ]
                drafts.append(event(f"e{day}", transaction_id=f"t-{day}"))
                for draft, (outcome, _) in zip(drafts, node.submit(drafts), strict=True):
                    receipts[draft.client_id] = outcome
            home.clock.advance(timedelta(days=1))
        cut = archive.tail.last_received_us() + 1
        run = compact(archive)
        assert len(run.report.segments) == DAYS - 1
        yield Old(home, archive, receipts, run.report.segments, cut)


def ids(*days: int) -> list[str]:
    return [f"m{day}-{n}" for day in days for n in range(EACH)]


def flip(site: MemorySite, key: str) -> None:
    size = site.stat(key).size
    for byte in range(0, size, max(1, size // 200)):
        site.damage.flip(key, 8 * byte)


def cut_off(site: MemorySite, key: str) -> None:
    site.damage.truncate(key, site.stat(key).size // 2)


def drop(site: MemorySite, key: str) -> None:
    site.damage.drop(key)


HARMS: list[Callable[[MemorySite, str], None]] = [flip, cut_off, drop]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("kind", ["log", "originals", "evidence"])
def test_harm_at_one_site_is_not_noticed(old: Old, harm: Any, kind: str) -> None:
    for number, key in enumerate(old.parts(kind)):
        harm((old.home.primary, old.home.standby)[number % 2], key)
    archive = old.fresh("cache", "index")
    assert old.found() == (ids(0, 1, 2), {})
    for name, receipt in old.receipts.items():
        assert archive.receipts.of(receipt["id"]) == receipt
        if name.startswith("m"):
            body = archive.original(archive.search.entry(receipt["id"]))
            assert hashlib.sha256(body).hexdigest() == receipt["sha256"]


@pytest.mark.parametrize("harm", HARMS)
def test_a_log_that_no_site_gives_is_named(old: Old, harm: Any) -> None:
    for site in old.home.sites.values():
        harm(site, old.logs[0])
    old.fresh()
    reason = "missing" if harm is drop else "damaged"
    assert old.found() == (ids(1, 2), {old.logs[0]: reason})
    assert old.found(employer_code="E") == (ids(1, 2), {old.logs[0]: reason})
    assert old.found(transaction_id="t-1") == (ids(1), {})
    timeline = old.archive.search.timeline("t-0")
    assert [one.object for one in timeline.unread] == [old.logs[0]]
    assert timeline.items == []
    with pytest.raises(Damaged):
        old.archive.search.entry(old.receipts["m0-1"]["id"])


def test_sites_that_are_away_are_told_from_damage(old: Old) -> None:
    old.fresh()
    for site in old.home.sites.values():
        site.fail_next("get_range", times=10**6)
    assert old.found() == (ids(2), dict.fromkeys(old.logs, "unavailable"))
    for site in old.home.sites.values():
        site.fail_next("get_range", times=0)
    assert old.found() == (ids(0, 1, 2), {})


@pytest.mark.parametrize("harm", HARMS)
def test_batches_stand_in_for_a_log_that_cannot_be_indexed(old: Old, harm: Any) -> None:
    """As long as they last: then nothing is missing, and retries get their first receipts."""
    for site in old.home.sites.values():
        harm(site, old.logs[0])
    archive = old.fresh("cache", "index")
    assert old.found() == (ids(0, 1, 2), {})
    assert archive.claims.find("message", "gateway-1", "m0-3") is not None
    assert archive.receipts.of(old.receipts["m0-3"]["id"]) == old.receipts["m0-3"]


def test_without_batches_nothing_is_said_to_be_new(old: Old) -> None:
    """A segment that nobody can read or index may hold any id."""
    for site in old.home.sites.values():
        site.damage.drop(old.logs[0])
        for version in list(site.list(batch_prefix())):
            if old.archive.catalogue.covers(version.key):
                site.damage.drop(version.key)
    archive = old.fresh("cache", "index")
    assert old.found() == (ids(1, 2), {old.logs[0]: "not indexed yet"})
    assert archive.claims.find("message", "gateway-1", "m1-3") is not None
    assert archive.claims.find("message", "gateway-1", "m2-3") is not None
    for unknown in ("m0-3", "brand new"):
        with pytest.raises(SiteUnavailable, match="not indexed"):
            archive.claims.find("message", "gateway-1", unknown)
    with Node(archive) as node:
        node.wait_ready()
        with pytest.raises(SiteUnavailable):
            node.push(message("m0-3", b"<m>0 3</m>"))
        assert node.push(message("m1-3", b"<m>1 3</m>")) == old.receipts["m1-3"]


@pytest.mark.parametrize("kind", ["originals", "evidence"])
@pytest.mark.parametrize("harm", HARMS)
def test_originals_and_evidence_that_no_site_gives(old: Old, harm: Any, kind: str) -> None:
    key = old.parts(kind)[0]
    for site in old.home.sites.values():
        harm(site, key)
    archive = old.fresh()
    assert old.found() == (ids(0, 1, 2), {})  # the log is whole
    entry = old.receipts["m0-1"]["id"]
    with pytest.raises(Damaged):
        archive.original(archive.search.entry(entry))
    if kind == "evidence":
        with pytest.raises(Damaged):
            archive.receipts.of(entry)
    later = old.receipts["m1-1"]
    assert hashlib.sha256(archive.original(archive.search.entry(later["id"]))).hexdigest() == later["sha256"]


def test_retries_of_compacted_entries_get_their_first_receipts(old: Old) -> None:
    for lost in ((), ("cache",), ("index",), ("cache", "index")):
        archive = old.fresh(*lost)
        with Node(archive) as node:
            node.wait_ready()
            again = [
                message(f"m{day}-{n}", f"<m>{day} {n}</m>".encode())
                for day in range(DAYS)
                for n in range(EACH)
            ]
            for draft, (outcome, repeated) in zip(again, node.submit(again), strict=True):
                assert (outcome, repeated) == (old.receipts[draft.client_id], True)
            assert node.push(event("e0", transaction_id="t-0")) == old.receipts["e0"]
            for draft in (message("m0-1", b"other bytes"), event("e1", type="other")):
                with pytest.raises(Conflict):
                    node.push(draft)


def test_a_filter_that_says_yes_to_everything_costs_time_only(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Filter, "probe", lambda self, token, mask: True)
    archive = old.fresh("index")
    assert archive.claims.find("message", "gateway-1", "never seen") is None
    assert archive.claims.find("event", "gateway-1", "m0-1") is None
    assert archive.claims.find("message", "gateway-2", "m0-1") is None
    found = archive.claims.find("message", "gateway-1", "m0-1")
    assert found is not None
    assert found.sha256.hex() == old.receipts["m0-1"]["sha256"]


def test_a_damaged_index_file_is_deleted_and_built_again(old: Old) -> None:
    """Found at opening, or at a block in the middle: either way by itself, and never silently."""
    folder = old.home.path / "index"
    for place in (0.02, 0.5, 0.999):
        old.fresh()
        files = sorted(folder.rglob("*.idx"))
        for path in files:
            data = bytearray(path.read_bytes())
            data[int(len(data) * place)] ^= 255
            path.unlink()  # as another file, so that open ones stay as they are
            path.write_bytes(data)
        archive = old.fresh()
        first = old.found(employer_code="E")
        archive.catch_up()
        assert first[0] == ids(0, 1, 2) or set(first[1].values()) == {"not indexed yet"}
        assert old.found(employer_code="E") == (ids(0, 1, 2), {})


def test_an_index_that_is_lost_under_a_running_node(old: Old) -> None:
    shutil.rmtree(old.home.path / "index")
    archive = old.home.archive()  # not caught up: it knows of segments, but finds no index
    page = archive.search.page(Query({"employer_code": "E"}, to_us=old.cut))
    assert {one.object for one in page.unread} == set(old.logs)
    with pytest.raises(SiteUnavailable, match="index"):
        archive.claims.find("message", "gateway-1", "m0-1")
    assert {one.object for one in archive.histograms.of(parse("state")).unread} == set(old.logs)
    archive.catch_up()
    assert archive.claims.find("message", "gateway-1", "m0-1") is not None
    assert archive.histograms.of(parse("state")).unread == ()


def parse(by: str) -> Any:
    from vanvault.archiver.catalogue import HistogramQuery

    return HistogramQuery.parse([("by", by)])
