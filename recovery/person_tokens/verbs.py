"""Give a token, and take one away: both are on record before they hold good.

One is given where the sites of the policy take the event, and taken away where any site does.
"""

from __future__ import annotations

from vanvault.archiver.appliance import credentials_master
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.tokens import (
    NewPersonToken,
    PersonTokens,
    TokenWish,
    to_add_token,
    to_remove_token,
)
from vanvault.recovery.accounts import Desk, current_accounts
from vanvault.recovery.person_tokens.record import person_tokens


def add_person_token(desk: Desk, name: str, wish: TokenWish) -> NewPersonToken:
    """Make a token of an account and put it on record; its secret is nowhere else.

    Raises NotFound (no such account), InvalidInput, AccessDenied (the account has not what is asked for),
    KeyUnavailable (no master of credentials), SiteUnavailable (it is not on record, so there is no token).
    """
    archive = desk.archive
    held = _current(desk)
    account = current_accounts(archive).get(name)
    credentials_master(archive, desk.who)
    made = to_add_token(account, wish, held, archive.clock.now(), archive.keys, archive.entropy)
    archive.record(EventType.ACCOUNT_TOKEN_ADDED, {**made.detail, "who": desk.who})
    return made


def remove_person_token(desk: Desk, name: str, token: str) -> bool:
    """Take a token away, by its id; every node refuses it within seconds. False: it was removed already.

    Where the policy asks for a site that is away, it is written aside to the other. Raises NotFound (no such
    account, or it never had this token), SiteUnavailable (no site takes it, so the token is good still).
    """
    _current(desk)
    account = current_accounts(desk.archive).get(name)
    detail = to_remove_token(account, token, person_tokens(desk.archive, everything=True))
    if detail is None:
        return False
    archive, told = desk.archive, {**detail, "who": desk.who}
    try:
        archive.record(EventType.ACCOUNT_TOKEN_REMOVED, told)
    except SiteUnavailable as error:
        archive.record_aside([archive.system_event(EventType.ACCOUNT_TOKEN_REMOVED, told)])
        desk.observer.warn(
            f"the site {error.site} is away: this is on record at the other, and reconciliation copies it"
        )
    return True


def _current(desk: Desk) -> PersonTokens:
    """The tokens, after a look at every site that answers."""
    for site in desk.archive.refresh().away:
        desk.observer.warn(f"the site {site} is away; what only it knows of tokens is not seen")
    held = person_tokens(desk.archive)
    for part in held.lacking:
        desk.observer.warn(f"a part of the record of tokens cannot be read: {part}")
    return held
