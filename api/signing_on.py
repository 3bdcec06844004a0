"""Signing on at this node: its accounts, its provider, and intake, which puts it on record."""

from __future__ import annotations

import threading

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, SiteUnavailable, VanVaultError
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Outcome
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.intake import Intake
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.sign_on import SignOnRecord, SignOns, provider_of

_LONGEST_S = 30.0


def sign_ons_of(archive: Archive, intake: Intake, accounts: AccountsView) -> SignOns:
    """Raises SettingsError: the provider's settings are wrong. Nothing is asked or read yet."""
    ports = Ports(archive.clock, archive.stopwatch, archive.entropy)
    return SignOns(
        archive,
        accounts,
        SignOnRecord(
            wait=lambda event: _recorded(archive, intake, event), tell=lambda event: _told(intake, event)
        ),
        provider_of(archive.settings, archive.home, ports),
    )


def _recorded(archive: Archive, intake: Intake, event: EventDraft) -> None:
    """Returns once the event is on record: by intake, or aside, as a look is, while intake takes none.

    So a site that is away keeps nobody from signing on, or from being signed off. Raises Conflict: another
    event has this id; and what the record came to.
    """
    answered = threading.Event()
    outcomes: list[Outcome] = []

    def done(outcome: Outcome, repeated: bool) -> None:
        outcomes.append(outcome)
        answered.set()

    try:
        intake.submit(event, done)
        if not answered.wait(_LONGEST_S):
            raise Busy("this could not be put on record in time", retry_after=5)
        if isinstance(outcomes[0], VanVaultError):
            raise outcomes[0]
    except (Busy, SiteUnavailable):
        archive.record_aside([event])


def _told(intake: Intake, event: EventDraft) -> None:
    """Nobody waits for it. Raises what is known at once."""
    intake.submit(event, lambda outcome, repeated: None)
