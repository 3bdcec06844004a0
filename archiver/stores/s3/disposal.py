"""The dangerous verb of an S3 site, with credentials of its own, for approved disposal and for tests."""

from __future__ import annotations

from vanvault.archiver.core.errors import LockRefused, SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores.credentials import Credentials, SiteCredentials
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.rules import check_key
from vanvault.archiver.stores.s3.bucket import Bucket
from vanvault.archiver.stores.s3.site import S3Site
from vanvault.archiver.stores.url import S3Url


class DisposableS3Site(S3Site):
    """``Site`` and ``Disposer``."""

    def __init__(
        self,
        url: S3Url,
        site: str,
        *,
        credentials: SiteCredentials,
        disposer: Credentials,
        clock: Clock,
        options: S3Options | None = None,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(url, site, credentials=credentials, clock=clock, options=options, patience=patience)
        self._disposer = Bucket.open(url, site, disposer, options or S3Options(), patience or Patience())

    def close(self) -> None:
        self._disposer.close()
        super().close()

    def delete(self, key: str, version: str) -> None:
        """See ``Disposer.delete``. While a lock holds, the server is not even asked: it might give way.

        It holds until it has ended by the server's clock and by this host's: either may be wrong.
        """
        found, server_now = self._disposer.head(check_key(key), version)
        if found.held:
            raise LockRefused(f"under a legal hold of its store: {key}")
        if found.retain_until is not None and found.retain_until > min(server_now, self._clock.now()):
            raise LockRefused(f"locked until {found.retain_until.isoformat()}: {key}")
        wanted = {"Bucket": self._disposer.name, "Key": key, "VersionId": version}
        try:
            self._disposer.ask(key, lambda: self._disposer.client.delete_object(**wanted))
        except SiteUnavailable as error:
            error.may_be_stored = True
            raise
