"""Steps that several scenarios share."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.key_port import MasterKeys
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.keys import SigningKeys
from vanvault.archiver.stores import Site, SiteReader, read_only
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.loss import loss
from vanvault.recovery.drill.readers import ById, Overlay, SubsetOfSite
from vanvault.recovery.drill.sampling import ExpectedAnswer, ask_again, choose
from vanvault.recovery.restore import RestoreReport, Trusted, plan_restore, restore_site
from vanvault.recovery.verify import ObjectReader, VerifyReport, verify_sites
from vanvault.recovery.work import Extent

#: Findings that are named in a check; the report counts the rest.
NAMED = 5


def expected_answers(drill: Drill, before: datetime | None = None) -> list[ExpectedAnswer]:
    """What production answers now about a sample of its entries; ``before``: of those that came before."""
    means = drill.means
    with drill.phase("ask production", counts=False):
        expected = choose(drill.production, means.samples, drill.seed, means.subset, before)
    some = bool(expected) or not drill.means.subset.is_whole  # a small subset may hold no entry
    drill.check("sample chosen", some, f"{len(expected)} entries by seed {drill.seed}")
    return expected


def restore_in_drill(
    drill: Drill, source: SiteReader, target: Site, name: str = "restore", *, counts: bool = True
) -> RestoreReport:
    """Fill an empty scratch site with the drill's subset of ``source``: what ``vanvault restore`` runs."""
    with drill.phase(name, counts=counts) as note:
        plan = plan_restore(
            SubsetOfSite(source, drill.means.subset),
            target,
            name=target.site,
            trusted=Trusted(drill.production.settings.archive, drill.production.signing.public),
            locks=drill.production.rules.locks,
        )
        report = restore_site(
            plan,
            SubsetOfSite(source, drill.means.subset),
            target,
            effort=drill.means.effort,
            timer=drill.timer,
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


def fold(
    drill: Drill,
    node: ArchiveReader,
    name: str = "rebuild the hot tail",
    *,
    garbage: Collection[str] = (),
) -> None:
    """Fill an empty hot tail: from now on searches are answered. ``garbage``: keys of no batch."""
    with drill.phase(name) as note:
        report = node.catch_up()
        note.extent = Extent(report.folded, 0)
    unreadable = set(report.unreadable).difference(garbage)
    drill.check(
        f"{name}: every batch could be read",
        not unreadable,
        f"{report.folded} batches folded, {len(unreadable)} unreadable",
    )


def new_node(
    drill: Drill,
    sites: Mapping[str, SiteReader],
    *,
    folder: str = "node",
    keys: MasterKeys | None = None,
    signing: SigningKeys | None = None,
) -> ArchiveReader:
    """A node that has lost all it had but (unless others are given) its keys. ``catch_up`` fills it."""
    subsets = {name: SubsetOfSite(site, drill.means.subset) for name, site in sites.items()}
    of_production = drill.production.components
    of_drill = replace(
        of_production.on_new_node(drill.scratch / folder, read_only(subsets)),
        ports=Ports(drill.clock, entropy=drill.entropy),
    )
    return ArchiveReader(of_drill.with_keys(keys or of_production.keys, signing or of_production.signing))


def object_reader(node: ArchiveReader, sites: Mapping[str, SiteReader]) -> ObjectReader:
    """Reads objects at ``sites`` with this node's keys."""
    return ObjectReader(
        sites,
        archive=node.settings.archive,
        parquet=node.parquet,
        keys=node.keys,
        public_key=node.signing.public,
    )


def verify_recovered(
    drill: Drill,
    recovered: SiteReader,
    survivor: SiteReader | None,
    node: ArchiveReader,
    name: str = "verify",
    *,
    garbage: Collection[str] = (),
    lagging: bool = False,
) -> VerifyReport:
    """Read the recovered subset back; names, presence and chains are checked whole with the survivor's.

    ``garbage``: keys of objects that are none of the archive's, and are rightly found bad. ``lagging``: as
    in ``measure_loss``.
    """
    subset = drill.means.subset
    seen = recovered if subset.is_whole or survivor is None else Overlay(recovered, survivor, subset)
    with drill.phase(name) as note:
        report = verify_in_drill(drill, {recovered.site: seen}, node)
        note.extent = report.sites[recovered.site]
    failing = [one for one in report.findings if one.failing and one.key not in garbage]
    named = ", ".join(f"{one.problem} {one.key}" for one in failing[:NAMED])
    drill.check(f"{name}: the recovered site is whole", not failing, named or f"{report.objects} objects")
    measure_loss(drill, node, seen, report, garbage=garbage, lagging=lagging)
    return report


def verify_in_drill(drill: Drill, sites: Mapping[str, SiteReader], node: ArchiveReader) -> VerifyReport:
    """What ``vanvault verify --subset`` runs, with the node's keys."""
    return verify_sites(
        sites,
        object_reader(node, sites),
        subset=ById(drill.means.subset.number, drill.means.subset.of),
        effort=drill.means.effort,
        pause=lambda: None,  # nobody writes to a scratch site
        timer=drill.timer,
    )


def measure_loss(
    drill: Drill,
    node: ArchiveReader,
    recovered: SiteReader,
    verified: VerifyReport,
    *,
    garbage: Collection[str] = (),
    lagging: bool = False,
) -> None:
    """Write down what of the acknowledged a recovered site does not serve.

    ``lagging``: it comes from a copy that cannot hold what was acknowledged after it was made.
    """
    with drill.phase("compare with what was acknowledged", counts=False):
        found = loss(drill.production, node, recovered, verified, garbage, lagging=lagging)
        drill.set_loss(found)


def pick(drill: Drill, site: SiteReader, count: int, families: Collection[str] = ()) -> list[str]:
    """Up to ``count`` objects (of these ``families``) at a site that somebody needs, as the seed decides.

    Batches that a segment holds may go, and nobody minds.
    """
    keys = (key for key, _ in groupby(version.key for version in site.list()))
    named = (
        key
        for key in keys
        if (name := parse_key(key)) is not None
        and (not families or name.family in families)
        and not drill.production.catalogue.covers(key)
    )

    def chance(key: str) -> bytes:
        return hashlib.sha256(f"{drill.seed}\0{key}".encode()).digest()

    return heapq.nsmallest(count, named, key=chance)


def compare_answers(
    drill: Drill, node: ArchiveReader, expected: list[ExpectedAnswer], *, originals: bool = True
) -> None:
    """The rebuilt node answers as production did."""
    with drill.phase("compare answers", counts=False):
        drill.add_samples(ask_again(node, expected, originals=originals))
