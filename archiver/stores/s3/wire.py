"""The requests that every object costs (PUT, HEAD, GET), over the connections of a boto3 client.

boto3 spends three times the CPU of such a request on what all of them have in common: rules of endpoints,
serialising, hooks, parsing. Here they are put together and signed directly; connections, TLS, time-outs
and errors are those of the client, and its ``before-send`` hooks see each request. All else that a site
asks goes through boto3 itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError
from botocore.parsers import create_parser
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.core.ports import Clock, SystemClock
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.s3.bounded import REFUSAL
from vanvault.archiver.stores.s3.signature import EMPTY_SHA256, RequestSigner

#: Of an answer; names in any case.
Headers = Mapping[str, str]

_FIRST_FAILURE = 300  # redirections too: a site is where its URL says
_DIGITS = re.compile(r"[0-9]{1,18}")
#: More than any answer promises: its length is compared before it is read.
_ANY_SIZE = 2**62


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
        client: Any,
        bucket: str,
        credentials: Credentials,
        options: S3Options,
        clock: Clock | None = None,
    ) -> None:
        """``clock``: the host's, which the server compares with its own; not one that tests move."""
        endpoint = urlsplit(client.meta.endpoint_url)
        # As in boto3, an address in numbers has no bucket in front of it.
        virtual = options.addressing == "virtual" and not _is_address(endpoint.hostname or "")
        self._host = f"{bucket}.{endpoint.netloc}" if virtual else endpoint.netloc
        self._root = "/" if virtual else f"/{bucket}/"
        self._base = f"{endpoint.scheme}://{self._host}"
        self._events = client.meta.events
        self._session = client._endpoint.http_session  # no public name; the client closes it
        self._largest = options.largest_object
        self._signer = RequestSigner(credentials, options.region)
        self._clock = clock or SystemClock()

    def put(
        self, key: str, body: bytes, *, sha256: bytes, md5: bytes, mode: str, retain_until: datetime
    ) -> Headers:
        """Store a locked version; the answer's headers. Both digests are of ``body``."""
        headers = {
            "Content-MD5": base64.b64encode(md5).decode(),
            "X-Amz-Object-Lock-Mode": mode,
            "X-Amz-Object-Lock-Retain-Until-Date": rfc3339_seconds(retain_until),
        }
        answer = self._send("PutObject", "PUT", key, "", headers, body=body, sha256=sha256.hex())
        found: Headers = answer.headers
        return found

    def head(self, key: str, version: str) -> Headers:
        """What the server says of a version. A refusal has no body that would say why."""
        found: Headers = self._send("HeadObject", "HEAD", key, _query(version), {}).headers
        return found

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
        # The answer's own promise is compared below, so that whoever asks learns how much there is.
        bound = _ANY_SIZE if most is not None else self._largest if largest is None else largest
        answer = self._send("GetObject", "GET", key, _query(version), extra, largest=bound, stream=True)
        promised = answer.headers.get("content-length")
        told = int(promised) if promised is not None and _DIGITS.fullmatch(promised) else None
        if most is not None and (told is None or told > most):
            answer.raw.close()  # the connection too: the rest is not read to use it again
            raise LongAnswer(told, most)
        if told is None:
            answer.raw.close()
            raise ResponseStreamingError(error="it does not say how long the object is")
        try:
            return bytes(StreamingBody(answer.raw, promised).read()), answer.headers
        except BotoCoreError:
            raise
        except (HTTPError, OSError) as error:
            raise ResponseStreamingError(error=error) from error

    def _send(
        self,
        operation: str,
        method: str,
        key: str,
        query: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        sha256: str = EMPTY_SHA256,
        largest: int = REFUSAL,
        stream: bool = False,
    ) -> Any:
        """The answer; its body has at most ``largest`` bytes."""
        path = self._root + key
        now = self._clock.now()
        # A plain dict: botocore's own classes of headers cost as much as all the rest of this method.
        signed: Any = self._signer.sign(method, self._host, path, query, headers, sha256=sha256, now=now)
        if body is not None:
            signed["Content-Length"] = str(len(body))
        url = f"{self._base}{path}?{query}" if query else self._base + path
        request = AWSPreparedRequest(method, url, signed, body, stream)
        hooked = self._events.emit_until_response(f"before-send.s3.{operation}", request=request)[1]
        answer = hooked if hooked is not None else self._session.exchange(request, largest)
        if answer.status_code >= _FIRST_FAILURE:
            raise _refusal(answer, operation)
        return answer


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _query(version: str | None) -> str:
    return "" if version is None else f"versionId={quote(version, safe='-_.~')}"


def _refusal(answer: Any, operation: str) -> ClientError:
    """Raises ResponseParserError: what answered is no S3 server."""
    response = {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content}
    no_shape: Any = None  # errors have none
    return ClientError(create_parser("rest-xml").parse(response, no_shape), operation)
