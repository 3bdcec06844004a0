"""Verification of an open archive: its sites, its keys, and what its hot tail knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.names import segment_prefix
from vanvault.archiver.stores import Site, SiteReader
from vanvault.recovery.objects import Listing
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify.model import VerifyReport
from vanvault.recovery.verify.spread import Readers, Threads, Workers, reader_of
from vanvault.recovery.verify.verify import verify_sites
from vanvault.recovery.work import Effort, Extent, Step, let_puts_arrive, silent

if TYPE_CHECKING:
    from vanvault.archiver.upkeep import Jobs


def verify_archive(
    archive: Archive,
    *,
    sites: Sequence[str] = (),
    subset: Subset | None = None,
    effort: Effort | None = None,
    jobs: Jobs | None = None,
    step: Step = silent,
    pause: Callable[[], None] = let_puts_arrive,
) -> VerifyReport:
    """Verify the named sites (all by default) of an archive. The report is the same wherever it is read.

    Args:
        effort: of this process. A worker has half of its threads, for it is one of several and they wait for
            each other's turn at the interpreter; and ``jobs.worker_bytes``.
        jobs: reads on these workers what is worth sending them.

    Raises:
        NotFound: a name of no site.
        SiteUnavailable: workers were lost again and again.
        SettingsError, KeyUnavailable: a worker has another home.
    """
    chosen = chosen_sites(archive.sites, sites)
    effort = effort or Effort()
    reader = reader_of(archive.components, chosen)
    readers: Readers = Threads(reader, effort)
    if jobs is not None:
        readers = Workers(
            jobs,
            readers,
            archive=archive.settings.archive,
            sites=chosen,
            effort=Effort(-(-effort.workers // 2), archive.settings.jobs.worker_bytes),
        )

    def known(prefix: str) -> Iterator[str]:
        yield from (archive.catalogue.keys if prefix.startswith(segment_prefix()) else archive.tail.keys)(
            prefix
        )

    return verify_sites(
        chosen,
        reader,
        known=known,
        aside=lambda: archive.quarantine.found(chosen),
        locks=archive.rules.locks,
        subset=subset,
        readers=readers,
        step=step,
        pause=pause,
        clock=archive.clock.now,
    )


def extent_of(sites: Mapping[str, SiteReader]) -> Extent:
    """Names, and bytes of all their versions, at these sites: one pass over the listings, for progress."""
    total = Extent()
    for copies in Listing(sites).everything():
        total += Extent(1, sum(version.size for found in copies.at.values() for version in found))
    return total


def chosen_sites(sites: Mapping[str, Site], names: Sequence[str]) -> dict[str, Site]:
    """The sites with these names, or all. Raises NotFound."""
    for name in names:
        if name not in sites:
            raise NotFound(f"there is no site {name}", hint=f"The sites are {', '.join(sites)}.")
    return {name: site for name, site in sites.items() if not names or name in names}
