"""Who asks at an open archive, proved by its own record or by the operating system."""

from __future__ import annotations

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import Accounts
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.people.sign_on import SessionRules, SessionUse, standing_of_session
from vanvault.recovery.accounts import current_accounts
from vanvault.recovery.sign_on import SignOnView
from vanvault.recovery.work import account


def requester_here(accounts: Accounts) -> Requester:
    """The operating system's account of this process: the person's account of that name, if there is one."""
    name = account()
    found = accounts.find(name)
    is_person = found is not None and found.kind == "person"
    return Requester(name, found.id if found is not None and is_person else "")


def requester_of_session(archive: ArchiveReader, secret: str) -> Requester:
    """The person of a session. A provider is not asked again: asking alone lets nothing through.

    Raises AccessDenied: it is not good any more; Busy: its record is not known here; KeyUnavailable.
    """
    if archive.behind:
        archive.refresh()
    state, now = SignOnView(archive).current(), archive.clock.now()
    session = state.book.find(secret)
    found = None if session is None else current_accounts(archive).of_id(session.account)
    if session is not None and found is not None:
        settings = archive.settings.sign_on
        rules = SessionRules(idle=settings.idle, longest=settings.longest)
        seen = max(session.opened, state.used.get(session.id, session.opened))
        if standing_of_session(session, SessionUse(seen, now), rules, now) == "good":
            return Requester(found.name, found.id)
    raise AccessDenied("the session that is kept here is not good any more", hint="Run: vanvault login NAME")
