"""Local credentials: passwords, one-time codes and authenticators."""

from __future__ import annotations

from vanvault.archiver.people.sign_on.local.authenticators import (
    Authenticator,
    RelyingParty,
    asserted,
    assertion_options,
    new_challenge,
    registered,
    registration_options,
)
from vanvault.archiver.people.sign_on.local.local_credentials import LocalCredentials
from vanvault.archiver.people.sign_on.local.passwords import PasswordCost, Passwords, check_password
from vanvault.archiver.people.sign_on.local.totp import new_seed, seed_uri, step_of_code, totp_code, totp_step

__all__ = [
    "Authenticator",
    "LocalCredentials",
    "PasswordCost",
    "Passwords",
    "RelyingParty",
    "asserted",
    "assertion_options",
    "check_password",
    "new_challenge",
    "new_seed",
    "registered",
    "registration_options",
    "seed_uri",
    "step_of_code",
    "totp_code",
    "totp_step",
]
