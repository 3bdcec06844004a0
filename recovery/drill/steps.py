"""Steps that several scenarios share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.keys.port import KeyProvider
from vanvault.archiver.keys.signing import SigningKeys
from vanvault.archiver.store.port import Site, SiteReader
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.loss import loss
from vanvault.recovery.drill.node import ReadingNode, rebuilt
from vanvault.recovery.drill.readers import Overlay, ShareOfSite
from vanvault.recovery.drill.sampling import Expected, ask_again, choose
from vanvault.recovery.progress import Extent
from vanvault.recovery.restore.plan import plan_restore
from vanvault.recovery.restore.restore import RestoreReport, restore
from vanvault.recovery.verify.model import VerifyReport
from vanvault.recovery.verify.verify import verify

#: Findings that are named in a check; the report counts the rest.
NAMED = 5


def expected_answers(drill: Drill) -> list[Expected]:
    """What production answers now about a sample of its entries."""
    with drill.phase("ask production", counts=False):
        expected = choose(drill.production, drill.means.samples, drill.seed, drill.means.share)
    some = bool(expected) or not drill.means.share.is_whole  # a small share may hold no entry
    drill.check("sample chosen", some, f"{len(expected)} entries by seed {drill.seed}")
    return expected


def restore_site(drill: Drill, source: SiteReader, target: Site, name: str = "restore") -> RestoreReport:
    """Fill an empty scratch site with the drill's share of ``source``: what ``vanvault restore`` runs."""
    with drill.phase(name) as note:
        plan = plan_restore(ShareOfSite(source, drill.means.share), target, name=target.site)
        report = restore(
            plan, ShareOfSite(source, drill.means.share), target, effort=drill.means.effort, timer=drill.timer
        )
        note.extent = report.copied
    failed = ", ".join(finding.key for finding in report.failures[:NAMED])
    drill.check(
        f"{name}: every object was copied",
        report.whole and report.copied.objects == plan.todo.objects,
        f"{report.copied.objects} of {plan.todo.objects} objects"
        + (f"; not whole: {failed}" if failed else ""),
    )
    return report


def fold(drill: Drill, node: ReadingNode, name: str = "rebuild the hot tail") -> None:
    """Fill an empty hot tail: from now on searches are answered."""
    with drill.phase(name) as note:
        report = node.fold()
        note.extent = Extent(report.folded, 0)
    drill.check(
        f"{name}: every batch could be read",
        not report.unreadable,
        f"{report.folded} batches folded, {len(report.unreadable)} unreadable",
    )


def new_node(
    drill: Drill,
    sites: Mapping[str, SiteReader],
    *,
    folder: str = "node",
    keys: KeyProvider | None = None,
    signing: SigningKeys | None = None,
) -> ReadingNode:
    """A node that has lost all it had but (unless others are given) its keys."""
    home: Path = drill.scratch / folder
    return rebuilt(
        home,
        archive=drill.production.archive,
        sites={name: ShareOfSite(site, drill.means.share) for name, site in sites.items()},
        keys=keys or drill.production.keys,
        signing=signing or drill.production.signing,
        entropy=drill.entropy,
    )


def verify_recovered(
    drill: Drill,
    recovered: SiteReader,
    survivor: SiteReader | None,
    node: ReadingNode,
    name: str = "verify",
) -> VerifyReport:
    """Read the recovered share back; names, presence and chains are checked whole with the survivor's."""
    share = drill.means.share
    seen = recovered if share.is_whole or survivor is None else Overlay(recovered, survivor, share)
    with drill.phase(name) as note:
        sites = {recovered.site: seen}
        report = verify(
            sites,
            node.reader(sites),
            share=share,
            effort=drill.means.effort,
            pause=lambda: None,  # nobody writes to a scratch site
            timer=drill.timer,
        )
        note.extent = report.sites[recovered.site]
    named = ", ".join(f"{one.problem} {one.key}" for one in report.findings[:NAMED] if one.failing)
    drill.check(f"{name}: the recovered site is whole", report.whole, named or f"{report.objects} objects")
    with drill.phase("compare with what was acknowledged", counts=False):
        drill.set_loss(loss(drill.production, seen, report))
    return report


def compare_answers(
    drill: Drill, node: ReadingNode, expected: list[Expected], *, originals: bool = True
) -> None:
    """The rebuilt node answers as production did."""
    with drill.phase("compare answers", counts=False):
        drill.add_samples(ask_again(node, expected, originals=originals))
