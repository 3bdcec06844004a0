"""``/v1/accounts``: accounts as ``vanvault account list`` tells them; one's own, or all by right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi_people
from vanvault.api.context import node_of
from vanvault.api.node import Node
from vanvault.api.people import run_sign_on, signed_on
from vanvault.api.session_routes import private_json
from vanvault.api.urls import query_of
from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.people.accounts import Account, Accounts, Permission, due_reviews, standing_of
from vanvault.recovery.accounts import GONE_STATES, account_as_json
from vanvault.recovery.sign_on import SignedOn, held_factors

router = APIRouter()

#: One of these lets a person see accounts of others, as it does their sessions.
SEES_ACCOUNTS: tuple[Permission, ...] = ("manage-accounts", "see-access")


@dataclass(frozen=True, slots=True)
class ToldAccounts:
    """All accounts at a moment, as far as this node knows them; ``factors`` by ids of accounts."""

    accounts: Accounts
    factors: Mapping[str, frozenset[str]]
    now: datetime

    def shown(self, *, everything: bool) -> list[dict[str, Any]]:
        """By name; without ``everything`` those only that may come to do something."""
        states = () if everything else GONE_STATES
        return self.told([one for one in self.accounts if standing_of(one, self.now).state not in states])

    def told(self, accounts: Iterable[Account]) -> list[dict[str, Any]]:
        """As the verb tells them, with what each signs on with and what its review has to look at."""
        due = {one.account.id: one.why for one in due_reviews(self.accounts, self.now)}
        return [
            {
                **account_as_json(one, self.now),
                "factors": sorted(self.factors.get(one.id, ())),
                "review_is_due": one.id in due,
                "look_at": list(due.get(one.id, ())),
            }
            for one in accounts
        ]


@router.get("/v1/accounts", **openapi_people.ACCOUNTS)
async def accounts(request: Request) -> Response:
    """All accounts and gateways, for who manages accounts or may see who looked at what."""
    node = node_of(request)
    person = await signed_on(request, node)
    check_sees_accounts(node, person)
    everything = everything_of(request)
    found = await run_sign_on(node, lambda: told_accounts(node))
    told = {"accounts": found.shown(everything=everything), "lacking": list(found.accounts.lacking)}
    return private_json(told)


@router.get("/v1/accounts/{name}", **openapi_people.ACCOUNT)
async def account(request: Request, name: str) -> Response:
    """One of them; one's own without any right."""
    node = node_of(request)
    person = await signed_on(request, node)
    if query_of(request.scope):
        raise InvalidInput("there are no parameters here", field="query")
    one = await run_sign_on(node, lambda: account_for(node, person, name))
    found = await run_sign_on(node, lambda: told_accounts(node))
    return private_json({"account": found.told([one])[0]})


def told_accounts(node: Node) -> ToldAccounts:
    """What is known of accounts now. Raises Busy, Damaged, SiteUnavailable."""
    return ToldAccounts(node.sign_ons.accounts(), held_factors(node.archive), node.archive.clock.now())


def account_for(node: Node, person: SignedOn, name: str) -> Account:
    """The account of this name, for one who may see it and its sessions.

    Raises AccessDenied: it is another's, and the person may see their own only; NotFound, Busy.
    """
    if name == person.account.name:
        return person.account
    check_sees_accounts(node, person)
    return node.sign_ons.account(name)


def check_sees_accounts(node: Node, person: SignedOn) -> None:
    """Raises AccessDenied: they may see nothing of accounts of others."""
    if not person.permissions(SEES_ACCOUNTS, node.archive.clock.now()):
        raise AccessDenied(
            "you may see your own account, and see and end your own sessions only",
            authenticated=True,
            hint="An account manager or a security officer may see those of others.",
        )


def everything_of(request: Request) -> bool:
    """Does a question ask for those too that can do nothing any more? Raises InvalidInput."""
    given = query_of(request.scope)
    if given and list(given) not in ([("all", "true")], [("all", "false")]):
        raise InvalidInput("there is one parameter, all: true or false", field="all")
    return bool(given) and given[0][1] == "true"
