"""The verbs: each changes ``gateways.json`` in one step, then puts the change on record.

What takes a right away holds good at once, whatever the archive can do at that moment, and is recorded when
it can. What makes a gateway asks the archive first: a name that ever was another gateway's is not given away,
even where ``gateways.json`` was lost or is of another home.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound, VanVaultError
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.people import Gateway, Gateways, NewToken, TokenTerms, check_name, taken_by_removed
from vanvault.recovery.gateways.record import (
    account_on_record,
    has_entries,
    ids_on_record,
    record_changes,
    tokens_removed,
)
from vanvault.recovery.work import QUIET, Observer

#: What keeps a change from the record, or from a last look at it; the change itself is made by then.
_CANNOT = (VanVaultError, OSError, sqlite3.OperationalError)
_NOT_ON_RECORD = "it holds good, and a running node or the next gateway verb puts it on record"


@dataclass(frozen=True, slots=True)
class AddRequest:
    """A gateway to add, or a removed one to bring back."""

    name: str
    who: str
    terms: TokenTerms  # of its token
    policy: str | None = None  # ``all``, ``any``, or None: as sites.policy says
    bring_back: bool = False


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One more token for a gateway."""

    name: str
    who: str
    terms: TokenTerms
    overlap: timedelta | None = None  # how long the other tokens are good beside it; None: as before


def add_gateway(archive: Archive, request: AddRequest, observer: Observer = QUIET) -> NewToken:
    """Add a gateway, or bring a removed one back as the same one; its token is nowhere else.

    Raises Conflict (the name is or was another's), InvalidInput, NotFound (nothing to bring back),
    SiteUnavailable (no site can be asked), KeyUnavailable.
    """
    check_name(request.name)
    gateways, ports = archive.gateways, (archive.entropy, archive.clock)
    _check_begin(request.terms, archive.clock.now())
    for site in archive.refresh().away:
        observer.warn(f"the site {site} is away; a name that only it knows is not seen")
    _check_no_account(archive, request.name)
    known = next((one for one in gateways.all() if one.name == request.name), None)
    on_record = ids_on_record(archive.search, request.name)
    id = _id_of(archive, request, known, on_record)
    if request.bring_back:
        made = gateways.bring_back(
            request.name, *ports, policy=request.policy, terms=request.terms, id=id, who=request.who
        )
    else:
        made = gateways.add(request.name, *ports, policy=request.policy, terms=request.terms, who=request.who)
    if _recorded(archive, observer) and not request.bring_back:
        _check_alone(archive, made, request.who, observer)
    return made


def remove_gateway(
    home: Path, name: str, *, who: str, observer: Observer = QUIET, ports: Ports | None = None
) -> None:
    """Take a gateway's tokens away, at once. Raises NotFound (also: it was removed before), SettingsError."""
    ports = ports or Ports()
    Gateways(home).remove(name, ports.entropy, ports.clock, who=who)
    _recorded_of(home, observer, ports)


def set_policy(
    home: Path,
    name: str,
    policy: str | None,
    *,
    who: str,
    observer: Observer = QUIET,
    ports: Ports | None = None,
) -> None:
    """Say when a gateway's entries are acknowledged. Raises NotFound, InvalidInput, SettingsError."""
    ports = ports or Ports()
    Gateways(home).set_policy(name, policy, ports.entropy, ports.clock, who=who)
    _recorded_of(home, observer, ports)


def add_token(
    home: Path, request: TokenRequest, observer: Observer = QUIET, ports: Ports | None = None
) -> NewToken:
    """Give a gateway one more token. Raises NotFound, InvalidInput, SettingsError."""
    ports = ports or Ports()
    _check_begin(request.terms, ports.clock.now())
    if request.overlap is not None and request.overlap < timedelta(0):
        raise InvalidInput("an overlap is no time in the past", field="overlap")
    made = Gateways(home).add_token(
        request.name,
        ports.entropy,
        ports.clock,
        terms=request.terms,
        overlap=request.overlap,
        who=request.who,
    )
    _recorded_of(home, observer, ports)
    return made


def remove_token(
    home: Path, name: str, token: str, *, who: str, observer: Observer = QUIET, ports: Ports | None = None
) -> None:
    """Take one token away, by its id. Raises NotFound (also: it was removed before), SettingsError."""
    ports = ports or Ports()
    try:
        Gateways(home).remove_token(name, token, ports.entropy, ports.clock, who=who)
    except NotFound as error:
        if not _was_removed(home, name, token, ports):
            raise
        raise NotFound(f"the token {token} of {name} was removed already; nothing was done") from error
    _recorded_of(home, observer, ports)


def _was_removed(home: Path, name: str, token: str, ports: Ports) -> bool:
    """Is it on record that this gateway lost this token?"""
    try:
        with Archive.open(home, ports=ports) as archive:
            archive.catch_up()
            return (name, token) in tokens_removed(archive.search)
    except _CANNOT:
        return False


def _id_of(archive: Archive, request: AddRequest, known: Gateway | None, on_record: set[str]) -> str:
    """The id of a gateway that only the archive knows, or "". Raises Conflict."""
    name, others = request.name, on_record - ({known.id} if known else set())
    if len(others) > (1 if known is None else 0):
        raise Conflict(
            f"the name {name} was claimed by several gateways: {', '.join(sorted(on_record))}",
            hint="Choose another name.",
        )
    if known is not None:
        return ""  # the roster decides
    if not others and not has_entries(archive.search, name):
        return ""
    if not request.bring_back:
        raise taken_by_removed(name, min(others, default="of old, whose id is not on record"))
    return others.pop() if others else f"g-{archive.entropy.token(8).hex()}"


def _check_alone(archive: Archive, made: NewToken, who: str, observer: Observer) -> None:
    """Take a new gateway back when another home claimed its name at the same moment. Raises Conflict.

    Each home writes its claim before it reads those of others, so at least one of two sees the other.
    """
    try:
        archive.refresh()
        others = ids_on_record(archive.search, made.gateway) - {made.gateway_id}
        account = account_on_record(archive.search, made.gateway)
        others |= {account} if account else set()
    except _CANNOT as error:  # the gateway stands, and nobody has seen its token yet
        observer.warn(f"whether another home used the name {made.gateway} just now is not known: {error}")
        return
    if others:
        archive.gateways.remove(made.gateway, archive.entropy, archive.clock, who=who)
        _recorded(archive, observer)
        raise Conflict(
            f"another home gave the name {made.gateway} to {min(others)} at the same moment",
            hint="Choose another name.",
        )


def _check_no_account(archive: Archive, name: str) -> None:
    """Raises Conflict where an account has this name: both have one name space."""
    account = account_on_record(archive.search, name)
    if account is not None:
        raise Conflict(
            f"the name {name} belongs to the account {account}; a name is never given again",
            hint="Choose another name.",
        )


def _check_begin(terms: TokenTerms, now: datetime) -> None:
    if terms.state(now) == "over":
        raise InvalidInput("the token would be over already", field="not_after")


def _recorded(archive: Archive, observer: Observer) -> bool:
    try:
        record_changes(archive)
    except _CANNOT as error:
        observer.warn(f"this is not on record in the archive yet: {error}; {_NOT_ON_RECORD}")
        return False
    return True


def _recorded_of(home: Path, observer: Observer, ports: Ports) -> None:
    """Put the changes of a home on record; a warning where its archive cannot be opened or written."""
    try:
        archive = Archive.open(home, ports=ports)
    except _CANNOT as error:
        observer.warn(f"this is not on record in the archive yet: {error}; {_NOT_ON_RECORD}")
        return
    with archive:
        _recorded(archive, observer)
