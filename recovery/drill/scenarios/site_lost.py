"""``primary-lost`` and ``standby-lost``: a new site is restored from the survivor, then stands alone."""

from __future__ import annotations

from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill


def primary(drill: Drill) -> None:
    _rehearse(drill, lost="primary", survivor="standby")


def standby(drill: Drill) -> None:
    _rehearse(drill, lost="standby", survivor="primary")


def _rehearse(drill: Drill, *, lost: str, survivor: str) -> None:
    expected = steps.expected_answers(drill)
    source = drill.production.sites[survivor]
    target = drill.scratch_site(lost)
    try:
        steps.restore_in_drill(drill, source, target)
        # Of the recovered site alone: what the survivor would hide must show.
        node = steps.new_node(drill, {lost: target})
        steps.fold(drill, node)
        steps.verify_recovered(drill, target, source, node)
        steps.compare_answers(drill, node, expected)
        node.close()
    finally:
        target.close()
