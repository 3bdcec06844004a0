"""Answers that the listener gives by itself, before a request reaches a route: RFC 9457 problems. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from vanvault.archiver.core.error_table import PROBLEM_PREFIX, row_of
from vanvault.archiver.core.errors import Busy


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection ends; ``reason`` is one of few words, for metrics ("": counted elsewhere)."""

    reason: str
    status: HTTPStatus
    detail: str
    hint: str

    def encoded(self, request_id: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The whole HTTP/1.1 response; ``headers`` are those that every answer of the server has."""
        row = row_of(Busy("")) if self.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        problem = {
            "type": f"{PROBLEM_PREFIX}{row.problem}" if row else "about:blank",
            "title": row.title if row else self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "hint": self.hint,
            "instance": f"urn:vanvault:request:{request_id}",
        }
        body = orjson.dumps(problem)
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}".encode(),
            *(name + b": " + value for name, value in headers),
            b"content-type: application/problem+json",
            f"content-length: {len(body)}".encode(),
            b"retry-after: 1",
            f"x-request-id: {request_id}".encode(),
            b"connection: close",
        ]
        return b"\r\n".join((*lines, b"", body))


NO_ROOM = Refusal(
    "",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the node has as many connections as it can serve, and this one was at rest",
    "Connect again, and send the request at once.",
)
HEADERS_LATE = Refusal(
    "headers-late",
    HTTPStatus.REQUEST_TIMEOUT,
    "the headers of the request did not come in time",
    "Connect again, and send the headers without pauses.",
)
HEADERS_TOO_LARGE = Refusal(
    "headers-too-large",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "the headers of the request are too many or too large, or what frames its body is",
    "There may be 256 headers, of 64 KiB together; send what is large as the body.",
)
NO_FILES = Refusal(
    "files",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the machine's limit is reached: no file can be opened",
    "Send the same request again. Operators: the limits of the service, or of the host.",
)
NO_HTTP = Refusal(
    "no-http", HTTPStatus.BAD_REQUEST, "this is no valid HTTP/1.1 request", "Send HTTP/1.1, as RFC 9112 says."
)
