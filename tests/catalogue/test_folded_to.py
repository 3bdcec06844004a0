"""A fold that lists only what comes after what is known finds as much as one that lists everything."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import integers
from tests.support.archives import Home, event, memory_home, second_home
from tests.support.lockless import Lockless

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue.hot_tail import folded_to
from vanvault.archiver.intake import Writer


def found(archive: Archive) -> tuple[list[str], list[tuple[str, int, int, str]], list[str]]:
    """Keys that are folded, what is lost, and which entries a search shows."""
    lost = [(one.writer, one.first, one.last, one.reason) for one in archive.tail.lost_batches.known()]
    with archive.tail.snapshot():
        shown = [row.item["id"] for row in archive.tail.scan([], bytes(12), b"\xff" * 12, newest=False)]
    return sorted(archive.tail.keys()), lost, shown


class Folding(RuleBasedStateMachine):
    """Writers that go on, objects that come late, nodes that fold now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._opened = memory_home(Path(self._folder.name) / "home")
        self.home: Home = self._opened.__enter__()
        self.writers: list[Writer] = []
        self.hidden: list[str] = []
        self.made = 0
        self.nodes = 0

    @initialize()
    def begin(self) -> None:
        self.node = self.home.archive()
        self.writes(0, 5)
        self.node.refresh()

    @rule(which=integers(0, 1), count=integers(1, 6))
    def writes(self, which: int, count: int) -> None:
        """Commits that the node has not folded: its own, or another's."""
        while len(self.writers) <= which:
            self.home.clock.advance(timedelta(seconds=1))
            writer, _ = self.home.archive().open_writer()
            self.writers.append(writer)
        for _ in range(count):
            self.made += 1
            self.home.clock.advance(timedelta(seconds=1))
            self.writers[which].commit([event(f"e-{self.made}")])

    @rule(which=integers(0, 1), count=integers(2, 6), at=integers(0, 9))
    def one_of_some_comes_late(self, which: int, count: int, at: int) -> None:
        """Both sites show it after those that were committed after it."""
        before = set(self.keys())
        self.writes(which, count)
        new = [key for key in self.keys() if key not in before]
        key = new[at % len(new)]
        if not self.node.tail.knows([key]):
            for site in self.home.sites.values():
                site.damage.hide(key)
            self.hidden.append(key)

    @rule()
    def what_was_late_is_there(self) -> None:
        for key in self.hidden:
            for site in self.home.sites.values():
                site.damage.show(key)
        self.hidden = []

    @rule()
    def a_node_folds(self) -> None:
        self.node.refresh()

    @rule()
    def a_process_begins_anew_and_folds(self) -> None:
        self.node.close()
        self.node = self.home.archive()
        self.node.catch_up()

    @invariant()
    def a_fold_finds_what_one_from_nothing_finds(self) -> None:
        if not hasattr(self, "node"):
            return
        self.nodes += 1
        if self.nodes % 3:
            return
        self.node.refresh()
        with second_home(self.home, Path(self._folder.name) / f"other-{self.nodes}") as other:
            archive = other.archive()
            archive.refresh()
            assert found(self.node) == found(archive)

    def keys(self) -> list[str]:
        return [version.key for version in self.home.primary.list("batch/")]

    def teardown(self) -> None:
        for writer in self.writers:
            writer.close()
        self._opened.__exit__(None, None, None)
        self._folder.cleanup()


def test_folding_from_what_is_remembered_finds_what_folding_from_nothing_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folded_to, "LEAST", 2)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Folding,
        settings=settings(
            max_examples=10,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


#: Lines of a fold that finds nothing new: at each site it looks what comes before the writer.
NOTHING_NEW = 2


def lines_of_a_fold(home: Home) -> int:
    """What the listings of a new process gave when it folded."""
    sites = {name: Lockless(site) for name, site in home.sites.items()}
    archive = home.archive(sites=sites)  # type: ignore[arg-type]
    archive.refresh()
    archive.close()
    return sum(site.asked["lines"] for site in sites.values())


@pytest.fixture
def chain(home: Home, monkeypatch: pytest.MonkeyPatch) -> Writer:
    """A writer with twenty batches that goes on."""
    monkeypatch.setattr(folded_to, "LEAST", 5)
    writer, _ = home.archive().open_writer()
    for number in range(20):
        writer.commit([event(f"e-{number}")])
    return writer


def test_what_is_folded_of_an_open_writer_is_not_listed_again(home: Home, chain: Writer) -> None:
    assert lines_of_a_fold(home) >= 2 * 20
    assert lines_of_a_fold(home) == NOTHING_NEW
    chain.commit([event("new")])
    assert lines_of_a_fold(home) == NOTHING_NEW + 2
    assert lines_of_a_fold(home) == NOTHING_NEW
    chain.close()


def test_after_a_hole_everything_is_listed_until_it_is_filled(home: Home, chain: Writer) -> None:
    keys = [version.key for version in home.primary.list("batch/")]
    for site in home.sites.values():
        site.damage.hide(keys[12])
    lines_of_a_fold(home)
    archive = home.archive()
    (lost,) = archive.tail.lost_batches.known()
    assert (lost.first, lost.last) == (12, 12)
    for site in home.sites.values():
        site.damage.show(keys[12])
    assert lines_of_a_fold(home) >= 2 * (len(keys) - 12)
    assert archive.tail.knows([keys[12]]) and not archive.tail.lost_batches.known()
    assert lines_of_a_fold(home) == NOTHING_NEW
    chain.close()


def test_once_the_keeper_asks_for_it_all_is_listed_again(home: Home, chain: Writer) -> None:
    lines_of_a_fold(home)
    home.archive().tail.list_anew()
    assert lines_of_a_fold(home) >= 2 * 20
    chain.close()
