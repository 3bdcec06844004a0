"""``/console/people``: accounts and one of them, as ``/v1/accounts`` and ``/v1/sessions`` tell them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vanvault.api.accounts_route import account_for, check_sees_accounts, everything_of, told_accounts
from vanvault.api.console.answers import page_answer
from vanvault.api.console.forms import form_of
from vanvault.api.console.pages import ACCESS, PEOPLE, PERSON, roles_with
from vanvault.api.console.routing import ConsoleRoute
from vanvault.api.console.sealed_question import sealed_question
from vanvault.api.console.views.people import (
    AccountLine,
    AuthenticatorLine,
    PeopleView,
    PersonView,
    session_lines,
)
from vanvault.api.console.visits import Visit, visit_of
from vanvault.api.context import node_of
from vanvault.api.people import SESSION_COOKIE, run_sign_on
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.times import vietnam_day
from vanvault.archiver.people.accounts import Account
from vanvault.recovery.approvals import SignOnTooWeak
from vanvault.recovery.sign_on import authenticator_id

router = APIRouter(route_class=ConsoleRoute)


@router.get(PEOPLE.path)
async def people(request: Request) -> Response:
    """All accounts, those first whose review is due."""
    node = node_of(request)
    visit = await visit_of(request, node)
    check_sees_accounts(node, visit.person)
    everything = everything_of(request)
    found = await run_sign_on(node, lambda: told_accounts(node))
    today = str(vietnam_day(visit.now))
    lines = tuple(AccountLine.of(one, today) for one in found.shown(everything=everything))
    return page_answer(request, PEOPLE, view=PeopleView(lines, everything, len(found.accounts.lacking)))


@router.get(PERSON.path)
async def person(request: Request, name: str) -> Response:
    """One account, with its open sessions; of one's own the authenticators, too."""
    node = node_of(request)
    visit = await visit_of(request, node)
    account = await run_sign_on(node, lambda: account_for(node, visit.person, name))
    own = account.id == visit.person.account.id
    found = await run_sign_on(node, lambda: told_accounts(node))
    sessions = await run_sign_on(node, lambda: node.sign_ons.sessions(account))
    held = await run_sign_on(node, lambda: node.sign_ons.with_authenticator.of(account)) if own else ()
    (told,) = found.told([account])
    sees = visit.may("see-access")
    question = [("filters", f"actor:{account.name}")]
    view = PersonView(
        line=AccountLine.of(told, str(vietnam_day(visit.now))),
        told=told,
        sessions=session_lines([one.as_json() for one in sessions], visit.person.session.id),
        own=own,
        authenticators=tuple(AuthenticatorLine(authenticator_id(one), one.label) for one in held),
        registers=own and node.sign_ons.with_authenticator.offered,
        fresh=node.sign_ons.with_authenticator.is_recent(visit.person),
        looks=f"{ACCESS.path}/{sealed_question(node.archive.keys, question)}" if sees else "",
        looks_roles=roles_with("see-access"),
    )
    return page_answer(request, PERSON, view=view)


@router.post(f"{PERSON.path}/sessions/end")
async def end_sessions(request: Request, name: str) -> Response:
    """End one session of the account, or all of them: as ``DELETE /v1/sessions``."""
    visit, account, given = await _sent(request, name, ("session",))
    node, session = node_of(request), given.get("session", "")
    await run_sign_on(node, lambda: node.sign_ons.end_sessions(visit.person, account, session))
    return RedirectResponse(PERSON.path.format(name=account.name), status_code=303)


@router.post(f"{PERSON.path}/authenticators/remove")
async def remove_authenticator(request: Request, name: str) -> Response:
    """Remove one of one's own authenticators: as ``DELETE /v1/authenticators/ID``."""
    visit, account, given = await _sent(request, name, ("authenticator",))
    node, id = node_of(request), given.get("authenticator", "")
    if account.id != visit.person.account.id:
        raise InvalidInput("authenticators are removed by those whose they are", field="authenticator")
    try:
        await run_sign_on(node, lambda: node.sign_ons.with_authenticator.remove(visit.person, id))
    except AccessDenied as error:  # no right lacks: the page says to sign in again
        raise SignOnTooWeak(error.message, authenticated=True, hint=error.hint) from error
    return RedirectResponse(PERSON.path.format(name=account.name), status_code=303)


async def _sent(
    request: Request, name: str, fields: Collection[str]
) -> tuple[Visit, Account, Mapping[str, str]]:
    """Who sent a form about which account, and its fields. Raises as ``form_of`` and ``account_for``."""
    node = node_of(request)
    visit = await visit_of(request, node)
    given = await form_of(request, node, request.cookies.get(SESSION_COOKIE, ""))
    if set(given) - set(fields):
        raise InvalidInput(f"the form has {' and '.join(fields)}", field="body")
    account = await run_sign_on(node, lambda: account_for(node, visit.person, name))
    return visit, account, given
