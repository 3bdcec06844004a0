"""Signing on at a node, and what is on record about it."""

from __future__ import annotations

from vanvault.recovery.sign_on.credentials import CredentialRequest, CredentialsSet, set_credentials
from vanvault.recovery.sign_on.opening import SessionOpened, SignOnRecord
from vanvault.recovery.sign_on.people import CallerPlace, SignedOn
from vanvault.recovery.sign_on.provider import provider_of
from vanvault.recovery.sign_on.sign_ons import SignOns
from vanvault.recovery.sign_on.view import SignOnView

__all__ = [
    "CallerPlace",
    "CredentialRequest",
    "CredentialsSet",
    "SessionOpened",
    "SignOnRecord",
    "SignOnView",
    "SignOns",
    "SignedOn",
    "provider_of",
    "set_credentials",
]
