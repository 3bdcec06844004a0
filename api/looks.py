"""Every read of a route is on record, with who and what it came to; a person's before a byte leaves.

Gateways read their own entries only, so their reads are counted by the minute. A caller whose token or
session is not known is counted by address. A person reads across gateways, so each request is a look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.caller_address import caller_address
from vanvault.api.context import TOKEN, gateway_of, node_of
from vanvault.api.node import Node
from vanvault.api.observe import GATEWAY, RESERVATION, request_id_of
from vanvault.api.people import check_own_navigation, is_persons, person_of, place_of, refused_of
from vanvault.api.purpose import check_purpose, purpose_of, without_purpose
from vanvault.api.urls import query_of
from vanvault.archiver.core.error_table import kind_of
from vanvault.archiver.core.errors import AccessDenied, InvalidInput, TooLarge, VanVaultError
from vanvault.archiver.people.accounts import Account, Permission
from vanvault.archiver.people.looks import (
    MOST_SHOWN,
    Look,
    LookAct,
    LookOutcome,
    TalliedReads,
    Viewer,
    outcome_of,
)
from vanvault.archiver.people.sight import Sight
from vanvault.recovery.sign_on import SignedOn

#: In the scope of a request: who reads, what the answer shows, and what the body asks for.
_READER, _SHOWN, _ASKED = "vanvault.reader", "vanvault.shown", "vanvault.asked"
#: In the scope as well: what came was no question, and nothing was read.
_NO_QUESTION = "vanvault.no-question"

_T = TypeVar("_T")

Route = Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who sent a read: a gateway, which sees its own entries, or a person."""

    gateway: str = ""  # "": a person, and entries of all gateways
    person: str = ""  # name of the account
    account: str = ""  # its id
    purpose: str = ""
    sight: Sight = field(default_factory=Sight)


@dataclass(frozen=True, slots=True)
class _Shown:
    ids: tuple[str, ...] = ()
    count: int = 0


def looked(
    act: LookAct, permission: Permission, *, of: str = "", gateways: bool = True, purpose: bool = False
) -> Callable[[Route], Route]:
    """A route that reads: for gateways, each its own, and for persons who have the permission.

    The route finds out by ``reader_of`` who reads, and says by ``shows`` what its answer shows. It raises as
    well what keeps the look from going on record: then nothing is shown.

    Args:
        of: what is looked at, where the act alone does not say so.
        gateways: may they read here at all?
        purpose: a person has to say why.
    """

    def around(route: Route) -> Route:
        @wraps(route)
        async def looking(request: Request, **path: Any) -> Response:
            node = node_of(request)
            if is_persons(request) or not gateways:
                asked = dict(path) or dict(without_purpose(query_of(request.scope)))
                asked |= {"of": of} if of else {}
                look = Look(Viewer("", "account"), act, _named(asked), request=request_id_of(request.scope))
                return await _by_person(request, node, _Wanted(look, permission, purpose), route, path)
            return await _by_gateway(request, node, act, route, path)

        return looking

    return around


def reader_of(request: Request) -> Reader:
    """Who sent this request to a route that is ``looked``. Raises AccessDenied, Busy."""
    reader: Reader | None = request.scope.get(_READER)
    if reader is None:
        reader = Reader(gateway=gateway_of(request, node_of(request), "read-own"))
        request.scope[_READER] = reader
    return reader


def shows(request: Request, ids: Sequence[str], count: int | None = None) -> None:
    """These entries are in the answer; ``count``: so many were counted, without being shown."""
    request.scope[_SHOWN] = _Shown(tuple(ids), len(ids) if count is None else count)


def asks(request: Request, asked: Mapping[str, str]) -> None:
    """What is asked for, where the body says it and not the address."""
    request.scope[_ASKED] = dict(asked)


def parsed(request: Request, parse: Callable[[], _T]) -> _T:
    """What ``parse`` makes of the request, before anything is read: where it raises InvalidInput, nothing was
    looked at. An InvalidInput from anywhere else in a route may tell what was found, and is a look.
    """
    try:
        return parse()
    except InvalidInput:
        request.scope[_NO_QUESTION] = True
        raise


async def on_record(node: Node, look: Look) -> None:
    """Put the look of a person on record; nothing of it may be sent before this returns.

    Raises SiteUnavailable, KeyUnavailable, MachineLimit, Busy: it is not on record.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[VanVaultError | None] = loop.create_future()

    def settle(error: VanVaultError | None) -> None:
        if not answered.done():  # the caller may have gone away
            answered.set_result(error)

    def told(error: VanVaultError | None) -> None:
        loop.call_soon_threadsafe(settle, error)

    node.duties.looks.record(look, told)
    error = await answered
    if error is not None:
        raise error


def look_by_session(request: Request, node: Node, person: SignedOn, act: LookAct) -> Look:
    """A look of who is signed on, for a route that asks for no permission and so is not ``looked``."""
    viewer = _viewer(request, node, person.account, person.session.id)
    return Look(viewer, act, request=request_id_of(request.scope))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A look of a person, and what it takes."""

    look: Look
    permission: Permission
    purpose: bool


async def _by_gateway(
    request: Request, node: Node, act: LookAct, route: Route, path: dict[str, Any]
) -> Response:
    """Raises SiteUnavailable as well: reads could not be put on record for too long."""
    node.duties.reads.check()
    try:
        answer = await route(request, **path)
    except VanVaultError as error:
        _count(request, node, act, outcome_of(error))
        raise
    _count(request, node, act, "shown")
    return answer


async def _by_person(
    request: Request, node: Node, wanted: _Wanted, route: Route, path: dict[str, Any]
) -> Response:
    try:
        person = await person_of(request, node)
    except AccessDenied as error:
        await _refused(request, node, wanted.look, error)
        raise
    look = replace(wanted.look, viewer=_viewer(request, node, person.account, person.by))
    now = node.archive.clock.now
    try:
        look = replace(look, purpose=purpose_of(request))
        roles = person.authority(wanted.permission, now())
        look = replace(look, viewer=replace(look.viewer, roles=roles))
        if wanted.purpose:
            check_own_navigation(request)
            check_purpose(look.purpose)
        request.scope[RESERVATION] = node.quotas.begin(person.account.id)
        sight = Sight.of(lambda permission: person.may(permission, now()))
        request.scope[_READER] = Reader(
            person=person.account.name, account=person.account.id, purpose=look.purpose, sight=sight
        )
        answer = await route(request, **path)
        person.authority(wanted.permission, now())  # a role may have ended at midnight, while it was read
    except VanVaultError as error:
        if _read_nothing(request, error):
            raise  # it tells nothing of the archive
        look = replace(look, asked=request.scope.get(_ASKED, look.asked))
        await on_record(node, replace(look, outcome=outcome_of(error), reason=kind_of(type(error))))
        raise
    look = replace(look, asked=request.scope.get(_ASKED, look.asked))
    for part in _parts(request.scope.get(_SHOWN, _Shown())):
        await on_record(node, replace(look, shown=part.ids, count=part.count))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _read_nothing(request: Request, error: VanVaultError) -> bool:
    """Was the request itself wrong, so that nothing was read for it?"""
    if not isinstance(error, InvalidInput) or isinstance(error, TooLarge):
        return False
    return _READER not in request.scope or _NO_QUESTION in request.scope


async def _refused(request: Request, node: Node, look: Look, error: AccessDenied) -> None:
    """Of whose session was good once the name goes on record, of anybody else the address."""
    known = await refused_of(request, node)
    if known is None:
        _count(request, node, look.act, "refused")
        return
    look = replace(look, viewer=_viewer(request, node, *known))
    await on_record(node, replace(look, outcome=outcome_of(error), reason=kind_of(type(error))))


def _parts(shown: _Shown) -> list[_Shown]:
    """As many looks as it takes to name every entry."""
    if len(shown.ids) <= MOST_SHOWN:
        return [shown]
    parts = (shown.ids[at : at + MOST_SHOWN] for at in range(0, len(shown.ids), MOST_SHOWN))
    return [_Shown(part, len(part)) for part in parts]


def _viewer(request: Request, node: Node, account: Account, by: str) -> Viewer:
    place = place_of(request, node)
    address = "" if place.address is None else str(place.address)
    return Viewer(account.name, "account", account.id, address, place.port, by)


def _named(asked: dict[str, str]) -> dict[str, str]:
    """The fields of a question as verbs name them: an entry is asked for by its ``id``."""
    return {"id" if name == "entry_id" else name: value for name, value in asked.items()}


def _count(request: Request, node: Node, act: LookAct, outcome: LookOutcome) -> None:
    address = caller_address(request, node.proxies)
    gateway, token = request.scope.get(GATEWAY, ""), request.scope.get(TOKEN, "")
    reads = TalliedReads(gateway, act, outcome, token, "" if address is None else str(address))
    shown: _Shown = request.scope.get(_SHOWN, _Shown())
    node.duties.reads.count(reads, shown.count if outcome == "shown" else 0)
