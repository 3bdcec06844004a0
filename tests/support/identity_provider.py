"""An identity provider of a test: it signs what it is told to, and can be wrong in many ways.

``FakeProvider`` is a ``ProviderHttp`` itself; ``served`` puts it behind a real HTTP server.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from joserfc import jwk, jwt

from vanvault.archiver.core.ports import Clock
from vanvault.archiver.people.sign_on.oidc import ASYMMETRIC, ProviderAnswer

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
CLIENT = "archive"
SECRET = "a secret: with /odd& characters"
SUBJECT = "5f0c-lan"
ALL_ALGORITHMS = [*ASYMMETRIC, "HS256", "HS384", "HS512"]


def new_key(kid: str, kind: str = "EC") -> Any:
    """A private key with a name."""
    size: Any = {"EC": "P-256", "RSA": 2048, "OKP": "Ed25519"}[kind]
    return jwk.JWKRegistry.generate_key(kind, size, {"kid": kid, "use": "sig"})


@dataclass
class FakeProvider:
    """One realm with one client. What a test sets here, the next answer follows."""

    clock: Clock
    issuer: str = "https://login.example.vn/staff"
    keys: list[Any] = field(default_factory=lambda: [new_key("k1")])  # the last one signs
    published: list[Any] | None = None  # None: all of keys
    claims: dict[str, Any] = field(default_factory=dict)  # over the usual ones; None takes one away
    description: dict[str, Any] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)  # paths that answer with status 503
    enabled: bool = True
    rotates: bool = False  # a refresh token is taken once
    confirmed: bool = False  # the person typed the code of a device
    asked: list[str] = field(default_factory=list)  # paths, in their order
    forms: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _refreshed: set[str] = field(default_factory=set)

    def get(self, url: str) -> ProviderAnswer:
        return self.answer("GET", urlsplit(url).path, {}, "")

    def post(
        self, url: str, fields: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> ProviderAnswer:
        return self.answer("POST", urlsplit(url).path, dict(fields), ":".join(basic or ()))

    def browse(self, address: str) -> list[tuple[str, str]]:
        """A person signs on at the address to which the browser was sent; the query of the way back."""
        asked = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return [("state", asked["state"]), ("code", code), ("iss", self.issuer)]

    def signed(self, header: Mapping[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A token with the usual claims, but for those given; None takes one away."""
        now = int(self.clock.now().timestamp())
        usual = {
            "iss": self.issuer,
            "sub": SUBJECT,
            "aud": CLIENT,
            "azp": CLIENT,
            "exp": now + 300,
            "iat": now,
            "auth_time": now - 10,
            "sid": "at-the-provider-1",
            "acr": "2",
            "amr": ["pwd", "otp"],
            "groups": ["auditors"],
        }
        told = {name: value for name, value in (usual | self.claims | claims).items() if value is not None}
        key = key or self.keys[-1]
        used = {"alg": algorithm_of(key), "kid": key.kid, **(header or {})}
        return jwt.encode({n: v for n, v in used.items() if v is not None}, told, key, ALL_ALGORITHMS)

    def logout_token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token that signs off."""
        told = {"jti": "logout-1", "events": {LOGOUT_EVENT: {}}, "azp": None, "auth_time": None}
        told |= {"acr": None, "amr": None, "groups": None}
        return self.signed({"typ": "logout+jwt", **(header or {})}, **(told | claims))

    def answer(self, method: str, path: str, fields: dict[str, str], basic: str) -> ProviderAnswer:
        """What the provider answers to a request."""
        path = path.removeprefix(urlsplit(self.issuer).path)
        self.asked.append(path)
        if path in self.away:
            return ProviderAnswer(503, b"<html>gone fishing</html>")
        if method == "GET" and path == "/.well-known/openid-configuration":
            return _json(200, self._described())
        if method == "GET" and path == "/keys":
            listed = self.keys if self.published is None else self.published
            return _json(200, {"keys": [one.as_dict(private=False) for one in listed]})
        self.forms.append(fields)
        if basic != f"{CLIENT}:{SECRET}":
            return _json(401, {"error": "invalid_client"})
        if path == "/device":
            return _json(200, self._device())
        return self._token(fields)

    def _described(self) -> dict[str, Any]:
        told = {"authorization": "auth", "token": "token", "device_authorization": "device"}
        endpoints = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in told.items()}
        usual = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **endpoints}
        usual |= {"code_challenge_methods_supported": ["plain", "S256"]}
        usual |= {"authorization_response_iss_parameter_supported": True}
        return {name: value for name, value in (usual | self.description).items() if value is not None}

    def _device(self) -> dict[str, Any]:
        return {
            "device_code": "device-1",
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.issuer}/device/confirm",
            "expires_in": 600,
            "interval": 5,
        }

    def _token(self, fields: Mapping[str, str]) -> ProviderAnswer:
        kind = fields["grant_type"]
        if not self.enabled:
            return _json(400, {"error": "invalid_grant", "error_description": "User disabled"})
        if kind.endswith("device_code"):
            if not self.confirmed:
                return _json(400, {"error": "authorization_pending"})
            return self._tokens(nonce=None)
        if kind == "refresh_token":
            if self.rotates and fields["refresh_token"] in self._refreshed:
                return _json(400, {"error": "invalid_grant", "error_description": "used before"})
            self._refreshed.add(fields["refresh_token"])
            return self._tokens(nonce=None)
        begun = self._codes.pop(fields["code"], None)
        if begun is None or fields["redirect_uri"] != begun["redirect_uri"]:
            return _json(400, {"error": "invalid_grant"})
        challenge = base64.urlsafe_b64encode(hashlib.sha256(fields["code_verifier"].encode()).digest())
        if challenge.rstrip(b"=").decode() != begun["code_challenge"]:
            return _json(400, {"error": "invalid_grant"})
        return self._tokens(nonce=begun["nonce"])

    def _tokens(self, nonce: str | None) -> ProviderAnswer:
        told = {} if nonce is None or "nonce" in self.claims else {"nonce": nonce}
        refresh = f"refresh-{len(self.forms)}"
        return _json(200, {"id_token": self.signed(**told), "refresh_token": refresh, "token_type": "Bearer"})


def algorithm_of(key: Any) -> str:
    return {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519", "oct": "HS256"}[key.key_type]


def _json(status: int, value: Any) -> ProviderAnswer:
    return ProviderAnswer(status, orjson.dumps(value))


@dataclass
class Wire:
    """How the server in front of a provider misbehaves: ``hangs`` until it is set free, by ``let_go``."""

    hangs: bool = False
    long: bool = False  # an answer without end
    compressed: bool = False
    redirects: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def served(provider: FakeProvider) -> Iterator[Wire]:
    """The provider behind HTTP on a free port of this machine; its issuer becomes that address."""
    wire = Wire()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET", {}, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            basic = base64.b64decode(given).decode()
            pair = ":".join(dict(parse_qsl(f"x={one}"))["x"] for one in basic.split(":")) if basic else ""
            self._answer("POST", dict(parse_qsl(body)), pair)

        def _answer(self, method: str, fields: dict[str, str], basic: str) -> None:
            if wire.hangs:
                wire.let_go.wait(30)
                return
            found = provider.answer(method, urlsplit(self.path).path, fields, basic)
            body = found.body + b" " * 2**20 if wire.long else found.body
            self.send_response(302 if wire.redirects else found.status)
            if wire.redirects:
                self.send_header("Location", f"{provider.issuer}/elsewhere")
            if wire.compressed:
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}/staff"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield wire
    finally:
        wire.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()
