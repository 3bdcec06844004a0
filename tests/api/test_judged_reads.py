"""Nobody reads what the record does not allow at that moment, and whatever came of it is on record first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from tests.support.people import NOW, Record, day
from vanvault.api.looks import looked, reader_of, shows
from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import Account, Allowed, Permission, judge
from vanvault.archiver.people.looks import Look

#: 23:00 on 1 December in Vietnam; midnight there is an hour later.
LATE = NOW + timedelta(hours=13)
DAYS = st.sampled_from([None, "2026-12-01", "2026-12-02", "2026-12-03"])


@dataclass
class FakeNode:
    """Of a node what a read needs: accounts, a clock that stands still, and a record of looks."""

    account: Account
    now: datetime
    looks: list[Look] = field(default_factory=list)

    def request(self) -> Request:
        """One of the person, with a token."""
        node = SimpleNamespace(
            refusing=asyncio.Event(),
            proxies=(),
            threads=SimpleNamespace(sign_on=None),
            person_tokens=self,
            quotas=SimpleNamespace(begin=lambda who: None),
            archive=SimpleNamespace(clock=SimpleNamespace(now=lambda: self.now)),
            duties=SimpleNamespace(looks=self),
        )
        return Request(
            {
                "type": "http",
                "method": "GET",
                "path": "/",
                "query_string": b"",
                "headers": [(b"authorization", b"Bearer vvp_" + 43 * b"A")],
                "client": ("10.0.0.7", 50123),
                "app": SimpleNamespace(state=SimpleNamespace(node=node)),
            }
        )

    def bearer(self, secret: str, address: object) -> Any:
        return SimpleNamespace(account=self.account, token=SimpleNamespace(id="t-1"))

    def allow(self, bearer: Any, permission: Permission, now: datetime) -> Allowed:
        judged = judge(self.account, permission, now)
        if isinstance(judged, Allowed):
            return judged
        raise judged.error()

    def record(self, look: Look, told: Any) -> None:
        self.looks.append(look)
        told(None)

    def search(self, takes: timedelta) -> Response:
        """One search that takes so long. Raises AccessDenied."""

        @looked("search", "search")
        async def search(request: Request) -> Response:
            assert reader_of(request).person == self.account.name
            assert isinstance(judge(self.account, "search", self.now), Allowed), "it is not even asked for"
            shows(request, ["entry-1"])
            self.now += takes
            return Response(b"entries")

        async def once() -> Response:
            return await search(self.request())

        return asyncio.run(once())


@given(
    begins=st.integers(0, 3 * 24 * 60).map(
        lambda minutes: LATE - timedelta(hours=12) + timedelta(minutes=minutes)
    ),
    takes=st.integers(0, 36 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    suspended=DAYS,
    revoked=DAYS,
)
def test_what_leaves_was_allowed_when_it_was_asked_for_and_when_it_left(
    begins: datetime, takes: timedelta, suspended: str | None, revoked: str | None
) -> None:
    record = Record()
    account = record.add("lan", "auditor-log")
    if suspended:
        record.put(record.changes.suspend(account, "moved", day(suspended)))
    if revoked:
        record.put(record.changes.revoke(record.get("lan"), "auditor-log", day(revoked)))
    node = FakeNode(record.get("lan"), begins)
    allowed = [isinstance(judge(node.account, "search", at), Allowed) for at in (begins, begins + takes)]
    if all(allowed):
        assert node.search(takes).headers["cache-control"] == "no-store"
        wanted = ("shown", ("entry-1",))
    else:
        with pytest.raises(AccessDenied):
            node.search(takes)
        wanted = ("refused", ())
    (look,) = node.looks
    assert (look.outcome, look.shown) == wanted
    assert (look.viewer.name, look.viewer.address, look.viewer.session) == ("lan", "10.0.0.7", "t-1")


def test_a_role_that_ends_at_midnight_in_vietnam_ends_a_read_that_takes_longer() -> None:
    record = Record()
    record.put(record.changes.revoke(record.add("lan", "auditor-log"), "auditor-log", day("2026-12-02")))
    node = FakeNode(record.get("lan"), LATE)
    assert node.search(timedelta(minutes=59)).body == b"entries"
    node.now = LATE
    with pytest.raises(AccessDenied, match="no role today"):
        node.search(timedelta(minutes=60))
    assert [look.outcome for look in node.looks] == ["shown", "refused"]
