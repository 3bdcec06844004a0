"""Sign-on at an identity provider: OpenID Connect."""

from __future__ import annotations

from vanvault.archiver.people.sign_on.oidc.identity_provider import (
    DeviceGrant,
    DeviceWait,
    IdentityProvider,
    ProviderTokens,
    moment_of,
)
from vanvault.archiver.people.sign_on.oidc.pending import PendingSignOn, safe_return
from vanvault.archiver.people.sign_on.oidc.provider import (
    ASYMMETRIC,
    ProviderClient,
    ProviderMetadata,
    TokenRules,
)
from vanvault.archiver.people.sign_on.oidc.provider_http import HttpProvider, ProviderBounds
from vanvault.archiver.people.sign_on.oidc.provider_keys import KeyPace, ProviderKeys
from vanvault.archiver.people.sign_on.oidc.provider_port import ProviderAnswer, ProviderHttp, provider_away
from vanvault.archiver.people.sign_on.oidc.tokens import (
    LogoutOrder,
    ProviderProof,
    TokenCheck,
)

__all__ = [
    "ASYMMETRIC",
    "DeviceGrant",
    "DeviceWait",
    "HttpProvider",
    "IdentityProvider",
    "KeyPace",
    "LogoutOrder",
    "PendingSignOn",
    "ProviderAnswer",
    "ProviderBounds",
    "ProviderClient",
    "ProviderHttp",
    "ProviderKeys",
    "ProviderMetadata",
    "ProviderProof",
    "ProviderTokens",
    "TokenCheck",
    "TokenRules",
    "moment_of",
    "provider_away",
    "safe_return",
]
