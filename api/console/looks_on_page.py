"""Looks of a page that shows several things: each is on record as the API's route for it would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.requests import Request

from vanvault.api.console.visits import Visit
from vanvault.api.looks import look_by_session, on_record
from vanvault.api.node import Node
from vanvault.archiver.people.accounts import Permission
from vanvault.archiver.people.looks import LookAct


async def look_on_page(
    request: Request,
    node: Node,
    visit: Visit,
    act: LookAct,
    permission: Permission,
    *,
    asked: Mapping[str, str],
    shown: Sequence[str] = (),
    count: int | None = None,
) -> None:
    """Put one look on record, before the page is sent.

    Raises AccessDenied: the permission ended meanwhile; and as ``on_record``.
    """
    roles = visit.person.authority(permission, node.archive.clock.now())
    look = look_by_session(request, node, visit.person, act)
    await on_record(
        node,
        replace(
            look,
            viewer=replace(look.viewer, roles=roles),
            asked=asked,
            shown=tuple(shown),
            count=len(shown) if count is None else count,
        ),
    )
