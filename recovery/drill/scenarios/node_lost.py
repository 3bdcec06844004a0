"""``node-lost`` and ``index-lost``: what a node keeps of its own is gone, and rebuilt from the sites."""

from __future__ import annotations

from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.loss import loss_of_node, rows_known


def node(drill: Drill) -> None:
    """Hot tail and cache are gone; originals come from the sites, too."""
    _rehearse(drill, originals=True)


def index(drill: Drill) -> None:
    """Everything that finds an entry is gone; the originals are not in question."""
    _rehearse(drill, originals=False)


def _rehearse(drill: Drill, *, originals: bool) -> None:
    expected = steps.expected_answers(drill)
    new = steps.new_node(drill, drill.production.sites)
    try:
        steps.fold(drill, new)
        with drill.phase("compare with what was acknowledged", counts=False):
            drill.set_loss(loss_of_node(drill.production, new, drill.means.share))
        if drill.means.share.is_whole:
            before, after = rows_known(drill.production), rows_known(new)
            drill.check("every entry is back", after >= before, f"{after} of {before}")
        steps.compare_answers(drill, new, expected, originals=originals)
    finally:
        new.close()
