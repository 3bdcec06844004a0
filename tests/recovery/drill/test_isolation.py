"""A drill cannot write to production, and its proof that it did not would notice if it had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recovery.drill.support import drill, failing
from tests.support.archives import Home, Node, event, message
from tests.support.lab import Lab
from tests.support.memory_site import MemorySite
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.archiver.stores import ReadOnlySite
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.harm import How, harm
from vanvault.recovery.drill.readers import Overlay, SubsetOfSite
from vanvault.recovery.drill.scenarios import SCENARIOS
from vanvault.recovery.drill.untouched import Listings, compare
from vanvault.recovery.verified import Subset

WRITING = ("put", "extend", "delete")


def test_production_has_no_writing_verb(lab: Lab) -> None:
    with lab.open() as archive, archive.reader() as node:
        assert set(node.sites) == {"primary", "standby"}
        for site in node.sites.values():
            assert type(site) is ReadOnlySite
            for verb in WRITING:
                assert not hasattr(site, verb)
            with pytest.raises(AttributeError):
                site.put = None  # type: ignore[attr-defined]
        (reader, *_) = node.sites.values()
        with pytest.raises(AttributeError):
            reader.put("a", b"", sha256=bytes(32), retain_until=parse_rfc3339("2040-01-01"))
        for kind in (SubsetOfSite, Overlay):
            assert not set(WRITING) & set(dir(kind))


@pytest.mark.parametrize("scenario", [name for name, one in SCENARIOS.items() if not one.needs_escrow])
def test_no_writing_verb_of_production_is_called(home: Home, tmp_path: Path, scenario: str) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        for number in range(12):
            node.push(message(f"m-{number}", b"<dossier>%d</dossier>" % number))
            node.push(event(f"e-{number}"))
    archive.catch_up()
    for site in home.sites.values():
        site.calls.clear()
    finished = drill(archive, scenario, tmp_path / "scratch")
    assert finished.outcome.passed == (scenario != "both-sites-lost")
    called = {call.operation for site in home.sites.values() for call in site.calls}
    assert "list" in called
    assert not called.intersection(WRITING)


def test_the_proof_notices_a_drill_that_got_at_production(lab: Lab) -> None:
    """An accomplice in the drill removes an object of production: the comparison of listings says which."""
    key = lab.keys(kind="events")[1]

    def harm_production_too(how: How, file: Path, other: Path) -> None:
        harm(how, file, other)
        lab.drop("standby", key)

    with lab.open() as archive:
        finished = drill(
            archive, "objects-damaged", lab.home.parent / "scratch", Means(harm=harm_production_too)
        )
    assert failing(finished) == ["production was not touched"]
    assert f"standby: {key}" in finished.outcome.failures[0]


Line = tuple[str, str, str, str]


def line(key: str, version: str, until: str = "2036-01-01T00:00:00Z", size: str = "5") -> Line:
    return key, version, size, until


@pytest.mark.parametrize(
    ("before", "after", "same", "added", "extended", "harmed"),
    [
        ([], [], 0, 0, 0, 0),
        ([line("a", "1")], [line("a", "1")], 1, 0, 0, 0),
        ([line("a", "1")], [line("a", "1"), line("b", "1")], 1, 1, 0, 0),
        ([line("b", "1")], [line("a", "1"), line("b", "2"), line("b", "1")], 1, 2, 0, 0),
        ([line("a", "1")], [line("a", "1", "2037-01-01T00:00:00Z")], 0, 0, 1, 0),
        ([line("a", "1")], [line("a", "1", "2035-01-01T00:00:00Z")], 0, 0, 0, 1),
        ([line("a", "1")], [line("a", "1", size="4")], 0, 0, 0, 1),
        ([line("a", "2"), line("a", "1")], [line("a", "2")], 1, 0, 0, 1),
        ([line("a", "1"), line("b", "1"), line("c", "1")], [line("b", "1")], 1, 0, 0, 2),
    ],
)
def test_listings_are_compared(
    before: list[Line], after: list[Line],
    same: int, added: int, extended: int, harmed: int,
) -> None:  # fmt: skip
    found = compare("primary", before, after)
    assert (found.same, found.added, found.extended, len(found.harmed)) == (same, added, extended, harmed)
    assert found.untouched == (harmed == 0)


def test_a_node_may_work_during_a_drill(home: Home, tmp_path: Path) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        before = Listings(tmp_path / "before", archive.sites)
        node.push(message("m-1", b"<dossier/>"))
        found = before.compare()
    assert found.untouched
    assert found.added > 0


def test_an_overlay_is_whole_and_ordered(home: Home) -> None:
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        for number in range(12):
            node.push(message(f"m-{number}", b"<dossier>%d</dossier>" % number))
    subset = Subset(1, 3)
    part = MemorySite("primary", clock=home.clock)
    for version in SubsetOfSite(home.standby, subset).list():
        name = bytes.fromhex(version.key.split("-")[1].split(".")[0])
        assert version.retain_until is not None
        part.put(version.key, home.standby.get(version.key), sha256=name, retain_until=version.retain_until)
    whole = Overlay(part, home.standby, subset)
    assert [version.key for version in whole.list()] == [version.key for version in home.standby.list()]
    assert len(list(part.list())) < len(list(whole.list()))
    for version in whole.list():
        assert whole.get(version.key) == home.standby.get(version.key)
        assert whole.get_range(version.key, 1, 3) == home.standby.get(version.key)[1:4]
        locked = whole.get_locked(version.key, version.version)
        assert locked == (whole.get(version.key), whole.stat(version.key, version.version))
        assert whole.stat(version.key).version == whole.versions(version.key)[0].version
