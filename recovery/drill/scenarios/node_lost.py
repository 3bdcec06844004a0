"""``node-lost`` and ``index-lost``: what a node keeps of its own is gone, and rebuilt from the sites."""

from __future__ import annotations

from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.loss import absent, count
from vanvault.recovery.drill.model import Loss
from vanvault.recovery.drill.readers import in_share


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
            known = [key for key in drill.production.tail.keys("") if in_share(key, drill.means.share)]
            lost = set(absent(known, new.tail.keys("")))
            drill.set_loss(count(drill.production, lost, Loss(acknowledged=len(known))))
        if drill.means.share.is_whole:
            before, after = drill.production.tail.counts()["entries"], new.tail.counts()["entries"]
            drill.check("every entry is back", after >= before, f"{after} of {before}")
        steps.compare_answers(drill, new, expected, originals=originals)
    finally:
        new.close()
