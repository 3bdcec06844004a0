"""What people sign on with, sealed: password hashes, TOTP seeds, public keys of authenticators, digests."""

from __future__ import annotations

from vanvault.archiver.people.credentials.sealed import (
    CredentialPlace,
    SealedCredential,
    open_credential,
    seal_credential,
    sealed_in,
)

__all__ = ["CredentialPlace", "SealedCredential", "open_credential", "seal_credential", "sealed_in"]
