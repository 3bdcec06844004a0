"""One identity provider, as this archive talks to it: sign-on by code or by device, re-check, logout.

::

    begin   -> address for the browser, PendingSignOn            OpenID Connect Core 1.0, 3.1
    finish  -> ProviderTokens                                    RFC 6749, 4.1.3; RFC 7636
    recheck -> ProviderTokens, or AccessDenied: not any more     RFC 6749, 6
    begin_device, poll_device -> the command line's way          RFC 8628
    logout_of -> LogoutOrder, each token once                    Back-Channel Logout 1.0
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from vanvault.archiver.core.errors import AccessDenied, InvalidInput, SettingsError, VanVaultError
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.people.accounts import ProviderIdentity
from vanvault.archiver.people.sign_on.oidc.pending import PendingSignOn, challenge_of, new_verifier
from vanvault.archiver.people.sign_on.oidc.provider import ProviderClient, ProviderMetadata, TokenRules
from vanvault.archiver.people.sign_on.oidc.provider_keys import KeyPace, ProviderKeys
from vanvault.archiver.people.sign_on.oidc.provider_port import ProviderAnswer, ProviderHttp, provider_away
from vanvault.archiver.people.sign_on.oidc.tokens import (
    LogoutOrder,
    ProviderProof,
    TokenCheck,
)
from vanvault.archiver.people.sign_on.oidc.used_tokens import UsedTokens

_DISCOVERY = "/.well-known/openid-configuration"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_FRESH_S = 3600.0  # how long the provider's description is used
_BETWEEN_S = 10.0  # at least, between two attempts to fetch it
_LONGEST_TOKEN = 64 * 1024
#: Answers of the token endpoint about this sign-on; any other error is about this host's own settings.
_ABOUT_THE_PERSON = ("invalid_grant", "access_denied", "expired_token")


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What the provider gave: who it is, and how to ask again whether the person may still come in."""

    proof: ProviderProof
    refresh: str = field(default="", repr=False)  # "": it cannot be asked again
    id_token: str = field(default="", repr=False)  # to be named when signing off there


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """A sign-on that a person confirms in a browser elsewhere: ``user_code`` is typed at ``address``."""

    device_code: str = field(repr=False)
    verifier: str = field(repr=False)  # of PKCE, which a provider may ask for here, too
    user_code: str
    address: str
    address_with_code: str  # "": the code must be typed
    interval_s: int
    lifetime_s: int

    def as_json(self) -> dict[str, Any]:
        """As JSON values, for the seal alone."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of_json(cls, value: Any) -> DeviceGrant:
        """Raises InvalidInput for what ``as_json`` did not write."""
        try:
            return cls(**{name: value[name] for name in cls.__slots__})
        except (KeyError, TypeError) as error:
            raise InvalidInput("this is no sign-on that was begun here", hint="Sign on again.") from error


#: While the person has not confirmed: ask again after the interval; ``slower``: after 5 s more from now on.
DeviceWait = Literal["pending", "slower"]


class IdentityProvider:
    """Talks to one provider. Many threads may call."""

    def __init__(
        self,
        client: ProviderClient,
        rules: TokenRules,
        http: ProviderHttp,
        ports: Ports,
        pace: KeyPace | None = None,
    ) -> None:
        self._client = client
        self._http = http
        self._ports = ports
        self._lock = threading.Lock()
        self._metadata: ProviderMetadata | None = None
        self._fetched = 0.0
        self._tried: float | None = None
        keys = ProviderKeys(self._fetch_keys, ports.stopwatch, pace)
        self._check = TokenCheck(client, rules, keys, ports.clock.now)
        self._used = UsedTokens()

    def begin(self, return_to: str = "/", *, again: bool = False) -> tuple[str, PendingSignOn]:
        """Where the browser goes, and what it must bring back. Raises Busy, SettingsError."""
        pending = PendingSignOn.begin(self._ports.entropy, self._ports.clock.now(), return_to)
        return pending.url(self._client, self._described(), again=again), pending

    def finish(self, pending: PendingSignOn, query: Sequence[tuple[str, str]]) -> ProviderTokens:
        """The tokens for the query that a browser brought back. Raises AccessDenied, Busy, SettingsError."""
        code = pending.code_of(query, self._described(), self._ports.clock.now())
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": pending.verifier,
        }
        return self._tokens(self._granted(fields), nonce=pending.nonce)

    def recheck(self, refresh: str, identity: ProviderIdentity) -> ProviderTokens:
        """Ask whether the person may still come in.

        Raises AccessDenied: not any more, or the answer is about somebody else; Busy: the provider is away.
        """
        fields = {"grant_type": "refresh_token", "refresh_token": refresh}
        answer = self._granted(fields)
        found = self._tokens(answer, nonce=None)
        if found.proof.identity != identity:
            raise AccessDenied("the identity provider answered about somebody else", hint="Sign on again.")
        return found if found.refresh else ProviderTokens(found.proof, refresh, found.id_token)

    def begin_device(self) -> DeviceGrant:
        """Begin a sign-on without a browser here. Raises Busy, SettingsError (the provider has none)."""
        metadata = self._described()
        if not metadata.device:
            raise SettingsError(
                "the identity provider has no device flow", hint="Sign on in the browser: /v1/oidc/start."
            )
        verifier = new_verifier(self._ports.entropy)
        fields = {"scope": " ".join(self._client.scopes), **challenge_of(verifier)}
        return _device_grant(_good(self._posted(metadata.device, fields)), verifier)

    def poll_device(self, grant: DeviceGrant) -> ProviderTokens | DeviceWait:
        """The tokens once the person has confirmed, else ``pending`` or ``slower``.

        Raises AccessDenied: refused, or the code is over; Busy.
        """
        fields = {
            "grant_type": _DEVICE_GRANT,
            "device_code": grant.device_code,
            "code_verifier": grant.verifier,
        }
        answer = self._posted(self._described().token, fields)
        error = answer.json().get("error") if answer.status == 400 else None
        if error == "authorization_pending":
            return "pending"
        if error == "slow_down":
            return "slower"
        return self._tokens(_good(answer), nonce=None)

    def logout_of(self, token: str) -> LogoutOrder:
        """Whom a logout token signs off. Raises AccessDenied: not good, or used before; Busy."""
        order = self._check.logout_token(token)
        if not self._used.take(order.id, self._ports.stopwatch.seconds()):
            raise AccessDenied("this logout token was used before")
        return order

    def end_session_address(self) -> str:
        """Where a person signs off at the provider, too; "": nowhere. Raises Busy, SettingsError."""
        return self._described().end_session

    def _granted(self, fields: Mapping[str, str]) -> dict[str, Any]:
        return _good(self._posted(self._described().token, fields))

    def _posted(self, url: str, fields: Mapping[str, str]) -> ProviderAnswer:
        """A form with the client's own proof in it, or in the header."""
        client = self._client
        if client.secret and not self._described().posts_secret:
            return self._http.post(url, fields, (client.id, client.secret))
        proof = {"client_id": client.id} | ({"client_secret": client.secret} if client.secret else {})
        return self._http.post(url, {**fields, **proof})

    def _tokens(self, answer: Mapping[str, Any], *, nonce: str | None) -> ProviderTokens:
        id_token, refresh = answer.get("id_token"), answer.get("refresh_token", "")
        if not isinstance(id_token, str):
            raise AccessDenied(
                "the identity provider gave no ID token", hint="Its client must have the scope openid."
            )
        if not isinstance(refresh, str) or len(refresh) > _LONGEST_TOKEN:
            raise provider_away("its refresh token is none")
        return ProviderTokens(self._check.id_token(id_token, nonce=nonce), refresh, id_token)

    def _described(self) -> ProviderMetadata:
        """The provider's description; an old one serves while no new one can be had."""
        with self._lock:
            now = self._ports.stopwatch.seconds()
            known = self._metadata
            if known is not None and now - self._fetched < _FRESH_S:
                return known
            if self._tried is not None and now - self._tried < _BETWEEN_S:
                if known is not None:
                    return known
                raise provider_away("its description could not be had a moment ago")
            self._tried = now
            try:
                answer = self._http.get(self._client.issuer.rstrip("/") + _DISCOVERY)
                if answer.status != 200:
                    raise provider_away(f"its description has the status {answer.status}")
                found = ProviderMetadata.of_json(answer.json(), self._client.issuer)
            except VanVaultError:
                if known is not None:
                    return known
                raise
            self._metadata, self._fetched = found, now
            return found

    def _fetch_keys(self) -> Mapping[str, Any]:
        answer = self._http.get(self._described().jwks)
        if answer.status != 200:
            raise provider_away(f"its keys have the status {answer.status}")
        return answer.json()


def _good(answer: ProviderAnswer) -> dict[str, Any]:
    """The answer of an endpoint that granted what was asked. Raises AccessDenied, Busy, SettingsError."""
    if answer.status == 200:
        return answer.json()
    if answer.status >= 500 or answer.status == 429:
        raise provider_away(f"its status is {answer.status}")
    error = answer.json().get("error")
    if error in _ABOUT_THE_PERSON:
        raise AccessDenied(f"the identity provider refused: {error}", hint="Sign on again.")
    known = error if isinstance(error, str) and error.isascii() and error.replace("_", "").isalpha() else "?"
    raise SettingsError(
        f"the identity provider does not take this archive as its client: {known[:60]}",
        hint="Compare [sign_on] with what is registered at the provider.",
    )


def _device_grant(answer: Mapping[str, Any], verifier: str) -> DeviceGrant:
    code, user_code = answer.get("device_code"), answer.get("user_code")
    address, whole = answer.get("verification_uri"), answer.get("verification_uri_complete", "")
    texts = (code, user_code, address, whole)
    if not all(isinstance(one, str) and one.isprintable() and len(one) < 4096 for one in texts):
        raise provider_away("its answer to a device is none")
    interval, lifetime = answer.get("interval", 5), answer.get("expires_in")
    if not all(isinstance(one, int) and 0 < one < 86_400 for one in (interval, lifetime)):
        raise provider_away("its answer to a device has no times")
    return DeviceGrant(
        device_code=str(code),
        verifier=verifier,
        user_code=str(user_code),
        address=str(address),
        address_with_code=str(whole),
        interval_s=int(interval),
        lifetime_s=int(str(lifetime)),
    )


def moment_of(proof: ProviderProof, now: datetime) -> datetime:
    """When the person last proved who they are, as far as the provider says; else now."""
    return min(proof.authenticated, now) if proof.authenticated is not None else now
