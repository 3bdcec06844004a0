"""How this archive is known at an identity provider, and how the provider describes itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.people.sign_on.oidc.urls import check_endpoint, check_issuer, check_redirect

#: Algorithms of signatures with a public key (RFC 7518, 8037). No ``none``, and none with a shared secret:
#: who knows the provider's public key could sign with it.
ASYMMETRIC = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_MOST_SKEW_S = 300


@dataclass(frozen=True, slots=True)
class ProviderClient:
    """What is registered at the provider. ``secret`` "": a public client, which PKCE protects alone."""

    issuer: str
    id: str
    redirect_uri: str
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid",)

    def __post_init__(self) -> None:
        check_issuer(self.issuer)
        check_redirect(self.redirect_uri)
        if not self.id or "openid" not in self.scopes:
            raise SettingsError(
                "a provider's client has an id and asks for the scope openid", hint="See [sign_on]."
            )


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must be like, beyond what the standard says."""

    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
    skew_s: int = 60  # how far the provider's clock may be off, either way
    max_age_s: int | None = None  # how long ago the person may have signed on at the provider
    acr: tuple[str, ...] = ()  # one of these levels; (): any
    amr: tuple[str, ...] = ()  # one of these methods at least; (): any
    other_audiences: tuple[str, ...] = ()  # that may stand beside the client's own
    groups_claim: str = "groups"

    def __post_init__(self) -> None:
        strange = sorted(set(self.algorithms) - set(ASYMMETRIC))
        if strange or not self.algorithms:
            raise SettingsError(
                f"tokens may not be signed with {', '.join(strange) or 'nothing'}",
                hint=f"Some of: {', '.join(ASYMMETRIC)}.",
            )
        if not 0 <= self.skew_s <= _MOST_SKEW_S:
            raise SettingsError(
                f"the clock of a provider may be off by 0 to {_MOST_SKEW_S} s", hint="Set the hosts' clocks."
            )


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The provider's own description (OpenID Connect Discovery 1.0, 3), as far as it is used."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    device: str = ""  # RFC 8628; "": it has none
    end_session: str = ""
    posts_secret: bool = False  # it takes the client's secret in the form only
    says_issuer: bool = False  # it names itself when it sends people back (RFC 9207)

    @classmethod
    def of_json(cls, value: Mapping[str, Any], issuer: str) -> ProviderMetadata:
        """Raises SettingsError: another issuer than was asked, no PKCE with S256, or an unsafe address."""
        if value.get("issuer") != issuer:
            raise SettingsError(
                f"the provider calls itself {str(value.get('issuer'))[:200]!r}, not {issuer!r}",
                hint="Write the issuer in sign_on.issuer exactly as the provider does.",
            )
        methods = value.get("code_challenge_methods_supported", ["S256"])
        if not isinstance(methods, list) or "S256" not in methods:
            raise SettingsError("the provider has no PKCE with S256", hint="Switch it on for this client.")
        ways = value.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return cls(
            issuer=issuer,
            authorization=check_endpoint(
                value.get("authorization_endpoint"), issuer, "authorization_endpoint"
            ),
            token=check_endpoint(value.get("token_endpoint"), issuer, "token_endpoint"),
            jwks=check_endpoint(value.get("jwks_uri"), issuer, "jwks_uri"),
            device=_optional(value, issuer, "device_authorization_endpoint"),
            end_session=_optional(value, issuer, "end_session_endpoint"),
            posts_secret=isinstance(ways, list)
            and "client_secret_basic" not in ways
            and "client_secret_post" in ways,
            says_issuer=value.get("authorization_response_iss_parameter_supported") is True,
        )


def _optional(value: Mapping[str, Any], issuer: str, name: str) -> str:
    return check_endpoint(value[name], issuer, name) if value.get(name) else ""
