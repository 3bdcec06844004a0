"""A WORM site in a bucket of an S3 server with Object Lock.

Life of a put: PUT with COMPLIANCE mode, date, Content-MD5 and the signed SHA-256 → the server's
version id → HEAD of that version, which must show mode, date and length as given → acknowledged.
Bucket defaults are never relied on, and nothing here deletes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import Any

from vanvault.archiver.core.errors import (
    Damaged,
    InvalidInput,
    LockRefused,
    NotFound,
    SiteFaulty,
    SiteUnavailable,
    TooLarge,
)
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import Clock
from vanvault.archiver.stores.credentials import SiteCredentials
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.port import Capabilities, Incoming, StoredVersion, Stray
from vanvault.archiver.stores.rules import (
    check_digest,
    check_key,
    check_range,
    check_retain_until,
    is_key,
    printable,
)
from vanvault.archiver.stores.s3.bucket import MODE, Bucket
from vanvault.archiver.stores.s3.connections import BodyBroke, Pieces
from vanvault.archiver.stores.s3.errors import S3_ERRORS, TOO_SLOW, failure_of
from vanvault.archiver.stores.s3.incoming import Checked, S3Incoming
from vanvault.archiver.stores.s3.md5_once import MD5
from vanvault.archiver.stores.s3.multipart import put_in_parts
from vanvault.archiver.stores.url import S3Url

#: Lines of a listing, one after the other, that a reader passes over; a listing without end has more.
MOST_PASSED = 100_000
#: Time-outs of a request that all versions of one key may take together: each costs a request.
_PATIENT = 10
_MD5 = re.compile(r"[0-9a-f]{32}")  # an ETag of this form is one, unless the server encrypts at rest


class S3Site:
    """``Site`` over a bucket. Safe to share between threads."""

    def __init__(
        self,
        url: S3Url,
        site: str,
        *,
        credentials: SiteCredentials,
        clock: Clock,
        options: S3Options | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Make a client for each distinct pair of credentials; the first request comes later."""
        self._options = options or S3Options()
        self._patience = patience or Patience(self._options.attempts)
        self._site = site
        self._clock = clock
        buckets = {
            one: Bucket.open(url, site, one, self._options, self._patience)
            for one in {credentials.writer, credentials.reader, credentials.keeper}
        }
        #: The bucket as each pair of credentials sees it, one connection pool each.
        self.buckets = tuple(buckets.values())
        self._writer = buckets[credentials.writer]
        self._reader = buckets[credentials.reader]
        self._keeper = buckets[credentials.keeper]
        self._capabilities = Capabilities(
            lock="compliance",
            lock_binds_administrator=False,  # S3 cannot prove it: tools on the server go past the lock
            list_shows_locks=False,
            keys_may_nest=False,  # MinIO leaves out of its listings what lies below a key
            latest_retain_until=self._options.latest_retain_until,
            max_single_put=self._options.max_single_put_bytes,
        )

    @property
    def site(self) -> str:
        return self._site

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def passes_on(self) -> bool:
        """See ``port.Passing``."""
        return True

    def close(self) -> None:
        for bucket in self.buckets:
            bucket.close()

    def now(self) -> datetime:
        return self._reader.now()

    def put(
        self, key: str, data: bytes | memoryview, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """See ``SiteWriter.put``.

        A PUT whose answer was lost is repeated only after a look whether it was carried out. Should a
        server carry out both, the key has two good versions, each of them locked.
        """
        check_key(key)
        check_digest(sha256)
        until = self._check_date(retain_until)
        body = data if isinstance(data, bytes) else bytes(data)
        if len(body) > self._options.max_single_put_bytes and not self._options.multipart_ok:
            raise TooLarge(
                f"site {self._site} takes no object of {len(body)} bytes: no probe has passed its multipart",
                limit=self._options.max_single_put_bytes,
            )
        version = self._send_until_answered(key, body, sha256, until)
        with _stored_by_now():
            return self._read_back(key, version, len(body), until)

    def get(self, key: str, version: str | None = None, *, most: int | None = None) -> bytes:
        data, etag = self._reader.get(check_key(key), version, most)
        _suggest_md5(key, etag)
        return data

    def get_locked(self, key: str, version: str, *, most: int | None = None) -> tuple[bytes, StoredVersion]:
        data, found, etag = self._reader.get_locked(check_key(key), version, most)
        _suggest_md5(key, etag)
        return data, found

    def open_locked(self, key: str, version: str, *, most: int | None = None) -> S3Incoming:
        """See ``Passing.open_locked``."""
        answer, found, etag = self._reader.open_locked(check_key(key), version, most)
        return S3Incoming(self._site, answer, found, bytes.fromhex(etag) if _MD5.fullmatch(etag) else b"")

    def put_from(
        self, key: str, incoming: Incoming, *, sha256: bytes, retain_until: datetime
    ) -> StoredVersion:
        """See ``Passing.put_from``: one PUT, whose body is read while it is sent."""
        check_key(key)
        check_digest(sha256)
        until, size = self._check_date(retain_until), incoming.found.size
        if size > self._options.max_single_put_bytes or not incoming.md5:
            raise self._not_passed(key, "cannot be put by one request, or without its MD5")
        pieces = Checked(incoming, sha256)
        try:
            version = self._put_once(key, pieces, size=size, sha256=sha256, md5=incoming.md5, until=until)
        except BodyBroke as error:
            raise self._not_passed(key, str(error)) from error
        except S3_ERRORS as error:
            raise failure_of(error).error(self._site) from error
        if not pieces.whole:
            raise self._damaged(key, f"acknowledged {key} before it had got all of it")
        with _stored_by_now():
            return self._read_back(key, version, size, until)

    def get_range(self, key: str, offset: int, length: int, version: str | None = None) -> bytes:
        check_range(offset, length)
        if not length:
            self.stat(key, version)  # S3 has no empty range; what is not there is still not found
            return b""
        wanted = f"bytes={offset}-{offset + length - 1}"
        return self._reader.get(check_key(key), version, largest=length, Range=wanted)[0]

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        check_key(key)
        return self._reader.head(key, version or self._reader.newest(key))[0]

    def versions(self, key: str) -> list[StoredVersion]:
        check_key(key)
        ends, found = time.monotonic() + _PATIENT * self._options.request_timeout_s, []
        for listed in self._reader.of_key(key):
            if time.monotonic() > ends:
                raise SiteUnavailable(
                    f"site {self._site} takes too long to tell which versions of {key} it holds",
                    site=self._site,
                    may_be_stored=False,
                    hint=TOO_SLOW,
                )
            found.append(self._reader.head(key, listed.version)[0])
        return found

    def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
        passed = 0  # lines in a row that are no versions of an object
        for listed in self._reader.listing(prefix, after):
            if not listed.is_marker and is_key(listed.key):
                passed = 0
                yield StoredVersion(listed.key, listed.version, listed.size, None, listed.stored_at)
            elif (passed := passed + 1) > MOST_PASSED:
                raise SiteFaulty(
                    f"site {self._site} answers, but lists {passed} lines in a row that are no objects",
                    site=self._site,
                    hint="Remove what is not the archive's from its bucket.",
                )

    def strays(self) -> Iterator[Stray]:
        """Keys that break the grammar, and delete markers on top of a key.

        Such a marker hides the key's versions from others, not from here. One below a newer version
        hides nothing; like all else below, it stays.
        """
        for key, lines in groupby(self._reader.listing("", ""), key=lambda listed: listed.key):
            found = list(lines)
            hides = key if is_key(key) and not all(listed.is_marker for listed in found) else ""
            for listed in found:
                if listed.is_marker and listed.is_latest:
                    yield Stray(f"{printable(key)} (delete marker {printable(listed.version)})", hides)
                elif not is_key(key):
                    sort = "marker" if listed.is_marker else "version"
                    yield Stray(f"{printable(key)} ({sort} {printable(listed.version)})")

    def extend(self, key: str, version: str, retain_until: datetime) -> StoredVersion:
        """See ``RetentionKeeper.extend``; the new date is read back."""
        found, _ = self._keeper.head(check_key(key), version)
        if found.retain_until == retain_until:
            return found
        _refuse_earlier(found, retain_until)
        until = self._check_date(retain_until)
        wanted = {"Bucket": self._keeper.name, "Key": key, "VersionId": version}
        retention = {"Mode": MODE, "RetainUntilDate": until}
        try:
            self._keeper.ask(
                key, lambda: self._keeper.client.put_object_retention(**wanted, Retention=retention)
            )
        except SiteUnavailable:
            # Another keeper may have been quicker with a later date, which the server then defends.
            _refuse_earlier(self._keeper.head(key, version)[0], until)
            raise
        extended, _ = self._keeper.head(key, version)
        if extended.retain_until is None or extended.retain_until < until:
            raise self._damaged(key, f"says that the lock of {key} was extended, and shows another date")
        return extended

    def _check_date(self, retain_until: datetime) -> datetime:
        until = check_retain_until(retain_until, self._clock.now())
        latest = self._options.latest_retain_until
        if latest is not None and until > latest:
            raise InvalidInput(
                f"site {self._site} is not known to keep dates after {latest.isoformat()}",
                field="retain_until",
                hint="Run vanvault probe for this site: some servers do.",
            )
        return until

    def _send_until_answered(self, key: str, body: bytes, sha256: bytes, until: datetime) -> str:
        """The version id of the stored bytes. Raises SiteFull, SiteUnavailable, Damaged."""
        in_doubt = False
        attempt = 0
        while True:
            if in_doubt:
                with _stored_by_now():
                    found = self._find_put(key, MD5.of(body, sha256), len(body), until)
                if found is not None:
                    return found
            try:
                return self._send(key, body, sha256, until)
            except S3_ERRORS as error:
                MD5.forget(sha256)
                failure = failure_of(error)
                in_doubt = in_doubt or failure.may_be_stored
                if not failure.repeatable or self._patience.is_last(attempt):
                    raise failure.error(self._site, may_be_stored=in_doubt) from error
            self._patience.pause(attempt)
            attempt += 1

    def _send(self, key: str, body: bytes, sha256: bytes, until: datetime) -> str:
        """PUT once; the version id. Raises S3_ERRORS, Damaged."""
        bucket = self._writer
        if len(body) > self._options.max_single_put_bytes:
            lock: dict[str, Any] = {"ObjectLockMode": MODE, "ObjectLockRetainUntilDate": until}
            size = self._options.max_single_put_bytes
            version = put_in_parts(bucket.client, bucket.name, key, body, size, lock).get("VersionId")
            return self._given(key, version)
        md5 = MD5.of(body, sha256)
        return self._put_once(key, body, size=len(body), sha256=sha256, md5=md5, until=until)

    def _put_once(
        self, key: str, body: bytes | Pieces, *, size: int, sha256: bytes, md5: bytes, until: datetime
    ) -> str:
        """As ``_send``; what pieces raise comes as BodyBroke."""
        answer = self._writer.wire.put(
            key, body, size=size, sha256=sha256, md5=md5, mode=MODE, retain_until=until
        )
        return self._given(key, answer.get("x-amz-version-id"))

    def _given(self, key: str, version: str | None) -> str:
        """The id that the server gave to a version. Raises Damaged: none."""
        if not version or version == "null":
            raise self._damaged(key, "keeps no versions, so nothing in its bucket is locked")
        return str(version)

    def _find_put(self, key: str, md5: bytes, size: int, until: datetime) -> str | None:
        """A version that an unanswered PUT of these bytes has left. Raises SiteUnavailable."""
        for listed in self._writer.of_key(key):
            # A server that encrypts at rest has other ETags: the bytes are then sent once more.
            if listed.size == size and listed.etag == md5.hex():
                found, _ = self._writer.head(key, listed.version)
                if found.retain_until == until:
                    return found.version
        return None

    def _read_back(self, key: str, version: str, size: int, until: datetime) -> StoredVersion:
        """What the server holds must be what it was given. Raises Damaged, SiteUnavailable."""
        try:
            stored, _ = self._writer.head(key, version)
        except NotFound as error:
            raise self._damaged(key, f"acknowledged {key} and does not hold it") from error
        if stored.size != size:
            raise self._damaged(key, f"holds {stored.size} bytes of {key}, which has {size}")
        if stored.retain_until != until:
            shown = (
                "no lock"
                if stored.retain_until is None
                else f"a lock until {stored.retain_until.isoformat()}"
            )
            raise self._damaged(key, f"shows {shown} where {until.isoformat()} was asked for: {key}")
        return stored

    def _not_passed(self, key: str, why: str) -> SiteUnavailable:
        return SiteUnavailable(
            f"{key} is not put at {self._site} while it comes: {why}", site=self._site, may_be_stored=False
        )

    def _damaged(self, key: str, what: str) -> Damaged:
        return Damaged(
            f"site {self._site} {what}", key=key, site=self._site, hint="Run vanvault probe for this site."
        )


@contextmanager
def _stored_by_now() -> Iterator[None]:
    """Whatever fails here, fails after the server may have stored the bytes."""
    try:
        yield
    except SiteUnavailable as error:
        error.may_be_stored = True
        raise


def _suggest_md5(key: str, etag: str) -> None:
    """For the copy at another site."""
    name = parse_key(key)
    if name is not None and _MD5.fullmatch(etag):
        MD5.suggest(name.sha256, bytes.fromhex(etag))


def _refuse_earlier(found: StoredVersion, retain_until: datetime) -> None:
    if found.retain_until is not None and retain_until < found.retain_until:
        raise LockRefused(
            f"the lock until {found.retain_until.isoformat()} is only ever moved later: {found.key}"
        )
