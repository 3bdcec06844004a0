"""Who opens a page of the console: a person with a session in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from vanvault.api.node import Node
from vanvault.api.people import run_sign_on, signed_on
from vanvault.archiver.people.accounts import PERMISSIONS, Permission
from vanvault.recovery.sign_on import SignedOn

_VISIT = "vanvault.console.visit"


@dataclass(frozen=True, slots=True)
class Visit:
    """A person who opens a page now."""

    person: SignedOn
    permissions: frozenset[Permission]
    now: datetime
    idle_s: int  # seconds after which the session ends, unless it is used
    left_s: int  # seconds after which it ends in any case

    @property
    def name(self) -> str:
        return self.person.account.name

    def may(self, permission: Permission | None) -> bool:
        return permission is None or permission in self.permissions


async def visit_of(request: Request, node: Node) -> Visit:
    """Who opens this page; it counts as a use of the session. Raises AccessDenied, Busy."""
    known: Visit | None = request.scope.get(_VISIT)
    if known is not None:
        return known
    person = await signed_on(request, node)
    now, rules = node.archive.clock.now(), node.sign_ons.rules
    permitted = await run_sign_on(node, lambda: person.permissions(PERMISSIONS, now))
    until = min(person.session.until, person.session.opened + rules.longest)
    left_s = max(0, int((until - now).total_seconds()))
    visit = Visit(person, frozenset(permitted), now, int(rules.idle.total_seconds()), left_s)
    request.scope[_VISIT] = visit
    return visit


def known_visit(request: Request) -> Visit | None:
    """The visit, where the route has found it out."""
    visit: Visit | None = request.scope.get(_VISIT)
    return visit
