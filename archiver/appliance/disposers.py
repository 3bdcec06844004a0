"""Who may remove what has expired at the sites of a home. No node opens them, or may hold their keys."""

from __future__ import annotations

import os
from collections.abc import Mapping

from vanvault.archiver.appliance.reader import ArchiveReader
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.settings import SITE_NAMES
from vanvault.archiver.stores import Disposer, DisposerOptions, held_disposers, open_disposer


def open_disposers(
    archive: ArchiveReader, environment: Mapping[str, str] = os.environ
) -> dict[str, Disposer]:
    """The disposer of every site, by its name, for the caller to close.

    Raises SettingsError, which names the site: no credentials of its disposer, or not the site's.
    """
    components = archive.components
    opened: dict[str, Disposer] = {}
    for name in SITE_NAMES:
        place = getattr(components.settings.sites, name)
        opened[name] = open_disposer(
            name,
            place.url,
            home=components.settings_home or components.home,
            archive=components.settings.archive,
            clock=components.ports.clock,
            options=DisposerOptions(place.immutable, place.file_options(), place.s3.options()),
            environment=environment,
        )
    return opened


def check_no_disposer(environment: Mapping[str, str] = os.environ) -> None:
    """For a process that serves. Raises SettingsError: its environment holds what removes."""
    if held := held_disposers(environment, SITE_NAMES):
        named = ", ".join(f"VANVAULT_{site.upper()}_DISPOSER_..." for site in held)
        raise SettingsError(
            f"this node's environment holds the credentials of a disposer ({named}): a node removes nothing",
            hint="Take them out of the node's environment; only the process that removes may have them.",
        )
