"""Who can sign on with two factors, by what the record says in the clear: nothing sealed is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import Account
from vanvault.recovery.sign_on.view import CREDENTIAL_SET, LOCAL_KIND


def provider_proves_two(settings: Settings) -> bool:
    """Must tokens of the provider name a level or a method? Then a sign-on there is believed to be of two."""
    provider = settings.sign_on.provider
    return bool(provider.acr or provider.amr)


def without_two_factors(archive: ArchiveReader, accounts: Iterable[Account]) -> dict[str, str]:
    """By id, why each of these people cannot sign on with two factors, for people; who can is left out.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    held = held_factors(archive)
    settings = archive.settings
    found = {one.id: _why_not(one, held.get(one.id, frozenset()), settings) for one in accounts}
    return {id: why for id, why in found.items() if why}


def held_factors(archive: ArchiveReader) -> dict[str, frozenset[str]]:
    """By id of an account what it signs on with here: ``password``, ``codes``, ``authenticators``.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    held: dict[str, frozenset[str]] = {}
    for event in own_events(archive.search, CREDENTIAL_SET, order="oldest"):
        if event.detail.get("kind") == LOCAL_KIND:
            held[str(event.detail.get("id"))] = _holds(event.detail)
    return held


def _holds(detail: Mapping[str, object]) -> frozenset[str]:
    told = detail.get("holds")
    return frozenset(map(str, told)) if isinstance(told, list) else frozenset()


def _why_not(account: Account, held: frozenset[str], settings: Settings) -> str:
    if "authenticators" in held or {"password", "codes"} <= held:
        return ""
    issuer = settings.sign_on.provider.issuer
    known_there = issuer is not None and any(one.issuer == issuer for one in account.identities)
    if known_there and provider_proves_two(settings):
        return ""
    if known_there:
        return "the provider need not prove two factors (sign_on.provider.acr, amr)"
    if held:
        return f"has no second factor, but {', '.join(sorted(held))} alone"
    return "has no credentials, and no identity at a provider that is set"
