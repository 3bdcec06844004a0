"""Sealed break-glass credentials: good once, for one person, loud, and reviewed by somebody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.recovery.test_sign_on import MINUTE, PLACE, Node, memory, node, node_of
from tests.support.archives import second_home
from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput, NotFound, SiteUnavailable
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.sign_on import break_glass_digest, new_break_glass_secret
from vanvault.recovery.accounts import Desk, add_account, suspend_account
from vanvault.recovery.reconcile import count_open
from vanvault.recovery.sign_on import (
    BreakGlassTried,
    SessionOpened,
    drill_break_glass,
    read_break_glass,
    remove_break_glass,
    review_break_glass,
    seal_break_glass,
)

__all__ = ["memory", "node"]  # fixtures

SECONDS = timedelta(seconds=3)


def desk_of(node: Node) -> Desk:
    return Desk(node.archive, "anh")


def opened_with(node: Node, secret: str, name: str = "lan") -> SessionOpened:
    found = node.sign_ons.with_break_glass.sign_on(name, secret, PLACE)
    assert isinstance(found, SessionOpened)
    return found


def test_an_envelope_signs_its_person_on_once_and_that_is_loud(node: Node) -> None:
    sealed = seal_break_glass(desk_of(node), "lan")
    with capture_logs() as logged:
        opened = opened_with(node, sealed.secret)
    person = node.sign_ons.caller(opened.secret)
    assert (person.account.name, person.session.method) == ("lan", "break-glass")
    assert person.roles == {"auditor-log"} and not person.session.has_two_factors
    assert [one["log_level"] for one in logged if one["event"] == "a break-glass credential was used"] == [
        "error"
    ]
    (used,) = node.told("break-glass.used")
    assert (used["account"], used["credential"], used["address"]) == ("lan", sealed.id, "203.0.113.7")
    for sign_ons in (node.sign_ons, node_of(node.archive)):
        with pytest.raises(AccessDenied, match="signing on was refused"):
            sign_ons.with_break_glass.sign_on("lan", sealed.secret, PLACE)
    assert sealed.secret not in str(node.told("break-glass.sealed"))


def test_one_that_two_nodes_take_at_one_moment_is_good_at_the_first(node: Node, tmp_path: Path) -> None:
    secret = seal_break_glass(desk_of(node), "lan").secret
    with second_home(node.home, tmp_path / "other") as second:
        archive = second.archive()
        archive.refresh()
        other = node_of(archive)
        first = opened_with(node, secret)
        node.home.clock.advance(timedelta(milliseconds=1))
        again = other.with_break_glass.sign_on("lan", secret, PLACE)
        assert isinstance(again, SessionOpened)
        for one in (node.archive, archive):
            one.refresh()
        node.home.clock.advance(SECONDS)
        for sign_ons in (node.sign_ons, other):
            assert sign_ons.caller(first.secret)
            with pytest.raises(AccessDenied):
                sign_ons.caller(again.secret)
        assert len(node.told("break-glass.used")) == 2 and count_open(node.archive) == 0


def test_a_use_that_does_not_come_on_record_uses_nothing_up(node: Node) -> None:
    secret = seal_break_glass(desk_of(node), "lan").secret
    for site in (node.home.primary, node.home.standby):
        site.fail_next("put", times=1000)
    with pytest.raises(SiteUnavailable):
        opened_with(node, secret)
    for site in (node.home.primary, node.home.standby):
        site.fail_next("put", times=0)
    assert opened_with(node, secret)


def test_the_use_is_on_record_before_the_session_is(node: Node) -> None:
    opened_with(node, seal_break_glass(desk_of(node), "lan").secret)
    used, opened = (
        next(own_events(node.archive.search, type)) for type in ("break-glass.used", "session.opened")
    )
    assert used.at < opened.at


@pytest.mark.parametrize("typed", [str, str.lower, lambda secret: secret.replace("-", " ")])
def test_it_is_typed_as_people_type(node: Node, typed: Any) -> None:
    assert opened_with(node, typed(seal_break_glass(desk_of(node), "lan").secret))


def test_what_is_wrong_removed_or_replaced_is_refused(node: Node) -> None:
    first = seal_break_glass(desk_of(node), "lan").secret
    second = seal_break_glass(desk_of(node), "lan").secret
    wrong = ("", "VVB", new_break_glass_secret(node.archive.entropy), first)
    for secret in wrong:
        with pytest.raises(AccessDenied, match="signing on was refused"):
            opened_with(node, secret)
    with pytest.raises(AccessDenied, match="signing on was refused"):
        opened_with(node, second, "nobody")
    assert remove_break_glass(desk_of(node), "lan") is not None
    assert remove_break_glass(desk_of(node), "lan") is None
    with pytest.raises(AccessDenied, match="signing on was refused"):
        node_of(node.archive).with_break_glass.sign_on("lan", second, PLACE)
    states = [one.state for one in read_break_glass(node.archive).credentials]
    assert states == ["replaced", "removed"]


def test_one_that_is_removed_while_a_site_is_away_is_not_good(node: Node) -> None:
    secret = seal_break_glass(desk_of(node), "lan").secret
    node.home.standby.fail_next("list", times=1000)
    node.home.standby.fail_next("put", times=1000)
    assert remove_break_glass(desk_of(node), "lan")
    with pytest.raises(AccessDenied):
        opened_with(node, secret)


def test_who_is_suspended_is_not_let_in_and_who_was_idle_is(node: Node) -> None:
    secret = seal_break_glass(desk_of(node), "lan").secret
    node.home.clock.advance(timedelta(days=60))
    opened = opened_with(node, secret)
    assert node.sign_ons.caller(opened.secret).account.name == "lan"
    again = seal_break_glass(desk_of(node), "lan").secret
    suspend_account(desk_of(node), "lan", "kỷ luật", None)
    node.home.clock.advance(SECONDS)
    with pytest.raises(AccessDenied):
        opened_with(node, again)
    with pytest.raises(AccessDenied):
        node.sign_ons.caller(opened.secret)


def test_an_event_that_was_written_by_hand_makes_no_credential(node: Node) -> None:
    secret = new_break_glass_secret(node.archive.entropy)
    lan = read_break_glass(node.archive)
    assert lan.credentials == ()
    seal_break_glass(desk_of(node), "lan")
    (good,) = node.told("break-glass.sealed")
    own = {**good, "credential": "g-" + "1" * 16, "sealed": good["sealed"][:-8] + "AAAAAAA=", "test": False}
    for detail in (own, {**own, "id": "x"}, {"digest": break_glass_digest(secret)}):
        node.archive.record_events(
            lambda detail=detail: [node.archive.system_event("break-glass.sealed", detail)]  # type: ignore[misc]
        )
    with pytest.raises(Exception, match=r"refused|not in the form|damaged|cannot be opened"):
        opened_with(node, secret)


def test_a_use_is_reviewed_once_by_somebody_else_whose_account_is_good(node: Node) -> None:
    desk = desk_of(node)
    for name in ("minh", "hoa"):
        add_account(desk, NewAccount(name, "person", name, roles=("security-officer",)))
    suspend_account(desk, "hoa", "moved", None)
    sealed = seal_break_glass(desk, "lan")
    opened_with(node, sealed.secret)
    (use,) = read_break_glass(node.archive).unreviewed
    assert use.review_due == use.at + timedelta(days=1)
    for by, error in (("lan", AccessDenied), ("hoa", AccessDenied), ("nobody", NotFound)):
        with pytest.raises(error):
            review_break_glass(desk, use.id, by)
    with pytest.raises(NotFound):
        review_break_glass(desk, "g-0", "minh")
    with pytest.raises(InvalidInput):
        review_break_glass(desk, use.id, "minh", "x\n")
    assert review_break_glass(desk, use.id, "minh", "đã xem").name == "lan"
    with pytest.raises(Conflict, match="minh"):
        review_break_glass(desk, use.id, "minh")
    record = read_break_glass(node.archive)
    assert record.unreviewed == () and record.uses[0].reviewed_by == "minh"


def test_who_used_it_does_not_put_the_review_of_another_on_record(node: Node) -> None:
    desk = desk_of(node)
    add_account(desk, NewAccount("minh", "person", "minh", roles=("security-officer",)))
    sealed = seal_break_glass(desk, "lan")
    opened_with(node, sealed.secret)
    with pytest.raises(AccessDenied, match="lan used it"):
        review_break_glass(Desk(node.archive, "lan"), sealed.id, "minh")
    assert len(read_break_glass(node.archive).unreviewed) == 1
    assert review_break_glass(Desk(node.archive, "minh"), sealed.id, "minh").name == "lan"


def test_the_drill_goes_the_same_way_and_opens_nothing(node: Node) -> None:
    seal_break_glass(desk_of(node), "lan")
    secrets = []

    def tried(name: str, secret: str) -> dict[str, Any]:
        secrets.append(secret)
        found = node.sign_ons.with_break_glass.sign_on(name, secret, PLACE)
        assert isinstance(found, BreakGlassTried)
        return {"test": True, "roles": list(found.roles)}

    assert drill_break_glass(desk_of(node), "lan", tried) == ""
    assert node.told("session.opened") == [] == node.told("break-glass.used")
    with pytest.raises(AccessDenied):
        node.sign_ons.with_break_glass.sign_on("lan", secrets[0], PLACE)
    assert [one["passed"] for one in node.told("break-glass.drilled")] == [True]


def test_a_drill_fails_where_the_node_or_the_envelope_would(node: Node) -> None:
    desk = desk_of(node)

    def right(name: str, secret: str) -> dict[str, Any]:
        return {"test": True, "roles": ["auditor-log"]}

    def away(name: str, secret: str) -> dict[str, Any]:
        raise SiteUnavailable("the node does not answer", site="")

    assert "is sealed" in drill_break_glass(desk, "lan", right)
    seal_break_glass(desk, "lan")
    assert "does not answer" in drill_break_glass(desk, "lan", away)
    assert "something else" in drill_break_glass(desk, "lan", lambda *_: {"test": True, "roles": []})
    assert drill_break_glass(desk, "lan", right) == ""
    assert [one.state for one in read_break_glass(node.archive).credentials if one.test] == ["removed"] * 4
    node.home.clock.advance(MINUTE)
