"""Sessions that are open, as people list and end them: one's own, or another's."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.accounts import Accounts
from vanvault.archiver.people.sign_on import Session, SessionEnd, SessionRules
from vanvault.recovery.accounts import Desk, current_accounts
from vanvault.recovery.sign_on.people import may_go_on
from vanvault.recovery.sign_on.view import ENDED, SignOnState, read_sign_on

_SESSION_ID = re.compile(r"s-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session that may still be used. ``used``: the last use that is known, some minutes old at most."""

    session: Session
    account: str  # its name
    used: datetime
    address: str = ""  # from where it was opened; "": nobody told

    def as_json(self) -> dict[str, object]:
        """For a list; without anything that the session could be used with."""
        one = self.session
        return {
            "id": one.id,
            "account": self.account,
            "account_id": one.account,
            "method": one.method,
            "address": self.address,
            "opened_at": rfc3339_seconds(one.opened),
            "authenticated_at": rfc3339_seconds(one.authenticated),
            "used_at": rfc3339_seconds(self.used),
            "until": rfc3339_seconds(one.until),
        }


def listed_sessions(
    state: SignOnState,
    accounts: Accounts,
    rules: SessionRules,
    now: datetime,
    used_here: Callable[[str], datetime | None] = lambda _: None,
) -> list[ListedSession]:
    """The sessions that may still be used, by account and time. Pure.

    Each node tells the others of a session's use a few times within its idle time, so one is left out when
    it is idle for longer than that by all that is known.

    Nor is one listed whose account is off: its next request is refused. An account that is not known here is
    shown by its id.

    ``used_here``: what this node itself saw of a session, by its id.
    """
    found = []
    for one in state.book.sessions.values():
        account = accounts.of_id(one.account)
        resumed = None if account is None else account.marks.resumed_at
        known = (state.used.get(one.id), used_here(one.id), one.opened)
        used = max(moment for moment in known if moment is not None)
        idle = now - used >= rules.idle + rules.idle / 3
        if account is not None and not may_go_on(account, one, now):
            continue
        if idle or one.until <= now or (resumed is not None and one.opened <= resumed):
            continue
        name = one.account if account is None else account.name
        found.append(ListedSession(one, name, used, state.addresses.get(one.id, "")))
    return sorted(found, key=lambda listed: (listed.account, listed.session.opened, listed.session.id))


def current_sessions(archive: ArchiveReader) -> list[ListedSession]:
    """The same, by what is folded here. Raises Damaged, SiteUnavailable (the index)."""
    now, settings = archive.clock.now(), archive.settings.sign_on
    rules = SessionRules(idle=settings.idle, longest=settings.longest)
    return listed_sessions(read_sign_on(archive, now), current_accounts(archive), rules, now)


def end_sessions(desk: Desk, names: Collection[str]) -> tuple[ListedSession, ...]:
    """End sessions by their ids, or all of accounts by their names; those that were open.

    An account's end also ends what another node opened before and this one has not heard of. One site that
    takes it is enough. Raises NotFound: no account and no open session has this name or id; SiteUnavailable.
    """
    archive = desk.archive
    for site in archive.refresh().away:
        desk.observer.warn(f"the site {site} is away; what only it knows of sessions is not seen")
    accounts, open_now = current_accounts(archive), current_sessions(archive)
    ended: dict[str, ListedSession] = {}
    ends = []
    for name in dict.fromkeys(names):
        at = archive.clock.now()
        if _SESSION_ID.fullmatch(name):
            found = [one for one in open_now if one.session.id == name]
            if not found:
                raise NotFound(f"no open session has the id {name}", hint="vanvault account session list")
            ends.append(SessionEnd("ended", at, session=name))
        else:
            account = accounts.get(name)
            found = [one for one in open_now if one.session.account == account.id]
            ends.append(SessionEnd("ended", at, account=account.id))
        ended |= {one.session.id: one for one in found}
    _record(desk, ends)
    return tuple(ended.values())


def _record(desk: Desk, ends: list[SessionEnd]) -> None:
    archive = desk.archive
    made = [archive.system_event(ENDED, {**end.detail(), "who": desk.who}) for end in ends]
    try:
        archive.record_events(lambda: made)
    except SiteUnavailable as error:
        archive.record_aside(made)
        desk.observer.warn(
            f"the site {error.site} is away: this is on record at the other, and reconciliation copies it"
        )
