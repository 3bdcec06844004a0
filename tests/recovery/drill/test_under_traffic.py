"""Production goes on while a drill runs: what it takes since the begin is not in question, all else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recovery.drill.support import failing
from tests.support.lab import Lab, event, message
from vanvault.archiver.appliance import Archive
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.later import AcknowledgedSoFar
from vanvault.recovery.drill.run import FinishedDrill, prepare, run, scenario_of
from vanvault.recovery.work import Effort

COMPARE = "compare with what was acknowledged"
SCENARIOS = ("primary-lost", "standby-lost", "node-lost", "index-lost", "objects-damaged", "both-sites-lost")


def take(archive: Archive, number: int) -> None:
    """What a node acknowledges meanwhile: two messages and an event, by a writer of its own."""
    writer, _ = archive.open_writer()
    writer.commit(
        [message(archive, number), message(archive, number + 1), event(archive, number)], final=True
    )
    writer.close()
    archive.catch_up()


def rehearse(lab: Lab, scenario: str, at: str, then: Callable[[Archive], None]) -> FinishedDrill:
    """A drill in which something happens just before one of its phases, each time."""
    chosen, means = scenario_of(scenario), Means(effort=Effort(workers=2), seed="a")
    with lab.open() as archive, archive.reader() as production:
        production.catch_up()
        plan = prepare(production, chosen, means)

        def say(phase: str) -> None:
            if phase == at:
                then(archive)

        scratch = lab.home.parent / "scratch"
        return run(
            production, chosen, plan, means, scratch=scratch, clock=archive.clock, operator="x",
            entropy=archive.entropy, say=say,
        )  # fmt: skip


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one != "both-sites-lost"])
def test_what_is_taken_while_a_drill_runs_is_not_lost(lab: Lab, scenario: str) -> None:
    numbers = iter(range(8000, 9000, 10))
    finished = rehearse(lab, scenario, COMPARE, lambda archive: take(archive, next(numbers)))
    assert failing(finished) == []
    assert finished.outcome.loss is not None
    assert (finished.outcome.loss.messages, finished.outcome.loss.events) == (0, 0)
    assert finished.outcome.failures == ()


def test_what_was_taken_before_is_lost_all_the_same(lab: Lab) -> None:
    """What one site lost before the drill began is a loss of the drill that restores from it."""
    with lab.open() as archive:
        take(archive, 8000)
        site = lab.home / "sites" / "standby"
        files = [one for one in site.rglob("*") if one.is_file() and ".messages.parquet" in str(one)]
        newest = max(files, key=lambda one: one.stat().st_mtime_ns)
        newest.chmod(0o600)
        newest.unlink()
    finished = rehearse(lab, "primary-lost", COMPARE, lambda archive: take(archive, 8010))
    assert finished.outcome.loss is not None
    assert finished.outcome.loss.messages == 2
    assert finished.outcome.failures != ()


def test_a_writer_that_opened_since_and_later_batches_are_not_of_it() -> None:
    so_far = AcknowledgedSoFar({"w": 3}, 9)
    assert [so_far.has(at) for at in (("w", 3), ("w", 4), ("v", 0))] == [True, False, False]
