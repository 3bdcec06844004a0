"""Tokens that an identity provider signed: ID tokens and logout tokens, verified.

OpenID Connect Core 1.0, 3.1.3.7; Back-Channel Logout 1.0, 2.4 to 2.6; RFC 8725 (traps of JWT). The
key is found by the token's ``kid`` among the provider's own; what a token says about keys elsewhere
(``jku``, ``jwk``, ``x5u``) is never followed.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import ProviderIdentity
from vanvault.archiver.people.sign_on.oidc.provider import ProviderClient, TokenRules
from vanvault.archiver.people.sign_on.oidc.provider_keys import ProviderKeys

_LONGEST_TOKEN = 64 * 1024
_LONGEST_TEXT = 255  # of a subject (OpenID Connect Core, 2), and of other ids
_MOST_GROUPS = 1000
_OLDEST_S = 600  # a token comes straight from the provider; one made longer ago was kept by somebody
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class ProviderProof:
    """What an ID token proves."""

    identity: ProviderIdentity
    session: str = ""  # the provider's id of its session (``sid``)
    authenticated: datetime | None = None  # when the person signed on there
    acr: str = ""
    amr: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogoutOrder:
    """Whom a logout token signs off: one session of the provider, or all of a subject; ``id``: ``jti``."""

    issuer: str
    subject: str  # "": see session
    session: str  # "": all of the subject
    id: str
    issued: datetime


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """All that tokens are held against. ``now``: the guarded clock."""

    client: ProviderClient
    rules: TokenRules
    keys: ProviderKeys
    now: Callable[[], datetime]

    def id_token(self, token: str, *, nonce: str | None) -> ProviderProof:
        """Verify an ID token.

        Args:
            nonce: as it was sent with the request; None: the request had none (device flow, refresh).

        Raises AccessDenied, naming what is wrong; Busy: the provider's keys are not to be had.
        """
        header, claims = self._signed(token)
        if str(header.get("typ", "JWT")).lower() not in ("jwt", "id_token+jwt"):
            raise _refused("it is no ID token")
        if nonce is not None and not _same(claims.get("nonce"), nonce):
            raise _refused("it does not answer this sign-on (nonce)")
        if "exp" not in claims:
            raise _refused("it says no end")
        self._check_common(claims)
        if "events" in claims:
            raise _refused("it is a logout token")
        authenticated = self._authenticated(claims)
        acr, amr = claims.get("acr", ""), claims.get("amr", [])
        if self.rules.acr and acr not in self.rules.acr:
            raise _refused("the sign-on at the provider was not strong enough (acr)")
        if self.rules.amr and not set(self.rules.amr) & set(_texts(amr)):
            raise _refused("the sign-on at the provider was not strong enough (amr)")
        return ProviderProof(
            ProviderIdentity(self.client.issuer, _text(claims.get("sub"), "subject")),
            session=_text(claims["sid"], "session") if claims.get("sid") else "",
            authenticated=authenticated,
            acr=acr if isinstance(acr, str) else "",
            amr=_texts(amr),
            groups=_texts(claims.get(self.rules.groups_claim, [])),
        )

    def logout_token(self, token: str) -> LogoutOrder:
        """Verify a logout token; whether it was used before, the caller knows. Raises as ``id_token``."""
        header, claims = self._signed(token)
        if str(header.get("typ", "")).lower() not in ("logout+jwt", "application/logout+jwt"):
            raise _refused("it is no logout token")
        if "nonce" in claims:
            raise _refused("a logout token has no nonce")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise _refused("it orders no logout")
        issued = self._check_common(claims)
        subject = _text(claims["sub"], "subject") if claims.get("sub") else ""
        session = _text(claims["sid"], "session") if claims.get("sid") else ""
        if not subject and not session:
            raise _refused("it names neither a session nor a subject")
        return LogoutOrder(
            self.client.issuer, subject, session, _text(claims.get("jti"), "id of the token"), issued
        )

    def _signed(self, token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Header and claims of a token whose signature holds."""
        from joserfc.errors import JoseError
        from joserfc.jws import JWSRegistry, extract_compact
        from joserfc.jwt import decode

        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise _refused("it is too long, or no token")
        registry = JWSRegistry(algorithms=list(self.rules.algorithms), strict_check_header=False)
        try:
            header = extract_compact(token.encode("ascii"), registry=registry).headers()
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in self.rules.algorithms:
                raise _refused("its algorithm is not allowed")
            if "crit" in header or "b64" in header:
                raise _refused("it asks for extensions that are not known")
            if kid is not None and not isinstance(kid, str):
                raise _refused("its key has no name")
            found = decode(token, self.keys.find(kid, str(algorithm)), registry=registry)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise _refused("its signature does not hold") from error
        return found.header, found.claims

    def _check_common(self, claims: Mapping[str, Any]) -> datetime:
        """Issuer, audience and times; the moment at which the token was made."""
        if not _same(claims.get("iss"), self.client.issuer):
            raise _refused("another issuer made it")
        self._check_audience(claims)
        now, skew = self.now().timestamp(), self.rules.skew_s
        made = _time(claims.get("iat"), "iat")
        if made > now + skew:
            raise _refused("it was made in the future; see the clocks of both hosts")
        if made < now - _OLDEST_S - skew:
            raise _refused("it was made too long ago; see the clocks of both hosts")
        if "exp" in claims and _time(claims["exp"], "exp") <= now - skew:
            raise _refused("it is over")
        if "nbf" in claims and _time(claims["nbf"], "nbf") > now + skew:
            raise _refused("it is not good yet")
        return datetime.fromtimestamp(made, UTC)

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        given = claims.get("aud")
        audiences = [given] if isinstance(given, str) else given
        if not isinstance(audiences, list) or self.client.id not in audiences:
            raise _refused("it was made for somebody else (aud)")
        if not all(one in (self.client.id, *self.rules.other_audiences) for one in audiences):
            raise _refused("it was made for others as well (aud)")
        party = claims.get("azp")
        if (party is None and len(audiences) > 1) or (party is not None and party != self.client.id):
            raise _refused("another client asked for it (azp)")

    def _authenticated(self, claims: Mapping[str, Any]) -> datetime | None:
        if "auth_time" not in claims:
            if self.rules.max_age_s is not None:
                raise _refused("it does not say when the person signed on (auth_time)")
            return None
        at, now = _time(claims["auth_time"], "auth_time"), self.now().timestamp()
        if at > now + self.rules.skew_s:
            raise _refused("the sign-on at the provider lies in the future")
        if self.rules.max_age_s is not None and now - at > self.rules.max_age_s + self.rules.skew_s:
            raise _refused("the sign-on at the provider was too long ago (auth_time)")
        return datetime.fromtimestamp(at, UTC)


def _refused(why: str) -> AccessDenied:
    return AccessDenied(f"the identity provider's token was refused: {why}", hint="Sign on again.")


def _same(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def _time(value: object, name: str) -> float:
    """Seconds since the epoch. Booleans, texts, NaN and years beyond reason are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**33:
        raise _refused(f"its {name} is no time")
    return float(value)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise _refused(f"its {name} is none")
    return value


def _texts(value: object) -> tuple[str, ...]:
    """Texts of a list; what is no text, or too long for one, is left out."""
    listed = value[:_MOST_GROUPS] if isinstance(value, list) else []
    return tuple(one for one in listed if isinstance(one, str) and 0 < len(one) <= _LONGEST_TEXT)
