"""A session: who signed on, how, and until when it is good. Pure.

What many nodes must agree on is in the session itself and comes from the record; when it was last used, each
node knows for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from vanvault.archiver.people.accounts import ProviderIdentity

SessionMethod = Literal[
    "password",  # alone, 14 characters at least
    "password+code",
    "authenticator",  # WebAuthn with the user verified: two factors
    "provider",
    "demo-link",  # of a demonstration: no factor of the person, so it approves nothing
    "break-glass",  # a sealed credential: no factor of the person, so it approves nothing
]
SESSION_METHODS: tuple[SessionMethod, ...] = get_args(SessionMethod)

SessionStanding = Literal[
    "good",
    "recheck",  # good once the provider has been asked again
    "idle",  # not used for too long
    "over",  # longer than any session may be
    "early",  # opened in the future: a clock is wrong
]


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session is good."""

    idle: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=8)
    recheck: timedelta = timedelta(minutes=5)  # at the provider, at least so often
    skew: timedelta = timedelta(minutes=1)  # between the clocks of two nodes


@dataclass(frozen=True, slots=True)
class ProviderLink:
    """Where a session at the provider hangs together with ours; ``sealed``: its refresh token, sealed."""

    identity: ProviderIdentity
    session: str = ""
    sealed: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """One session. Its secret is nowhere, only the digest."""

    id: str
    digest: str = field(repr=False)
    account: str  # id of the account
    method: SessionMethod
    opened: datetime
    authenticated: datetime  # when the person last proved who they are
    until: datetime
    link: ProviderLink | None = None

    @property
    def has_two_factors(self) -> bool:
        """Two factors were shown here; a provider's are judged when its token is."""
        return self.method in ("password+code", "authenticator")

    def is_fresh(self, now: datetime, within: timedelta) -> bool:
        """Did the person prove who they are at most so long ago?"""
        return now - self.authenticated <= within


@dataclass(frozen=True, slots=True)
class SessionUse:
    """What this node saw of a session: when it was last used here, and when the provider last said yes."""

    seen: datetime
    checked: datetime


def standing_of_session(
    session: Session, use: SessionUse, rules: SessionRules, now: datetime
) -> SessionStanding:
    """How a session stands at a moment, for a request that comes now."""
    if now + rules.skew < session.opened:
        return "early"
    if now >= min(session.until, session.opened + rules.longest):
        return "over"
    if now - use.seen >= rules.idle:
        return "idle"
    if session.link is not None and now - use.checked >= rules.recheck:
        return "recheck"
    return "good"
