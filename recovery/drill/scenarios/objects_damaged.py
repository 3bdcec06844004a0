"""``objects-damaged``: a copy is harmed on purpose; verification must name all of it, and repair mend it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from vanvault.archiver.stores import Site
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.harm import Harmed, How, file_of
from vanvault.recovery.drill.readers import Overlay
from vanvault.recovery.repair import RepairPlan, plan_repair, repair_sites
from vanvault.recovery.work import Extent

GOOD, BAD = "primary", "standby"
#: Objects of one round: flipped, truncated, deleted, and two swapped with each other.
_ROUND: tuple[How, ...] = ("flipped", "truncated", "deleted", "swapped", "swapped")
_ROUNDS = 4


def rehearse(drill: Drill) -> None:
    good = drill.production_from(GOOD)
    target = drill.scratch_site(BAD)
    node = steps.new_node(drill, {BAD: target})
    try:
        steps.restore_in_drill(drill, good, target, "copy to harm", counts=False)
        with drill.phase("do harm", counts=False):
            harmed = list(_harm(drill, _victims(drill, target)))
        drill.check("enough objects to harm", len(harmed) >= len(_ROUND), f"{len(harmed)} were harmed")
        for one in harmed:
            drill.expect_alarm(f"{one.problem} {one.key}")
        sites = {GOOD: good, BAD: Overlay(target, good, drill.means.subset)}
        with drill.phase("verify the damaged copy") as note:
            report = steps.verify_in_drill(drill, sites, node)
            note.extent = report.sites[BAD]
        for finding in report.findings:
            if finding.site == BAD and finding.failing:
                drill.saw_alarm(f"{finding.problem} {finding.key}")
        own = [finding for finding in report.harmed if finding.site != BAD]
        drill.check(
            "the good site is whole",
            not own,
            ", ".join(f"{one.problem} {one.key}" for one in own[: steps.NAMED])
            or f"{report.objects} objects",
        )
        with drill.phase("repair") as note:
            mended = repair_sites(_only_scratch(plan_repair(report)), _for_repair(good, target))
            note.extent = Extent(len(mended.repaired), mended.bytes)
        with drill.phase("verify after the repair") as note:
            after = steps.verify_in_drill(drill, sites, node)
            note.extent = after.sites[BAD]
        left = [finding for finding in after.findings if finding.site == BAD and finding.failing]
        drill.check(
            "the repair mended all",
            not left and not mended.failed,
            f"{len(mended.repaired)} mended, {len(left)} still not whole",
        )
        steps.measure_loss(drill, node, sites[BAD], after)
    finally:
        node.close()
        target.close()


def _victims(drill: Drill, target: Site) -> list[str]:
    """Half of them objects of segments, as far as there are so many."""
    most = _ROUNDS * len(_ROUND)
    compacted = steps.pick(drill, target, most // 2, ("segment",))
    return compacted + steps.pick(drill, target, most - len(compacted), ("batch", "large"))


def _harm(drill: Drill, keys: list[str]) -> Iterator[Harmed]:
    """Whole rounds only, so that each swapped object has its partner."""
    root: Path = drill.scratch / f"sites-{BAD}"
    for start in range(0, len(keys) - len(_ROUND) + 1, len(_ROUND)):
        chosen = keys[start : start + len(_ROUND)]
        partner = file_of(root, chosen[-1])
        for key, how in zip(chosen[:-1], _ROUND, strict=False):
            drill.means.harm(how, file_of(root, key), partner)
            yield Harmed(key, how)
        yield Harmed(chosen[-1], "swapped")


def _only_scratch(plan: RepairPlan) -> RepairPlan:
    """Only the actions on the scratch site: a drill never repairs production."""
    return RepairPlan(
        tuple(action for action in plan.actions if action.target == BAD), plan.beyond, plan.aside
    )


def _for_repair(good: object, bad: Site) -> dict[str, Site]:
    # Every action's target is the scratch site: the good one is only read, and has no other verb.
    return {GOOD: cast("Site", good), BAD: bad}
