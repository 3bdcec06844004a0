"""The identity provider that the settings name."""

from __future__ import annotations

from pathlib import Path

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.people.sign_on.oidc import (
    HttpProvider,
    IdentityProvider,
    ProviderClient,
    TokenRules,
)


def provider_of(settings: Settings, home: Path, ports: Ports) -> IdentityProvider | None:
    """The provider of ``[sign_on.provider]``, None: there is none. It is asked nothing yet.

    Raises SettingsError: an unsafe address, or the file with the secret cannot be read.
    """
    told = settings.sign_on.provider
    if told.issuer is None:
        return None
    client = ProviderClient(
        issuer=told.issuer,
        id=str(told.client_id),
        redirect_uri=str(told.redirect_uri),
        secret=_secret(home, told.client_secret_file),
        scopes=told.scopes,
    )
    rules = TokenRules(
        skew_s=told.skew_s,
        max_age_s=told.max_age_s,
        acr=told.acr,
        amr=told.amr,
        groups_claim=told.groups_claim,
    )
    ca_file = str(home / told.ca_file) if told.ca_file else ""
    return IdentityProvider(client, rules, HttpProvider(ca_file), ports)


def _secret(home: Path, file: str | None) -> str:
    if file is None:
        return ""
    try:
        path = home / file
        if path.stat().st_mode & 0o077:
            raise SettingsError(
                "sign_on.provider.client_secret_file can be read by others", hint=f"Run: chmod 600 {path}"
            )
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            "sign_on.provider.client_secret_file cannot be read", hint="See docs/settings.md."
        ) from error
