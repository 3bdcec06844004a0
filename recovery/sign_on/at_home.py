"""Who is signed on at a command line of a home: judged as a node judges, by the same rule."""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.log_lines import Logger
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.sign_on.opening import SignOnRecord
from vanvault.recovery.sign_on.people import SignedOn
from vanvault.recovery.sign_on.provider import provider_of
from vanvault.recovery.sign_on.sign_ons import SignOns

_log = Logger("vanvault.sign_on")


def caller_at_home(archive: Archive, secret: str) -> SignedOn:
    """Whose session this is, by ``SignOns.caller``: it counts as used, and a provider is asked again.

    No node need run: what a node would put on record is written aside. A site that is away is no reason to
    refuse; what is known here decides then.

    Raises AccessDenied: it, or its account, is not good any more; Busy: the record is not known here, or the
    provider is away; SettingsError (the provider's), KeyUnavailable.
    """
    try:
        archive.refresh()
    except SiteUnavailable as error:
        _log.warning("a session is judged by what is known here", site=error.site, reason=error.message)

    def aside(event: EventDraft) -> None:
        archive.record_aside([event])

    provider = provider_of(
        archive.settings, archive.home, Ports(archive.clock, archive.stopwatch, archive.entropy)
    )
    record = SignOnRecord(wait=aside, tell=aside)
    return SignOns(archive, AccountsView.of(archive), record, provider).caller(secret)
