"""Signing on at a node, and what is on record about it."""

from __future__ import annotations

from vanvault.recovery.sign_on.at_home import caller_at_home
from vanvault.recovery.sign_on.break_glass import BreakGlassTried, read_break_glass
from vanvault.recovery.sign_on.credentials import CredentialRequest, CredentialsSet, set_credentials
from vanvault.recovery.sign_on.demo_links import DemoLinkMade, make_demo_link
from vanvault.recovery.sign_on.envelopes import (
    drill_break_glass,
    remove_break_glass,
    review_break_glass,
    seal_break_glass,
)
from vanvault.recovery.sign_on.factors import held_factors, provider_proves_two, without_two_factors
from vanvault.recovery.sign_on.listing import ListedSession, current_sessions, end_sessions
from vanvault.recovery.sign_on.opening import SessionOpened, SignOnRecord
from vanvault.recovery.sign_on.people import CallerPlace, SignedOn
from vanvault.recovery.sign_on.provider import provider_of
from vanvault.recovery.sign_on.sign_ons import SignOns
from vanvault.recovery.sign_on.with_authenticator import AuthenticatorBegun, authenticator_id

__all__ = [
    "AuthenticatorBegun",
    "BreakGlassTried",
    "CallerPlace",
    "CredentialRequest",
    "CredentialsSet",
    "DemoLinkMade",
    "ListedSession",
    "SessionOpened",
    "SignOnRecord",
    "SignOns",
    "SignedOn",
    "authenticator_id",
    "caller_at_home",
    "current_sessions",
    "drill_break_glass",
    "end_sessions",
    "held_factors",
    "make_demo_link",
    "provider_of",
    "provider_proves_two",
    "read_break_glass",
    "remove_break_glass",
    "review_break_glass",
    "seal_break_glass",
    "set_credentials",
    "without_two_factors",
]
