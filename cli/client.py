"""A client of the API that retries: what was sent twice is archived once, so a retry is always safe."""

from __future__ import annotations

import hashlib
import hmac
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx
import orjson

from vanvault.archiver.core.errors import Damaged, InvalidInput, SiteUnavailable, VanVaultError
from vanvault.archiver.core.machine import raise_limit
from vanvault.cli.certificates import trusting, untrusted
from vanvault.cli.problems import RETRIED, error_of, problem_in, retry_after

ReceiptObject = dict[str, Any]

#: How long one request is repeated before its error is the result, in seconds.
DEFAULT_WAIT_S = 60.0
#: Events in one request.
EVENTS_AT_ONCE = 500

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 15.0
# An ack waits for two sites; a body of 64 MiB may take its time on a slow line.
_TIMEOUT = httpx.Timeout(connect=5, read=120, write=120, pool=None)
#: ASCII that may stand in a header value as it is; "%" is the escape.
_HEADER_SAFE = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to push. ``metadata`` has names of BUSINESS_FIELDS; insurance numbers are a sequence."""

    message_id: str
    content: bytes | Path
    content_type: str = ""
    metadata: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retrying:
    """How a request is repeated while the server is busy or away."""

    wait_s: float = DEFAULT_WAIT_S  # bounds the repetition of one request
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None  # None: until the client is stopped
    jitter: Callable[[], float] = random.random  # numbers in [0, 1)
    on_wait: Callable[[VanVaultError], object] = lambda _: None  # told once, of the first failure


class ApiClient:
    """Speaks to one server as one gateway or person. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        retrying: Retrying | None = None,
        connections: int = 16,
        ca_file: Path | None = None,
    ) -> None:
        """``ca_file``: PEM of the authorities to trust in place of the system's.

        Raises InvalidInput: no http(s) URL, or certificates that cannot be read.
        """
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise InvalidInput(f"{url[:100]!r} is no URL", field="url") from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise InvalidInput(f"{url[:100]!r} is no http(s) URL", field="url", hint="http://HOST:PORT")
        self._stopped = threading.Event()
        self._retrying = retrying or Retrying()
        self._told = threading.Lock()
        self._http = httpx.Client(
            base_url=parsed,
            verify=trusting(ca_file) if parsed.scheme == "https" or ca_file is not None else True,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=parsed.host not in ("127.0.0.1", "::1", "localhost"),  # no proxy to this very host
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def stop(self) -> None:
        """Let every waiting request fail now instead of being repeated."""
        self._stopped.set()

    def push(self, message: Outgoing) -> ReceiptObject:
        """Push one message; its receipt, the first one if it was pushed before.

        Raises InvalidInput, AccessDenied, Conflict, Busy, SiteUnavailable and what else the server
        says; Damaged when the receipt is of other bytes.
        """
        sha256 = _digest(message.content)
        headers = {"Vanvault-Message-Id": quote(message.message_id, safe=_HEADER_SAFE)}
        if message.content_type:
            headers["Content-Type"] = message.content_type
        headers |= metadata_headers(message.metadata)
        receipt = self._send("/v1/messages", headers, lambda: _opened(message.content))
        claimed = receipt.get("sha256")
        if not isinstance(claimed, str) or not hmac.compare_digest(claimed.encode(), sha256.encode()):
            raise Damaged(
                f"the server's receipt for {message.message_id} is of other bytes",
                hint="Did the file change while it was pushed? Push it again.",
            )
        return receipt

    def push_events(self, events: Iterable[Mapping[str, Any]]) -> list[ReceiptObject | VanVaultError]:
        """Push log lines; a receipt or an error for each, in order."""
        waiting = list(events)
        results: list[ReceiptObject | VanVaultError] = []
        for start in range(0, len(waiting), EVENTS_AT_ONCE):
            results += self._push_some_events(waiting[start : start + EVENTS_AT_ONCE])
        return results

    def ready(self, timeout_s: float = 2.0) -> tuple[bool, str]:
        """Does a server answer, and would it accept? With the reason when not. Never raises for that."""
        try:
            response = self._http.get("/v1/health/ready", timeout=timeout_s)
        except httpx.TransportError as error:
            reason = untrusted(error)
            return False, ". ".join(_untrusted(reason)) if reason else _reason(error)
        if response.status_code == 200:
            return True, "ready"
        problem = problem_in(response.content)
        return False, str(problem.get("detail") or problem.get("status") or response.status_code)

    def health(self, timeout_s: float = 2.0) -> list[dict[str, Any]] | None:
        """What the server's node thinks of each site, or None where no server says so. Never raises."""
        try:
            found = orjson.loads(self._http.get("/v1/health/ready", timeout=timeout_s).content)
        except (httpx.TransportError, orjson.JSONDecodeError):
            return None
        sites = found.get("sites") if isinstance(found, dict) else None
        return sites if isinstance(sites, list) else None

    def _push_some_events(self, events: list[Mapping[str, Any]]) -> list[ReceiptObject | VanVaultError]:
        headers = {"Content-Type": "application/json"}
        results: dict[int, ReceiptObject | VanVaultError] = {}
        waiting, retry = list(range(len(events))), _Retry(self)
        while True:
            body = orjson.dumps([events[index] for index in waiting])
            answer = self._send("/v1/events", headers, lambda body=body: nullcontext(body))  # type: ignore[misc]
            items = answer.get("items")
            if not isinstance(items, list) or len(items) != len(waiting):
                raise Damaged("the server did not answer every event", hint="Push the events again.")
            again, busy = [], None
            for index, item in zip(waiting, items, strict=True):
                results[index] = item
                if "signature" not in item:
                    results[index] = error = error_of(item, int(item.get("status", 500)))
                    if item.get("status") in RETRIED:
                        again.append(index)
                        busy = error
            if busy is None or not retry.pause(None, busy):
                return [results[index] for index in range(len(events))]
            waiting = again

    def ask(self, method: str, path: str, value: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One request with a JSON object, or without a body; the JSON object of the answer, {} for none.

        Raises what the server says; SiteUnavailable: it does not answer.
        """
        headers = {} if value is None else {"Content-Type": "application/json"}
        return self._send(
            path, headers, lambda: nullcontext(b"" if value is None else orjson.dumps(value)), method
        )

    def _send(
        self,
        path: str,
        headers: Mapping[str, str],
        body: Callable[[], AbstractContextManager[bytes | BufferedReader]],
        method: str = "POST",
    ) -> dict[str, Any]:
        """Send until it succeeds, fails for good, or the time is up; the JSON object of the answer."""
        retry = _Retry(self)
        while True:
            asked: float | None = None
            try:
                with body() as content:
                    response = self._http.request(method, path, content=content, headers=headers)
            except httpx.TransportError as error:
                if reason := untrusted(error):
                    message, hint = _untrusted(reason)
                    raise InvalidInput(message, field="ca-file", hint=hint) from error
                failure: VanVaultError = self._no_answer(error)
                cause: Exception | None = error
            else:
                if response.status_code == 204:
                    return {}
                if response.status_code in (200, 201, 202):
                    return _object(response)
                failure, cause = error_of(problem_in(response.content), response.status_code), None
                if response.status_code not in RETRIED:
                    raise failure
                asked = retry_after(response.headers.get("Retry-After"))
            if not retry.pause(asked, failure):
                raise failure from cause

    def _no_answer(self, error: httpx.TransportError) -> SiteUnavailable:
        return SiteUnavailable(
            f"the server at {self._http.base_url} does not answer: {_reason(error)}",
            site="",
            may_be_stored=not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)),
            hint="Start it with: vanvault serve, or name the right one with --url. A retry is safe.",
        )


class _Retry:
    """The pauses of one request: what the server asks, else doubling; jitter on top; until time is up."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._how = client._retrying
        self._until = self._how.now() + self._how.wait_s
        self._next = _FIRST_PAUSE_S

    def pause(self, asked: float | None, failure: VanVaultError) -> bool:
        """Sleep before the next try; False, at once, when there is no time for one."""
        client, how = self._client, self._how
        base = self._next if asked is None else asked
        self._next = min(2 * self._next, _LONGEST_PAUSE_S)
        # Jitter only adds: a server that asks for n seconds is not asked again before.
        pause = base + how.jitter() * max(base / 2, _FIRST_PAUSE_S)
        if client._stopped.is_set() or how.now() + pause > self._until:
            return False
        if client._told.acquire(blocking=False):
            how.on_wait(failure)
        (how.sleep or client._stopped.wait)(pause)
        return not client._stopped.is_set()


def metadata_headers(metadata: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
    """``Vanvault-*`` headers of known values; what is not ASCII is percent-encoded UTF-8. Pure."""
    headers = {}
    for name, value in metadata.items():
        if value:
            if isinstance(value, str):
                text = quote(value, safe=_HEADER_SAFE)
            else:  # a comma between values is plain, one inside a value is not
                text = ",".join(quote(one, safe=_HEADER_SAFE.replace(",", "")) for one in value)
            headers["Vanvault-" + name.replace("_", "-").title()] = text
    return headers


def message_id_of(name: str, sha256: str) -> str:
    """The default id of a file: its name and 16 hex digits of its SHA-256, in at most 200 characters.

    What an id may not hold becomes "_": control characters, bytes that are no UTF-8, and "%". The same file
    always gets the same id, so pushing it again gives the first receipt. Pure.
    """
    readable = "".join(c if c.isprintable() and c != "%" else "_" for c in name)
    return f"{readable.strip()[:180].strip()}-{sha256[:16]}"


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file, in bounded memory. Raises InvalidInput."""
    return _digest(path)


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with _open(content) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(content: bytes | Path) -> AbstractContextManager[bytes | BufferedReader]:
    return nullcontext(content) if isinstance(content, bytes) else _open(content)


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", field="file") from error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("what answers there is no VanVault server", field="url", hint="Correct the URL.")
    return found


def _untrusted(reason: str) -> tuple[str, str]:
    """The error and its hint for a certificate that nothing trusts; no retry mends it."""
    hint = "Name the PEM file of the authority that issued it with --ca-file, or set SSL_CERT_FILE."
    return f"the server's certificate is not trusted: {reason}", hint


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
