"""An index store in a bucket without locks; ends of files and filters are kept on local disk too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from vanvault.archiver.catalogue.index.folder_store import MappedPath
from vanvault.archiver.catalogue.index.local_cache import LocalCache
from vanvault.archiver.catalogue.index.store import StoredFile, not_held
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores import Credentials, S3Url, check_key
from vanvault.archiver.stores.s3 import Bucket

#: Bytes of local copies; the filters of 100 million entries take 150 MB.
CACHE_BYTES = 2 * 2**30

_SITE = "index"
_CONTROLS = 4  # other files that a store which refuses one is asked for
_PART = 64 * 2**20  # bytes of one request of an upload or download


class S3Store:
    """Files of one bucket. Names are never used twice for other bytes, so copies never grow old."""

    def __init__(
        self,
        url: S3Url,
        credentials: Credentials,
        cache_folder: Path,
        *,
        options: S3Options | None = None,
        cache_bytes: int = CACHE_BYTES,
        site: str = _SITE,
    ) -> None:
        """The first request comes later; ``site``: what errors call it. Raises SettingsError (the folder)."""
        options = options or S3Options()
        self._cache = LocalCache(cache_folder, cache_bytes)
        self._site = site
        self._bucket = Bucket.open(url, site, credentials, options)

    def put(self, name: str, source: Path) -> None:
        check_key(name)
        from boto3.s3.transfer import TransferConfig, create_transfer_manager  # much, for those who only read

        transfer = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=2)

        def request() -> None:
            with create_transfer_manager(self._bucket.client, transfer) as manager:
                manager.upload(str(source), self._bucket.name, name).result()

        self._ask(name, request)

    def open(self, name: str) -> _S3File:
        return _S3File(self, name, self.size(name))

    def map(self, name: str) -> MappedPath:
        check_key(name)
        try:
            return self._cache.whole(name, lambda path: self._download(name, path))
        except OSError as error:
            raise SiteUnavailable(
                f"site {self._site}: its cache cannot be written: {error.strerror}",
                site=self._site,
                may_be_stored=False,
                hint="Free space on the local disk, or move the cache.",
            ) from error

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        marker: dict[str, str] = {}
        while True:
            wanted = {"Bucket": self._bucket.name, "Prefix": prefix, "MaxKeys": self._bucket.page, **marker}
            page = self._ask(prefix, lambda wanted=wanted: self._bucket.client.list_objects_v2(**wanted))
            yield from (StoredFile(one["Key"], one["Size"]) for one in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return
            following = {"ContinuationToken": page.get("NextContinuationToken", "")}
            if following == marker:
                raise SiteUnavailable(
                    f"site {self._site} lists the same page again and again",
                    site=self._site,
                    may_be_stored=False,
                )
            marker = following

    def path(self, name: str) -> None:
        """No file of a bucket lies on local disk as it is."""

    def size(self, name: str) -> int:
        check_key(name)
        client, place = self._bucket.client, {"Bucket": self._bucket.name, "Key": name}

        def request() -> Any:
            try:
                return client.head_object(**place)
            except ClientError:
                # The answer to a HEAD has no body that would say why: missing, denied, or no bucket?
                client.get_object(**place)["Body"].close()
                raise

        answer = self._read(name, request)
        return int(answer["ContentLength"])

    def delete(self, name: str) -> None:
        check_key(name)
        self._ask(name, lambda: self._bucket.client.delete_object(Bucket=self._bucket.name, Key=name))
        self._cache.forget(name)

    def forget(self, name: str) -> None:
        self._cache.forget(name)

    def close(self) -> None:
        self._bucket.close()

    def fetch(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of a file, from the bucket. Raises NotFound, SiteUnavailable, Damaged (it is refused)."""
        if not length:
            return b""
        return bytes(self._read(name, lambda: self._range(name, offset, length)))

    def _range(self, name: str, offset: int, length: int) -> bytes:
        extra = {"Range": f"bytes={offset}-{offset + length - 1}"}

        try:
            return bytes(self._bucket.wire.get(name, None, extra, largest=length)[0])
        except ClientError as error:
            if error.response["Error"].get("Code") == "InvalidRange":
                return b""  # starts behind the end
            raise

    def kept(self, name: str, offset: int, length: int) -> bytes:
        """The same, from a local copy if there is one."""
        return self._cache.part(name, offset, length, lambda: self.fetch(name, offset, length))

    def _download(self, name: str, path: Path) -> None:
        size = self.size(name)
        with path.open("xb") as file:
            for at in range(0, size, _PART):
                file.write(self.fetch(name, at, min(_PART, size - at)))

    def _read(self, name: str, request: Any) -> Any:
        """As ``_ask``. A file that is refused twice, while another is given between, is damaged.

        It is deleted then and built again from segments: nothing that waits for it would ever go on.
        """
        try:
            return self._ask(name, request)
        except SiteUnavailable:
            if not self._gives_another(name):
                raise
        try:
            return self._ask(name, request)
        except SiteUnavailable as error:
            raise Damaged(
                f"the index store refuses {name}, and gives other files: {error.message}",
                key=name,
                site=self._site,
                hint="It is built again from segments: vanvault index rebuild.",
            ) from error

    def _gives_another(self, name: str) -> bool:
        """Is one of the first few other files given?"""
        with suppress(SiteUnavailable):
            for one in islice((one for one in self.list() if one.name != name and one.size), _CONTROLS):
                with suppress(NotFound, SiteUnavailable):
                    if self._ask(one.name, lambda one=one: self._range(one.name, 0, 1)):
                        return True
        return False

    def _ask(self, name: str, request: Any) -> Any:
        try:
            return self._bucket.ask(name, request)
        except NotFound as error:
            raise not_held(name) from error


class _S3File:
    def __init__(self, store: S3Store, name: str, size: int) -> None:
        self._store, self._name = store, name
        self.size = size

    def read(self, offset: int, length: int, *, keep: bool = False) -> bytes:
        return (self._store.kept if keep else self._store.fetch)(self._name, offset, length)

    def close(self) -> None:
        """Nothing is held open."""
