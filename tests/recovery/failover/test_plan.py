"""Epochs and plans, as pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.replicas import Leadership, LeadershipState
from vanvault.archiver.replicas.leadership import LEADERS
from vanvault.recovery.failover import Facts, plan_promotion
from vanvault.recovery.failover.plan import Missing, NodeFact, SiteFact, plan_failback, plan_id

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
STANDS = st.builds(
    Leadership,
    epoch=st.integers(0, 9),
    position=st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x"])),
    alone=st.booleans(),
)
SITES = st.sampled_from(LEADERS)


def site(name: str, *, reachable: bool = True, missing: Missing | None = None) -> SiteFact:
    return SiteFact(name, reachable, "" if reachable else "no way there", None, missing or Missing())


FACTS = Facts(
    archive="archive-1",
    now=NOW,
    leadership=Leadership(),
    sites=(site("primary"), site("standby")),
    nodes=(),
    conflicts=0,
    insisting=(),
)


@given(st.integers(0, 1000), SITES)
def test_the_next_epoch_is_higher_and_its_leader_is_the_one_asked_for(epoch: int, leader: str) -> None:
    later = Leadership(epoch).next_epoch(leader)
    assert Leadership(later).leader == leader
    assert epoch < later <= epoch + 2
    assert all(Leadership(between).leader != leader for between in range(epoch + 1, later))


@given(st.lists(STANDS), st.randoms())
def test_the_leadership_is_the_same_in_any_fold_order(leaderships: list[Leadership], chance: object) -> None:
    shuffled = list(leaderships)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = LeadershipState(), LeadershipState()
    for leadership in leaderships:
        one.saw(leadership)
    for leadership in shuffled:
        other.saw(leadership)
    assert one.leadership == other.leadership == Leadership.highest([Leadership(), *leaderships])


@given(st.lists(STANDS, min_size=1))
def test_a_writer_takes_nothing_under_a_higher_epoch_of_another_leader(leaderships: list[Leadership]) -> None:
    lead = LeadershipState()
    lead.rejoin()  # a writer opened in the first epoch
    for leadership in leaderships:
        lead.saw(leadership)
    if lead.leadership.leader != "primary":
        with pytest.raises(SiteUnavailable) as refused:
            lead.check()
        assert (refused.value.site, refused.value.may_be_stored) == (lead.leadership.leader, False)
    lead.rejoin()
    lead.check()


def test_a_process_without_a_writer_is_never_superseded() -> None:
    lead = LeadershipState()
    assert lead.saw(Leadership(1, ("t", "i"), alone=True))
    assert not lead.saw(Leadership(1, ("t", "i"), alone=True))
    lead.check()
    assert not lead.superseded


def test_what_is_assumed_is_taken_back_unless_it_was_folded() -> None:
    lead = LeadershipState()
    with lead.assumed(Leadership(1, alone=True)):
        assert lead.leadership.alone
    assert lead.leadership == Leadership()
    folded = Leadership(1, ("t", "i"), alone=True)
    with lead.assumed(Leadership(1, alone=True)):
        assert lead.saw(folded)
    assert lead.leadership == folded


@given(STANDS, SITES, st.booleans(), st.booleans())
def test_a_plan_is_blocked_by_an_unreachable_leader_and_by_its_own_promotion(
    leadership: Leadership, leader: str, here: bool, there: bool
) -> None:
    facts = replace(
        FACTS,
        leadership=leadership,
        sites=(site("primary", reachable=here), site("standby", reachable=there)),
    )
    plan = plan_promotion(facts, leader)
    reachable = facts.site(leader).reachable
    repeated = leadership.alone and leadership.leader == leader
    assert bool(plan.blockers) == (not reachable or repeated)
    assert (plan.leader, Leadership(plan.epoch).leader) == (leader, leader)
    assert plan.epoch > leadership.epoch
    back = plan_failback(facts)
    assert bool(back.blockers) == (not (here and there) or not leadership.alone)
    assert back.leader == "primary"
    assert back.epoch > leadership.epoch
    assert back.id != plan.id


@given(st.integers(0, 50), st.integers(0, 50), st.booleans())
def test_the_id_names_the_step_and_not_the_figures(batches: int, conflicts: int, away: bool) -> None:
    figures = replace(
        FACTS,
        conflicts=conflicts,
        sites=(
            site("primary", reachable=not away),
            site("standby", missing=Missing(batches, 2 * batches, NOW)),
        ),
    )
    assert (
        plan_promotion(figures).id
        == plan_promotion(FACTS).id
        == plan_id("archive-1", "promote", Leadership(), 1)
    )
    assert plan_promotion(figures, "primary").id != plan_promotion(FACTS).id
    assert plan_promotion(replace(figures, archive="archive-2")).id != plan_promotion(FACTS).id


def test_the_id_names_from_where_to_where() -> None:
    """A step that was approved in one epoch is not approved in a later one."""
    steps = [
        (archive, action, epoch, to)
        for archive in ("archive-1", "archive-2")
        for action in ("promote", "failback")
        for epoch in (0, 1, 2)
        for to in (3, 4)
    ]
    ids = {plan_id(archive, action, Leadership(epoch), to) for archive, action, epoch, to in steps}  # type: ignore[arg-type]
    assert len(ids) == len(steps)


def test_a_plan_tells_what_is_late_or_lost_who_was_writing_and_who_stays_refused() -> None:
    recent, old = NOW - timedelta(minutes=5), NOW - timedelta(days=1)
    facts = replace(
        FACTS,
        sites=(site("primary", reachable=False), site("standby", missing=Missing(3, 7, recent))),
        nodes=(
            NodeFact("w-open", recent, False),
            NodeFact("w-old", old, False),
            NodeFact("w-shut", recent, True),
        ),
        insisting=("gateway-9",),
        conflicts=2,
    )
    text = "\n".join(plan_promotion(facts).effects)
    assert "lacks 7 entries in 3 batches" in text
    assert "lost if it never is" in text
    assert "1 writers were open lately (w-open)" in text
    assert "gateway-9" in text
    assert "2 conflicts" in text
