"""A site that serves, and refuses to read some objects: bytes that rotted, as MinIO and disks tell it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.stores import Site, StoredVersion


class RefusingSite:
    """Every read of the ``refused`` keys fails; of one version only, where ``version`` tells which."""

    def __init__(
        self,
        site: Site,
        refused: Collection[str] | Callable[[str], bool],
        *,
        version: str | None = None,
    ) -> None:
        self._site = site
        self._refuses = refused if callable(refused) else lambda key: key in refused
        self._version = version
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def get(self, key: str, version: str | None = None, **options: Any) -> bytes:
        self._check(key, version)
        return self._site.get(key, version, **options)

    def get_locked(self, key: str, version: str, **options: Any) -> tuple[bytes, StoredVersion]:
        self._check(key, version)
        return self._site.get_locked(key, version, **options)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        self._check(key, version)
        return self._site.get_range(key, offset, length, version)

    def _check(self, key: str, version: str | None) -> None:
        self.reads.append(key)
        if self._refuses(key) and (
            self._version is None or (version or self._site.stat(key).version) == self._version
        ):
            name = self._site.site
            raise SiteUnavailable(f"site {name} answers 503", site=name, may_be_stored=False)


def everything(key: str) -> bool:
    """An outage of reads: the site tells its time and lists, and gives nothing."""
    return True
