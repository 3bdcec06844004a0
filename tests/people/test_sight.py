"""What of an entry somebody sees: never more than the permissions say, and what is left out is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import AccessDenied
from vanvault.archiver.people.accounts import PERMISSIONS
from vanvault.archiver.people.sight import Sight

FIELDS = {"placements": "receipts", "object": "receipts", "verified_at": "verify-results"}
TYPES = [
    "a.b",
    "vanvault.access.looked",
    "vanvault.approval.requested",
    "vanvault.session.opened",
    "vanvault.verify.finished",
    "vanvault.accessory",
    "vanvault.account.authenticator-used",
    "vanvault.account.changed",
    "vanvault.break-glass.used",
    "vanvault.hold.placed",
]
EVENTS = st.fixed_dictionaries(
    {
        "entry": st.sampled_from(["message", "event"]),
        "gateway": st.sampled_from(["vanvault", "gateway-1"]),
        "type": st.sampled_from(TYPES),
        "kind": st.sampled_from(["", "drill-evidence", "extraction-letter", "report-evidence"]),
        "id": st.uuids().map(str),
        **{name: st.just("x") for name in FIELDS},
    }
)
SIGHTS = st.frozensets(st.sampled_from(PERMISSIONS)).map(Sight)


def is_of_the_record(item: dict[str, Any]) -> bool:
    beginnings = (
        "vanvault.access.", "vanvault.account.authenticator-used", "vanvault.approval.",
        "vanvault.break-glass.", "vanvault.hold.", "vanvault.session.",
    )  # fmt: skip
    if item["entry"] == "event":
        secret = item["type"].startswith(beginnings)
    else:
        secret = item["kind"] in ("extraction-letter", "report-evidence")
    return item["gateway"] == "vanvault" and secret


@given(SIGHTS, st.lists(EVENTS, max_size=8))
def test_fields_and_rows_without_a_permission_are_absent_and_named(
    sight: Sight, items: list[dict[str, Any]]
) -> None:
    shown, withheld = sight.shown(items)
    for name, needs in FIELDS.items():
        named = any((one.what, one.needs, one.rows) == (name, needs, None) for one in withheld)
        assert named == (needs not in sight.permissions)
        assert all((name in item) != named for item in shown)
    kept = [one["id"] for one in items if "see-access" in sight.permissions or not is_of_the_record(one)]
    assert [one["id"] for one in shown] == kept
    assert sum(one.rows or 0 for one in withheld) == len(items) - len(shown)


@given(SIGHTS, EVENTS)
def test_one_entry_is_refused_where_a_list_would_leave_it_out(sight: Sight, item: dict[str, Any]) -> None:
    if sight.shown([item])[0]:
        sight.check(item)
    else:
        with pytest.raises(AccessDenied, match="see-access"):
            sight.check(item)


def test_a_letter_of_an_extraction_is_named_by_its_kind() -> None:
    item = {"entry": "message", "gateway": "vanvault", "type": "", "kind": "extraction-letter"}
    shown, withheld = Sight(frozenset({"receipts", "verify-results"})).shown([item, item])
    assert shown == []
    assert [one.as_json() for one in withheld] == [
        {"kind": "extraction-letter", "needs": "see-access", "rows": 2}
    ]


def test_who_reads_on_the_host_itself_sees_everything() -> None:
    item = {"entry": "event", "gateway": "vanvault", "type": TYPES[1], "object": "batch/1"}
    assert Sight().shown([item]) == ([item], [])
