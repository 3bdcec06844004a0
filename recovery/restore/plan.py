"""What a restore has to copy: the two listings compared. Nothing is read but names, sizes and locks.

Locks that listings leave out are asked for, in parallel, and only of objects that both sites list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vanvault.archiver.errors import InvalidInput
from vanvault.archiver.format.names import batch_prefix, large_prefix, parse_key
from vanvault.archiver.store.port import SiteReader
from vanvault.recovery.listing import Copies, Listing
from vanvault.recovery.locks import newest_with_locks
from vanvault.recovery.pipeline import Effort, in_order
from vanvault.recovery.progress import Extent

_NAMED = 3


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The work, writer by writer: memory is bounded by the number of writers, not of objects."""

    source: str
    target: str
    writers: tuple[str, ...]  # with anything to copy; newest first
    total: Extent  # at the source
    todo: Extent
    surplus: int  # objects that only the target has; a repair brings them back to the source
    ignored: int  # names at the source that are no objects of an archive


def plan_restore(
    source: SiteReader, target: SiteReader | None, *, name: str, effort: Effort | None = None
) -> RestorePlan:
    """Compare the sites; ``target``, which is called ``name``, is None while it does not exist.

    Raises:
        InvalidInput: the target is the source, or holds what is no object of an archive.
        SiteUnavailable, SettingsError: a site cannot be listed.
    """
    if name == source.site:
        raise InvalidInput(f"{name} cannot be restored from itself", field="from")
    sites: dict[str, SiteReader] = {source.site: source, **({name: target} if target else {})}
    listing = Listing(sites)
    strays = target.strays() if target else ()  # the source's are a repair's matter
    strangers = [stray.path for stray in strays if parse_key(stray.hides) is None]
    writers: dict[str, None] = {}
    total = todo = Extent()
    surplus = ignored = 0

    def restored(copies: Copies) -> bool:
        return is_restored(copies, sites, source.site, name)

    listed = in_order(listing.everything(), restored, size=lambda _: 0, effort=effort or Effort())
    for copies, done in listed:
        found = parse_key(copies.key)
        if found is None:
            ignored += source.site in copies.at
            strangers.extend([copies.key] if name in copies.at else [])
        elif source.site not in copies.at:
            surplus += 1
        else:
            size = Extent(1, copies.at[source.site][0].size)
            total += size
            if not done:
                todo += size
                writers[found.writer] = None
    check_listed(listing)
    if strangers:
        more = f" and {len(strangers) - _NAMED} more" if len(strangers) > _NAMED else ""
        raise InvalidInput(
            f"site {name} holds what is no object of this archive: {', '.join(strangers[:_NAMED])}{more}",
            field="target",
            hint="Move it away, or name an empty folder in the settings.",
        )
    newest_first = tuple(sorted(writers, reverse=True))
    return RestorePlan(source.site, name, newest_first, total, todo, surplus, ignored)


def is_restored(copies: Copies, sites: Mapping[str, SiteReader], source: str, target: str) -> bool:
    """Does the target hold the object already, as far as name, size and lock tell?

    Raises SiteUnavailable, SettingsError: a lock cannot be asked for.
    """
    if source not in copies.at or target not in copies.at:
        return False
    if copies.at[source][0].size != copies.at[target][0].size:
        return False
    newest = newest_with_locks(copies, sites).at
    if source not in newest or target not in newest:
        return False
    ours, theirs = newest[target][0].retain_until, newest[source][0].retain_until
    return ours is not None and (theirs is None or ours >= theirs)


def objects_of(listing: Listing, writer: str) -> Iterator[Copies]:
    """One writer's objects: batches first, because searches need them, then large objects."""
    for prefix in (batch_prefix(writer), large_prefix(writer)):
        yield from (copies for copies in listing.under(prefix) if parse_key(copies.key) is not None)


def check_listed(listing: Listing) -> None:
    """A listing that broke off is not complete. Raises SiteUnavailable, SettingsError."""
    for error in listing.away.values():
        raise error
