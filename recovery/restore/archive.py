"""Restore of a site of an open archive: makes the site where it is gone, then copies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import (
    NotFound,
    SettingsError,
    SiteFaulty,
    SiteUnavailable,
    VanVaultError,
)
from vanvault.archiver.replicas import answers
from vanvault.archiver.stores import FileUrl, FoldersAlike, Site, create_site, parse_site_url
from vanvault.archiver.upkeep.residue import let_go_large
from vanvault.recovery.restore.covered import Trusted
from vanvault.recovery.restore.plan import RestorePlan, plan_restore


def other_site(archive: Archive, source: str) -> str:
    """The site that a restore from ``source`` rebuilds. Raises NotFound (no such site)."""
    if source not in archive.sites:
        raise NotFound(f"there is no site {source}", hint=f"The sites are {', '.join(archive.sites)}.")
    return next(name for name in archive.sites if name != source)


def survey(archive: Archive, source: str, *, create: bool) -> RestorePlan:
    """Plan the restore from ``source``. With ``create``, an absent target is made first, empty.

    Where it cannot be told which large objects a disposal let go of, they are copied; ``unread`` says why.

    Raises:
        SiteUnavailable: the source is away.
        SettingsError: the target belongs to another archive, or its folder holds other things.
    """
    name = other_site(archive, source)
    archive.sites[source].now()
    target: Site | None = archive.sites[name]
    if create:
        ensure_site(archive, name, like=source)
    elif not answers(archive.sites[name]):
        target = None
    trusted = Trusted(archive.settings.archive, archive.signing.public)
    let_go, unread = _let_go(archive)
    plan = plan_restore(
        archive.sites[source], target, name=name, trusted=trusted, let_go=let_go, locks=archive.rules.locks
    )
    return replace(plan, unread=unread)


def _let_go(archive: Archive) -> tuple[frozenset[str], str]:
    """Large objects that a disposal let go of; and why that cannot be told, "": it can."""
    try:
        archive.catch_up_segments()
        return let_go_large(archive), ""
    except VanVaultError as error:
        return frozenset(), error.message


def ensure_site(archive: Archive, name: str, *, like: str = "") -> None:
    """Make the site, empty, unless it is there. Raises SettingsError.

    A new folder is as open as the same one of the site ``like``; one that is there keeps its mode.
    """
    site = archive.sites[name]
    if answers(site):
        return
    settings = getattr(archive.settings.sites, name)
    folders = folders_alike(archive, name, like) if like else None
    missing = folders.missing() if folders else ()
    try:
        create_site(
            name,
            settings.url,
            home=archive.home,
            archive=archive.settings.archive,
            clock=archive.clock,
            s3=settings.s3.options(),
        )
    except SettingsError as error:
        # A site of which only a folder was lost is no empty folder; it answers once that is back.
        try:
            site.now()
        except SiteFaulty as faulty:
            raise SettingsError(faulty.message, hint=faulty.hint) from error
        except SiteUnavailable:
            raise error from None
    if folders:
        folders.fit(missing)
    site.now()


def folders_alike(archive: Archive, name: str, like: str) -> FoldersAlike | None:
    """Makes folders of the site ``name`` as open as those of ``like``; None unless both are file sites."""
    root, model = _folder(archive, name), _folder(archive, like)
    return FoldersAlike(root, model) if root and model else None


def _folder(archive: Archive, site: str) -> Path | None:
    """The folder of a file site; None for another store."""
    url = parse_site_url(archive.endpoint(site))
    return archive.home / url.path if isinstance(url, FileUrl) else None
