"""``node-lost`` and ``index-lost``: what a node keeps of its own is gone, and rebuilt from the sites."""

from __future__ import annotations

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import VanVaultError
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.loss import loss_of_node, rows_known
from vanvault.recovery.drill.sampling import ExpectedAnswer
from vanvault.recovery.work import Extent


def node(drill: Drill) -> None:
    """Hot tail, catalogue, index and cache are gone; originals come from the sites, too."""
    expected = steps.expected_answers(drill)
    new = steps.new_node(drill, drill.production.sites, kept_index=True)
    try:
        steps.fold(drill, new)
        _compare(drill, new)
        steps.compare_answers(drill, new, expected)
    finally:
        new.close()


def index(drill: Drill) -> None:
    """Everything that finds an entry is gone; the originals are not in question."""
    expected = steps.expected_answers(drill)
    new = steps.new_node(drill, drill.production.sites)
    try:
        steps.fold(drill, new)
        steps.compare_answers(drill, new, expected, originals=False)
        _lose_index(drill, new, expected)
        with drill.phase("rebuild the key index") as note:
            report = new.index.rebuild()
            new.catch_up()  # what no segment could give comes back to the hot tail, as after index rebuild
            note.extent = Extent(report.indexed, 0)
        drill.check(
            "every segment could be read",
            not report.unreadable and report.indexed == len(new.catalogue.segments()),
            f"{report.indexed} of {len(new.catalogue.segments())} segments indexed anew",
        )
        _compare(drill, new)
        steps.compare_answers(drill, new, expected, originals=False)
    finally:
        new.close()


def _lose_index(drill: Drill, new: ArchiveReader, expected: list[ExpectedAnswer]) -> None:
    """Remove every index file of the new node, and see that it really finds entries of segments no more."""
    compacted = [one.item for one in expected if one.item.get("segment")]
    with drill.phase("remove the key index", counts=False):
        new.index.discard()
        found = [item["id"] for item in compacted if _finds(new, item["entry"], item)]
    drill.check(
        "without the key index nothing is found in segments",
        not found,
        f"{len(compacted)} samples lie in segments, {len(found)} are still found",
    )


def _finds(new: ArchiveReader, entry: str, item: dict[str, str]) -> bool:
    field = "message_id" if entry == "message" else "event_id"
    try:
        page = new.search.page(Query(filters={field: item[field]}))
    except VanVaultError:
        return False
    return any(found["id"] == item["id"] for found in page.items)


def _compare(drill: Drill, new: ArchiveReader) -> None:
    with drill.phase("compare with what was acknowledged", counts=False):
        drill.set_loss(loss_of_node(drill.production, drill.acknowledged, new, drill.means.subset))
    if drill.means.subset.is_whole:
        before, after = drill.acknowledged.rows, rows_known(new)
        drill.check("every entry is back", after >= before, f"{after} of {before}")
