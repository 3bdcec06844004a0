"""Requests to an identity provider over HTTP: no redirects, no compression, bounded bytes and seconds."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.ports import Stopwatch, SystemStopwatch
from vanvault.archiver.people.sign_on.oidc.provider_port import ProviderAnswer, provider_away
from vanvault.archiver.people.sign_on.oidc.urls import form_of, form_quoted

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class ProviderBounds:
    """What one request may take."""

    connect_s: float = 3.0
    silence_s: float = 5.0  # without a byte
    whole_s: float = 10.0  # looked at between two pieces of the answer
    body_bytes: int = 256 * 1024


class HttpProvider:
    """A ``ProviderHttp`` over httpx. Many threads may call; connections are kept between calls.

    Args:
        ca_file: PEM file of the authorities that are trusted; "": those of this machine.
    """

    def __init__(
        self, ca_file: str = "", bounds: ProviderBounds | None = None, stopwatch: Stopwatch | None = None
    ) -> None:
        self._ca_file = ca_file
        self._bounds = bounds or ProviderBounds()
        self._stopwatch = stopwatch or SystemStopwatch()
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def get(self, url: str) -> ProviderAnswer:
        return self._asked("GET", url, {}, None)

    def post(
        self, url: str, fields: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> ProviderAnswer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic is not None:
            pair = ":".join(map(form_quoted, basic)).encode("ascii")
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        return self._asked("POST", url, headers, form_of(fields))

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> ProviderAnswer:
        import httpx

        plain = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        begun = self._stopwatch.seconds()
        try:
            with self._opened().stream(method, url, headers=plain, content=body) as answer:
                return ProviderAnswer(answer.status_code, self._body(answer, begun))
        except httpx.HTTPError as error:
            # The address may hold a code or a state, and the error's text the address.
            raise provider_away(type(error).__name__) from error
        except httpx.InvalidURL as error:
            raise provider_away("its address is none") from error

    def _body(self, answer: httpx.Response, begun: float) -> bytes:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise provider_away("its answer is compressed, which was not asked for")
        body = bytearray()
        for piece in answer.iter_raw():
            body += piece
            if len(body) > self._bounds.body_bytes:
                raise provider_away(f"its answer is longer than {self._bounds.body_bytes} bytes")
            if self._stopwatch.seconds() - begun > self._bounds.whole_s:
                raise provider_away(f"its answer took longer than {self._bounds.whole_s:g} s")
        return bytes(body)

    def _opened(self) -> httpx.Client:
        import ssl

        import httpx  # loaded at the first request: most commands never ask a provider

        with self._lock:
            if self._client is None:
                try:
                    context = ssl.create_default_context(cafile=self._ca_file or None)
                except OSError as error:
                    raise Busy(
                        "the certificates that the identity provider is checked with cannot be read",
                        hint="See the setting sign_on.ca_file.",
                    ) from error
                self._client = httpx.Client(
                    verify=context,
                    timeout=httpx.Timeout(self._bounds.silence_s, connect=self._bounds.connect_s),
                    follow_redirects=False,
                    trust_env=False,
                )
            return self._client
