"""Where things lie in a home."""

from __future__ import annotations

from pathlib import Path

from vanvault.archiver.core.settings import SITE_NAMES, Settings
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.stores import check_places

INDEX_WORK = Path("index-work")  # index files in the making
HOT_TAIL = Path("cache") / "hot-tail.sqlite"  # with the index key in its name: hot_tail_of

#: Folders of a home that no site, index or stage may share.
_OWN = {
    "the key folder": f"file:{KEYS_FOLDER}",
    "the cache": "file:cache",
    "the credentials": "file:credentials",
    "the drills": "file:drills",
    "the index work": f"file:{INDEX_WORK}",
}


def check_sites_of(home: Path, primary: str, standby: str) -> None:
    """Raises SettingsError: a URL says another place than it seems to, or two places are not apart."""
    check_places(home, {"sites.primary.url": primary, "sites.standby.url": standby, **_OWN})


def check_places_of(home: Path, settings: Settings) -> None:
    """The same for all places of a home. Raises SettingsError."""
    urls = {
        "sites.primary.url": settings.sites.primary.url,
        "sites.standby.url": settings.sites.standby.url,
        "index.url": settings.index.url,
        **_OWN,
    }
    for site in SITE_NAMES:
        if url := getattr(settings.sites, site).index_bucket:
            urls[f"sites.{site}.index_url"] = url
    check_places(home, urls, settings.backup.repository, {"backup.stage": str(settings.backup.stage)})


def hot_tail_of(home: Path, key_id: str) -> Path:
    """The hot tail under one index key: a rotation makes another file and leaves a running node its own."""
    return home / HOT_TAIL.with_stem(f"{HOT_TAIL.stem}-{key_id.replace('/', '-')}")
