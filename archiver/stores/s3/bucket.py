"""Reading one S3 bucket with one set of credentials; delete markers are seen through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, Self

from botocore.exceptions import ClientError

from vanvault.archiver.core.errors import NotFound, SiteFaulty, SiteUnavailable
from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.ordered import in_order
from vanvault.archiver.stores.patience import Patience
from vanvault.archiver.stores.port import Oversize, StoredVersion
from vanvault.archiver.stores.s3.client import S3Client
from vanvault.archiver.stores.s3.errors import S3_ERRORS, TOO_SLOW, failure_of
from vanvault.archiver.stores.s3.page import Following, Listed, parse_page
from vanvault.archiver.stores.s3.slowness import Slowness
from vanvault.archiver.stores.s3.wire import Headers, LongAnswer, OpenAnswer, Wire
from vanvault.archiver.stores.url import S3Url

MODE = "COMPLIANCE"
#: Lines of a listing's first page, and how the next ones grow up to ``Bucket.page``: the server reads each of
#: them from its disk, wanted or not.
_FIRST_PAGE = 10
_GROWTH = 10
#: Pages without a line, one after the other, that are still taken for part of a listing.
EMPTY_PAGES = 100

_UNTIL = "x-amz-object-lock-retain-until-date"
#: Shown to users with the right s3:GetObjectLegalHold; the header of an object without a hold may be absent.
_HOLD = "x-amz-object-lock-legal-hold"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as one duty sees it; all of this only reads. Safe to share between threads."""

    ends: S3Client
    wire: Wire  # over the same connections, for the requests that every object costs
    name: str
    site: str
    patience: Patience
    page: int = 1000  # lines of a listing in one answer
    slowness: Slowness = field(default_factory=Slowness)

    @classmethod
    def open(
        cls,
        url: S3Url,
        site: str,
        credentials: Credentials,
        options: S3Options,
        patience: Patience | None = None,
    ) -> Self:
        """The bucket at ``url``; the first request comes later. ``patience``: None: as ``options`` say."""
        ends = S3Client(url.endpoint, credentials, options)
        wire = Wire(ends, url.bucket, credentials, options)
        return cls(ends, wire, url.bucket, site, patience or Patience(options.attempts), options.page)

    @property
    def client(self) -> Any:
        """A boto3 client, for what is asked seldom."""
        return self.ends.boto3

    def close(self) -> None:
        """Close all connections."""
        self.ends.close()

    def ask(self, what: str, request: Callable[[], Any]) -> Any:
        """The answer to a request that changes nothing, or the same thing each time; repeated on trouble.

        There is one try only while the requests before this one failed at all of theirs.

        Raises NotFound (``what`` says of what), SiteUnavailable with ``may_be_stored`` false; at once,
        without a request, where the server was too slow again and again.
        """
        attempt = 0
        while True:
            if self.slowness.rests:
                raise SiteUnavailable(
                    f"site {self.site} was too slow again and again, and is left alone for a while",
                    site=self.site,
                    may_be_stored=False,
                    hint=TOO_SLOW,
                )
            try:
                answer = request()
            except S3_ERRORS as error:
                failure = failure_of(error)
                if failure.too_slow:
                    self.slowness.was_slow()
                if failure.kind == "not-found":
                    self.slowness.answered()
                    raise NotFound(f"site {self.site} holds no such version of {what}") from error
                if not failure.repeatable:
                    raise failure.error(self.site, may_be_stored=False) from error
                if self.patience.is_last(attempt) or self.slowness.fails:
                    self.slowness.failed(unanswered=failure.unanswered)
                    raise failure.error(self.site, may_be_stored=False) from error
            else:
                self.slowness.answered()
                return answer
            self.patience.pause(attempt)
            attempt += 1

    def head(self, key: str, version: str) -> tuple[StoredVersion, datetime]:
        """One version with its lock, and the server's time. Raises NotFound, SiteUnavailable."""

        def request() -> Headers:
            try:
                return self.wire.head(key, version)
            except ClientError:
                # The answer to a HEAD has no body that would say why: missing, denied, or no bucket?
                self.client.get_object(Bucket=self.name, Key=key, VersionId=version)["Body"].close()
                raise

        answer = self.ask(key, request)
        return self._stored(key, version, answer), self._time(answer)

    def _stored(self, key: str, version: str, answer: Headers) -> StoredVersion:
        """What the answer to a HEAD, or to a GET of all bytes, says of a version. Raises SiteUnavailable."""
        try:
            locked = answer.get("x-amz-object-lock-mode") == MODE
            until = datetime.fromisoformat(answer[_UNTIL]).astimezone(UTC) if locked else None
            stored_at = _http_date(answer["last-modified"])
            size, held = int(answer["content-length"]), answer.get(_HOLD) == "ON"
            found = StoredVersion(key, version, size, until, stored_at, held)
            if size < 0:
                raise ValueError("a size below zero")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SiteUnavailable(
                f"site {self.site} does not say what it holds", site=self.site, may_be_stored=False
            ) from error
        return found

    def get_locked(self, key: str, version: str, most: int | None) -> tuple[bytes, StoredVersion, str]:
        """The bytes of a version, the version with its lock, and the ETag, "" for none.

        The answer to the GET carries the lock already, where the credential may see it. An answer without
        one proves nothing: the version is then asked for. Raises NotFound, SiteUnavailable, Oversize.
        """
        data, answer = self._get(key, version, {}, most=most)
        return data, self._locked(key, version, answer), _etag(answer)

    def _locked(self, key: str, version: str, answer: Headers) -> StoredVersion:
        """The version that was got with this answer, with its lock. Raises NotFound, SiteUnavailable."""
        if answer.get("x-amz-object-lock-mode") == MODE and _UNTIL in answer:
            return self._stored(key, version, answer)
        return self.head(key, version)[0]

    def open_locked(self, key: str, version: str, most: int | None) -> tuple[OpenAnswer, StoredVersion, str]:
        """As ``get_locked``, but nothing of the bytes has been read: the answer is, by who gets it."""

        def request() -> OpenAnswer:
            try:
                return self.wire.open(key, version, {}, most)
            except LongAnswer as error:
                raise Oversize(key, site=self.site, size=error.size, most=error.most) from error

        answer: OpenAnswer = self.ask(key, request)
        try:
            return answer, self._locked(key, version, answer.headers), _etag(answer.headers)
        except BaseException:
            answer.drop()
            raise

    def get(
        self,
        key: str,
        version: str | None,
        most: int | None = None,
        *,
        largest: int | None = None,
        **extra: str,
    ) -> tuple[bytes, str]:
        """The bytes of a version (None: the newest), and their ETag, "" for none.

        ``most``: a longer object is not read (Oversize). ``largest``: an answer with more bytes is one that
        nobody asked for (SiteUnavailable). ``extra``: headers to send.
        Raises NotFound, SiteUnavailable, Oversize.
        """
        try:
            data, answer = self._get(key, version, extra, most, largest)
        except NotFound:
            if version is not None:
                raise
            # There may be a delete marker in front of it.
            data, answer = self._get(key, self.newest(key), extra, most, largest)
        return data, _etag(answer)

    def _get(
        self,
        key: str,
        version: str | None,
        extra: Mapping[str, str],
        most: int | None = None,
        largest: int | None = None,
    ) -> tuple[bytes, Headers]:
        """As ``get``, without a look behind delete markers; the answer's headers."""

        def request() -> tuple[bytes, Headers]:
            try:
                return self.wire.get(key, version, extra, most, largest=largest)
            except ClientError as error:
                if error.response["Error"].get("Code") == "InvalidRange":
                    return b"", {}  # starts behind the end
                raise
            except LongAnswer as error:
                raise Oversize(key, site=self.site, size=error.size, most=error.most) from error

        data, answer = self.ask(key, request)
        self.slowness.was_in_time()
        return data, answer

    def newest(self, key: str) -> str:
        """The version id of the newest version that is no delete marker. Raises NotFound, SiteUnavailable."""
        for listed in self.of_key(key):
            return listed.version
        raise NotFound(f"site {self.site} holds no version of {key}")

    def of_key(self, key: str) -> Iterator[Listed]:
        """The versions of one key without delete markers, newest first. Raises SiteUnavailable."""
        for listed in self.listing(key, ""):
            if listed.key != key:
                return  # keys that only start with it sort after it
            if not listed.is_marker:
                yield listed

    def listing(self, prefix: str, after: str) -> Iterator[Listed]:
        """Versions and delete markers by key, newest first, page by page. Raises SiteUnavailable.

        The first pages are small: many who list want the first key only, or whether there is one.
        Raises SiteFaulty: the same page again, a page that is too long, or keys out of order.
        """
        lines = self._pages(prefix, after)
        return in_order(lines, self.site, prefix, after)

    def _pages(self, prefix: str, after: str) -> Iterator[Listed]:
        if after > prefix and not after.startswith(prefix):
            return  # every key with the prefix comes before it
        # MinIO refuses a marker that does not start with the prefix.
        start = Following(after if after.startswith(prefix) else "", "")
        lines, empty = _FIRST_PAGE, 0
        while True:
            most = min(lines, self.page)
            found, following = self.ask(prefix, partial(self._page, prefix, most, start))
            self.slowness.was_in_time()
            if len(found) > most:
                raise self._faulty("its listing gives more lines than it was asked for")
            # Some servers repeat the key that a page is to start after.
            yield from (listed for listed in found if listed.key > after)
            if following is None:
                return
            if following == start or following.key < start.key:
                raise self._faulty("it lists the same page again and again")
            empty = 0 if found else empty + 1
            if empty > EMPTY_PAGES:
                raise self._faulty("it lists page after page with nothing on them")
            start, lines = following, lines * _GROWTH

    def _page(self, prefix: str, most: int, start: Following) -> tuple[list[Listed], Following | None]:
        """The lines of one page, and where the next one starts (None: there is none). Raises S3_ERRORS."""
        prefixes = {"prefix": prefix} if prefix else {}
        return parse_page(self.wire.list_versions({**prefixes, **start.query()}, most))

    def _faulty(self, what: str) -> SiteFaulty:
        return SiteFaulty(f"site {self.site} answers, but {what}", site=self.site)

    def now(self) -> datetime:
        """The server's time, UTC, whole seconds. Raises SiteUnavailable."""

        def request() -> Headers:
            try:
                return self.wire.head_bucket()
            except ClientError:
                self.wire.list_versions({}, 1)  # its refusal says why
                raise

        try:
            return self._time(self.ask("the bucket", request))
        except NotFound as error:
            raise SiteUnavailable(
                f"the bucket of site {self.site} is gone", site=self.site, may_be_stored=False
            ) from error

    def _time(self, answer: Headers) -> datetime:
        try:
            return _http_date(answer["date"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SiteUnavailable(
                f"site {self.site} does not say what time it is", site=self.site, may_be_stored=False
            ) from error


@lru_cache(maxsize=64)
def _http_date(text: str) -> datetime:
    """The same few seconds are read again and again. Raises TypeError, ValueError, OverflowError."""
    return parsedate_to_datetime(text).astimezone(UTC)


def _etag(answer: Headers) -> str:
    return answer.get("etag", "").strip('"')
