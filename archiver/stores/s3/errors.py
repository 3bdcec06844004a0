"""What an S3 server's refusals, and its silence, mean for a site. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from botocore import exceptions
from botocore.parsers import ResponseParserError

from vanvault.archiver.core.errors import MachineLimit, SiteFull, SiteUnavailable
from vanvault.archiver.core.machine import limit_of, machine_limit
from vanvault.archiver.stores.rules import printable
from vanvault.archiver.stores.s3.bounded import exchange_over

S3ErrorKind = Literal["not-found", "no-bucket", "full", "denied", "trouble"]

_NOT_FOUND = frozenset({"NoSuchKey", "NoSuchVersion"})
_FULL = frozenset(
    {"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"}
)
# The server said that it took nothing, so the same request may simply be sent again.
_REFUSED_BUT_REPEATABLE = frozenset(
    {"SlowDown", "SlowDownRead", "SlowDownWrite", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"}
)
_REPEATABLE_4XX = frozenset({"RequestTimeout", "OperationAborted"})
TOO_SLOW = "The site answers too slowly: look at its load and at the network (s3.least_bytes_per_s)."
_HINTS = {
    "AccessDenied": "The site's credentials lack this right: check the policy of their user.",
    "ExpiredToken": "The site's credentials have expired: renew them.",
    "InvalidAccessKeyId": "The site does not know this access key: check the credentials.",
    "SignatureDoesNotMatch": "The secret key is wrong: check the credentials.",
    "RequestTimeTooSkewed": "The clock of this host or of the site is off: check both.",
    "NoSuchBucket": "The bucket is gone: restore it, or run vanvault site init for a new one.",
    "InvalidRequest": "Has the bucket Object Lock? Run vanvault probe for this site.",
    "TooSlow": TOO_SLOW,
    "AnswerTooLarge": "The site sends more than it was asked for: look at what answers at its address.",
    "BadDigest": "Bytes change on the way to the site: check network and memory.",
    "XAmzContentSHA256Mismatch": "Bytes change on the way to the site: check network and memory.",
}
_NEVER_SENT = (
    exceptions.EndpointConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.ProxyConnectionError,
)
_SILENT = (exceptions.HTTPClientError, exceptions.IncompleteReadError, ResponseParserError)
#: What reading an answer without sense raises: neither boto3 nor Python's own HTTP looks at values first
#: (numbers, dates, elements that are there twice or lie in each other a thousand times).
_NO_SENSE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
#: What a call through boto3 may raise, whatever the server answers.
S3_ERRORS = (exceptions.ClientError, exceptions.BotoCoreError, ResponseParserError, *_NO_SENSE)
_MOST_OF_CODE = 100  # characters of a code that are shown


@dataclass(frozen=True, slots=True)
class S3Failure:
    """A failed request, judged."""

    kind: S3ErrorKind
    code: str  # S3's error code or HTTP status, or the name of what happened instead of an answer
    may_be_stored: bool  # if it was a write: the server may have carried it out
    repeatable: bool  # the same request may succeed
    limit: MachineLimit | None = None  # it is this machine that could not ask
    unanswered: bool = False  # nothing answers at the server's address

    @property
    def too_slow(self) -> bool:
        """Was it given up because too few bytes moved?"""
        return self.code == "TooSlow"

    def error(self, site: str, *, may_be_stored: bool | None = None) -> SiteUnavailable | MachineLimit:
        """The error for callers; ``may_be_stored`` overrides what this one request says."""
        stored = self.may_be_stored if may_be_stored is None else may_be_stored
        if self.limit is not None:
            return limit_of(self.limit.resource, may_be_stored=stored)
        if self.kind == "full" and not stored:
            return SiteFull(f"site {site} has no room left ({self.code})", site=site)
        return SiteUnavailable(
            f"site {site} did not carry out a request ({self.code})",
            site=site,
            may_be_stored=stored,
            hint=_HINTS.get(self.code, ""),
        )


def failure_of(error: Exception) -> S3Failure:
    """What a failed call means: one of ``S3_ERRORS``."""
    over = exchange_over(error)
    if over is not None:  # it had its time: the same request would take it once more
        return S3Failure("trouble", over.code, may_be_stored=True, repeatable=False)
    if isinstance(error, exceptions.ClientError):
        return _failure_of_answer(error)
    name, limit = type(error).__name__, machine_limit(error)
    unsent = isinstance(error, _NEVER_SENT)
    if limit is not None and limit.resource != "threads":  # a socket says EAGAIN for reasons of its own
        return S3Failure("trouble", name, may_be_stored=not unsent, repeatable=unsent, limit=limit)
    if unsent:
        return S3Failure("trouble", name, may_be_stored=False, repeatable=True, unanswered=True)
    return S3Failure("trouble", name, may_be_stored=True, repeatable=isinstance(error, _SILENT))


def _failure_of_answer(error: exceptions.ClientError) -> S3Failure:
    answer = error.response.get("Error", {})
    code = printable(str(answer.get("Code", "")), _MOST_OF_CODE) or "no code"
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return S3Failure("no-bucket", code, may_be_stored=False, repeatable=False)
    if code in _FULL or status == HTTPStatus.INSUFFICIENT_STORAGE:
        return S3Failure("full", code, may_be_stored=False, repeatable=False)
    if code in _REFUSED_BUT_REPEATABLE:
        return S3Failure("trouble", code, may_be_stored=False, repeatable=True)
    # MinIO calls a version id that it could not have made an invalid argument.
    no_such_id = code == "InvalidArgument" and "version id" in str(answer.get("Message", "")).lower()
    if code in _NOT_FOUND or status == HTTPStatus.NOT_FOUND or no_such_id:
        return S3Failure("not-found", code, may_be_stored=False, repeatable=False)
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED) or code == "ExpiredToken":
        return S3Failure("denied", code, may_be_stored=False, repeatable=False)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _REPEATABLE_4XX:
        return S3Failure("trouble", code, may_be_stored=True, repeatable=True)
    return S3Failure("trouble", code, may_be_stored=False, repeatable=False)
