"""Where the sites of a home keep index files, and whose directories of them are believed."""

from __future__ import annotations

from vanvault.archiver.appliance.components import Components
from vanvault.archiver.appliance.places import INDEX_WORK
from vanvault.archiver.catalogue import KeptPlace, KeptSites, kept_place


def kept_sites(components: Components) -> KeptSites | None:
    """None: these components use none. Raises InvalidInput, SettingsError (the settings of a site)."""
    settings, home = components.settings, components.home
    if not components.keeping:
        return None
    places: dict[str, KeptPlace | None] = {}
    for site in components.keeping:
        at = getattr(settings.sites, site)
        places[site] = kept_place(
            site,
            site_url=at.url,
            index_url=at.index_url or "",
            home=components.settings_home or home,
            archive=settings.archive,
            work=home / INDEX_WORK,
            file=at.file_options(),
            s3=at.s3.options(),
        )

    def believes(key_id: str, signature: bytes, statement: bytes) -> bool:
        # A thief of a revoked key signs no directory: nothing tells which ones were made before.
        revoked = components.signing.trust().revoked
        return key_id not in revoked and components.object_trust.is_signed(key_id, signature, statement)

    return KeptSites(places, settings.archive, believes)
