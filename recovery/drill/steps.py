"""Steps that several scenarios share."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import cast

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.catalogue import FoldReport, KnownSegment
from vanvault.archiver.core.key_port import MasterKeys
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.keys import SigningKeys
from vanvault.archiver.replicas import Gate, GuardedSite, Quarantine
from vanvault.archiver.stores import Site, SiteReader
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.loss import loss
from vanvault.recovery.drill.readers import ById, Layered, Overlay, SubsetOfSite
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


def gate_of(drill: Drill, node: ArchiveReader) -> Gate:
    """What stands before every site of a node, as in production: the same judge and rules.

    The quarantine is the drill's own.
    """
    return Gate(node.object_trust.judge, node.rules, Quarantine(drill.clock), drill.clock)


def behind(gate: Gate, site: SiteReader) -> GuardedSite:
    """A site as the archive sees it; one that can only be read stays so."""
    return GuardedSite(cast("Site", site), gate)


def restore_in_drill(
    drill: Drill, source: SiteReader, target: Site, name: str = "restore", *, counts: bool = True
) -> RestoreReport:
    """Fill an empty scratch site with the drill's subset of ``source``: what ``vanvault restore`` runs."""
    gate = gate_of(drill, drill.production)
    source, target = behind(gate, SubsetOfSite(source, drill.means.subset)), behind(gate, target)
    with drill.phase(name, counts=counts) as note:
        plan = plan_restore(
            source,
            target,
            name=target.site,
            trusted=Trusted(drill.production.settings.archive, drill.production.signing.public),
            locks=drill.production.rules.locks,
        )
        report = restore_site(
            plan,
            source,
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
    """Fill an empty hot tail, as the start of a node does: from now on searches are answered.

    ``garbage``: keys of no batch. A segment whose log no site gives is answered for by its batches.
    """
    with drill.phase(name) as note:
        first = node.refresh()  # the index that can be had soon, and what is not compacted
        drill.reached("first_search")
        report = FoldReport.of(first, node.catch_up(settle=True))
        if spoiled := _spoiled(node, report) - drill.stand_ins:
            drill.stand_ins |= spoiled
            if not drill.means.subset.is_whole:  # the listing passed their batches over
                node.tail.list_anew()
                report = FoldReport.of(report, node.catch_up(settle=True))
        note.extent = Extent(report.folded, 0)
        # Every filter is open now, so a push can be told from a repetition.
        drill.reached("all_searches", "first_push")
    replaced = {_log_of(segment) for segment in node.catalogue.segments() if segment.key in drill.stand_ins}
    replaced -= {
        _log_of(one) for one in node.catalogue.unheld(node.tail.connection(), node.catalogue.current())
    }
    unreadable = set(report.unreadable).difference(garbage, replaced)
    drill.check(
        f"{name}: every batch could be read",
        not unreadable,
        f"{report.folded} batches folded, {len(unreadable)} unreadable"
        + (f"; {len(replaced)} segments answered for by their batches" if replaced else ""),
    )


def _spoiled(node: ArchiveReader, report: FoldReport) -> set[str]:
    """Keys of the segments of which a fold could not read the log."""
    return {one.key for one in node.catalogue.segments() if _log_of(one) in report.unreadable}


def _log_of(segment: KnownSegment) -> str:
    part = segment.manifest.part("log")
    return part.key if part is not None else ""


def new_node(
    drill: Drill,
    sites: Mapping[str, SiteReader],
    *,
    folder: str = "node",
    keys: MasterKeys | None = None,
    signing: SigningKeys | None = None,
    kept_index: bool = False,
) -> ArchiveReader:
    """A node that has lost all it had but (unless others are given) its keys. ``fold`` fills it.

    ``kept_index``: it reads the index that production's sites keep; else it makes its own from segments.
    What it puts at a site on its way, as every start may, goes to a scratch site that lies over it.
    """
    of_production = drill.production.components.with_keys(
        keys or drill.production.keys, signing or drill.production.signing
    )
    quarantine = Quarantine(drill.clock)
    gate = Gate(of_production.object_trust.judge, of_production.rules, quarantine, drill.clock)
    subset = drill.means.subset
    seen = {
        name: Layered(
            drill.scratch_site(name, f"{folder}-put-at-{name}"), SubsetOfSite(site, subset, drill.stands_in)
        )
        for name, site in sites.items()
    }
    guarded: dict[str, Site] = {name: behind(gate, site) for name, site in seen.items()}
    of_drill = replace(
        of_production.on_new_node(drill.scratch / folder, guarded, kept_index=kept_index),
        ports=Ports(drill.clock, entropy=drill.entropy),
        quarantine=quarantine,
    )
    return ArchiveReader(of_drill)


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
    drill.reached("everything_verified")
    failing = [one for one in report.findings if one.failing and one.key not in garbage]
    named = ", ".join(f"{one.problem} {one.key}" for one in failing[:NAMED])
    drill.check(f"{name}: the recovered site is whole", not failing, named or f"{report.objects} objects")
    measure_loss(drill, node, seen, report, garbage=garbage, lagging=lagging)
    return report


def verify_in_drill(drill: Drill, sites: Mapping[str, SiteReader], node: ArchiveReader) -> VerifyReport:
    """What ``vanvault verify --subset`` runs, with the node's keys and behind its gate."""
    gate = gate_of(drill, node)
    guarded = {name: behind(gate, site) for name, site in sites.items()}
    return verify_sites(
        guarded,
        object_reader(node, guarded),
        aside=lambda: gate.quarantine.found(guarded),
        locks=node.rules.locks,
        clock=drill.clock.now,
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
        found = loss(
            drill.production, drill.acknowledged, node, recovered, verified, garbage, lagging=lagging
        )
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
