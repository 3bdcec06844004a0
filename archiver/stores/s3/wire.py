"""The requests that every object costs (PUT, HEAD, GET) and listings, over the connections of an S3 client.

boto3 spends three times the CPU of such a request on what all of them have in common: rules of endpoints,
serialising, hooks, parsing. Here they are put together and signed directly; connections, TLS, time-outs
and errors are those of the client, and the ``before-send`` hooks of boto3's, where one was made, see each
request. All else that a site asks goes through boto3 itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError
from botocore.parsers import create_parser

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import Clock, SystemClock
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.s3.bounded import FEW, LISTED, REFUSAL
from vanvault.archiver.stores.s3.client import S3Client
from vanvault.archiver.stores.s3.connections import Answer, KeptConnections, Pieces
from vanvault.archiver.stores.s3.signature import EMPTY_SHA256, RequestSigner

#: Of an answer; names in any case.
Headers = Mapping[str, str]

_FIRST_FAILURE = 300  # redirections too: a site is where its URL says
_UNRESERVED = "-_.~"  # besides letters and digits: what a signed query does not escape


_PLACED = (
    '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>"
)


class LongAnswer(Exception):
    """An answer has more bytes than are wanted (``size``), or does not say how many (None)."""

    def __init__(self, size: int | None, most: int) -> None:
        super().__init__(f"{size} bytes where at most {most} are wanted")
        self.size = size
        self.most = most


class Wire:
    """One bucket, with one pair of credentials. Safe to share between threads.

    Every method raises what boto3 would: ``errors.S3_ERRORS``. Keys are those of the archive's grammar,
    so nothing in them needs to be escaped.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        credentials: Credentials,
        options: S3Options,
        clock: Clock | None = None,
    ) -> None:
        """``clock``: the host's, which the server compares with its own; not one that tests move."""
        endpoint = urlsplit(client.endpoint)
        # As in boto3, an address in numbers has no bucket in front of it.
        virtual = options.addressing == "virtual" and not _is_address(endpoint.hostname or "")
        self._host = f"{bucket}.{endpoint.netloc}" if virtual else endpoint.netloc
        self._bucket = "/" if virtual else f"/{bucket}"
        self._root = "/" if virtual else f"/{bucket}/"
        self._base = f"{endpoint.scheme}://{self._host}"
        self._client = client  # which closes the connections
        self._connections = KeptConnections(client.connections, self._base, options)
        self._largest = options.largest_object
        self._signer = RequestSigner(credentials, options.region)
        self._clock = clock or SystemClock()

    def put(
        self,
        key: str,
        body: bytes | Pieces,
        *,
        size: int,
        sha256: bytes,
        md5: bytes,
        mode: str,
        retain_until: datetime,
    ) -> Headers:
        """Store a locked version; the answer's headers. Both digests are of the ``size`` bytes of ``body``.

        Raises BodyBroke too, where the pieces raise anything: the server has not got all of them.
        """
        headers = {
            "Content-MD5": base64.b64encode(md5).decode(),
            "X-Amz-Object-Lock-Mode": mode,
            "X-Amz-Object-Lock-Retain-Until-Date": rfc3339_seconds(retain_until),
        }
        headers["Content-Length"] = str(size)
        answer = self._send("PutObject", "PUT", key, "", headers, body=body, sha256=sha256.hex())
        answer.read(REFUSAL)
        return answer.headers

    def head(self, key: str, version: str) -> Headers:
        """What the server says of a version. A refusal has no body that would say why."""
        answer = self._send("HeadObject", "HEAD", key, _query(version), {})
        answer.read(0)
        return answer.headers

    def head_bucket(self) -> Headers:
        """What the server says of the bucket: its time."""
        answer = self._send("HeadBucket", "HEAD", "", "", {})
        answer.read(0)
        return answer.headers

    def make_bucket(self, region: str) -> None:
        """Make the bucket, with Object Lock; ``region``: where, "" for the server's first one."""
        body = _PLACED.format(escape(region)).encode() if region else b""
        headers = {"Content-Length": str(len(body)), "X-Amz-Bucket-Object-Lock-Enabled": "true"}
        sha256 = hashlib.sha256(body).hexdigest()
        self._send("CreateBucket", "PUT", "", "", headers, body=body, sha256=sha256).read(REFUSAL)

    def object_lock(self) -> bytes:
        """The bucket's Object Lock configuration, as the server wrote it."""
        return self._send("GetObjectLockConfiguration", "GET", "", "object-lock=", {}).read(REFUSAL)

    def list_versions(self, query: Mapping[str, str], lines: int) -> bytes:
        """A page of versions and delete markers with at most so many ``lines``, as the server wrote it."""
        wanted = {**query, "encoding-type": "url", "max-keys": str(lines), "versions": ""}
        text = "&".join(f"{name}={quote(wanted[name], safe=_UNRESERVED)}" for name in sorted(wanted))
        return self._send("ListObjectVersions", "GET", "", text, {}).read(LISTED * (lines + FEW))

    def get(
        self,
        key: str,
        version: str | None,
        extra: Mapping[str, str],
        most: int | None = None,
        *,
        largest: int | None = None,
    ) -> tuple[bytes, Headers]:
        """The bytes of a version (None: the newest) and the answer's headers.

        Args:
            extra: headers to send, such as a range.
            most: bytes; of an answer that promises more, nothing is read, and its promise is told.
            largest: the same, where nobody wants to know; both None: no object is larger.

        Raises LongAnswer: there are more than ``most`` bytes.
        """
        answer = self.open(key, version, extra, most)
        return answer.read(self._largest if largest is None else largest), answer.headers

    def open(
        self, key: str, version: str | None, extra: Mapping[str, str], most: int | None = None
    ) -> OpenAnswer:
        """As ``get``: an answer that says how long it is, of which no bytes have been read yet."""
        answer = self._send("GetObject", "GET", key, _query(version), extra, stream=True)
        if most is not None and (answer.size is None or answer.size > most):
            answer.drop()
            raise LongAnswer(answer.size, most)
        if answer.size is None:
            answer.drop()
            raise ResponseStreamingError(error="it does not say how long the object is")
        return answer

    def _send(
        self,
        operation: str,
        method: str,
        key: str,
        query: str,
        headers: Mapping[str, str],
        *,
        body: bytes | Pieces = b"",
        sha256: str = EMPTY_SHA256,
        stream: bool = False,
    ) -> OpenAnswer:
        """An answer that is no refusal, its body not read yet. Without a ``key``, the bucket is asked."""
        path = self._root + key if key else self._bucket
        now = self._clock.now()
        # A plain dict: botocore's own classes of headers cost as much as all the rest of this method.
        signed: Any = self._signer.sign(method, self._host, path, query, headers, sha256=sha256, now=now)
        signed["Accept-Encoding"] = "identity"
        target = f"{path}?{query}" if query else path
        hooks, hooked = self._client.hooks, None
        if hooks is not None:
            seen = body if isinstance(body, bytes) else b""  # pieces are there once
            request = AWSPreparedRequest(method, self._base + target, signed, seen, stream)
            hooked = hooks.emit_until_response(f"before-send.s3.{operation}", request=request)[1]
            body = _bytes_of(request.body) if isinstance(body, bytes) else body
        if hooked is not None:
            answer: OpenAnswer = _Hooked(hooked, has_body=method != "HEAD")
        else:
            answer = self._connections.ask(method, target, signed, body)
        if answer.status >= _FIRST_FAILURE:
            raise _refusal(answer, operation)
        return answer


def _bytes_of(body: Any) -> bytes:
    """A hook may have put a file in the place of the bytes."""
    return body if isinstance(body, bytes) else bytes(body.read())


class _Hooked:
    """The answer of a hook, which takes the place of the server's."""

    def __init__(self, answer: Any, *, has_body: bool) -> None:
        self._answer = answer
        self.status: int = answer.status_code
        self.headers: Headers = {name.lower(): value for name, value in answer.headers.items()}
        promised = self.headers.get("content-length")
        self.size = int(promised) if promised and has_body else None if has_body else 0

    def read(self, largest: int) -> bytes:
        data = bytes(self._answer.raw.read(largest + 1 if self.size is None else min(self.size, largest + 1)))
        if self.size is not None and len(data) < self.size:
            raise IncompleteReadError(actual_bytes=len(data), expected_bytes=self.size)
        return data

    def read_into(self, buffer: memoryview) -> int:
        piece = self._answer.raw.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def drop(self) -> None:
        self._answer.raw.close()


#: An answer whose body is still to be read, or to be dropped.
OpenAnswer = Answer | _Hooked


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _query(version: str | None) -> str:
    return "" if version is None else f"versionId={quote(version, safe=_UNRESERVED)}"


def _refusal(answer: OpenAnswer, operation: str) -> ClientError:
    """Raises BotoCoreError; ResponseParserError: what answered is no S3 server."""
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.read(REFUSAL)}
    no_shape: Any = None  # errors have none
    return ClientError(create_parser("rest-xml").parse(response, no_shape), operation)
