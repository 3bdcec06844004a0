"""What may be changed about accounts, and what is refused before it is on record."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.people import Record, day
from vanvault.archiver.core.errors import Conflict, InvalidInput
from vanvault.archiver.people.accounts import (
    AboutChange,
    AccountChanges,
    DaySpan,
    NewAccount,
    ProviderIdentity,
)
from vanvault.archiver.people.accounts.names import plain_text

ID = f"a-{7:016}"
EVER = DaySpan()


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Lan",
        "lan ",
        "lan\n",
        "-lan",
        ".lan",
        "a" * 65,
        "đặng",
        "lаn",  # the second letter is Cyrillic
        "ｌａｎ",  # full width
        "lan\u200b",  # a blank without width
        "ı",  # no dot
        "lan@bhxh",
        "vanvault",
        "vanvault.archive",
        "a-00112233445566ff",  # looks like the id of an account
        "g-00112233445566ff",  # like that of a gateway
    ],
)
def test_what_is_no_account_name_is_refused(record: Record, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        record.add(name)
    assert refused.value.field == "account"
    assert refused.value.hint


@pytest.mark.parametrize("name", ["a", "7", "nguyen.thi_lan-2", "a" * 64, "a-00112233445566f"])
def test_names_that_nobody_mistakes_are_taken(record: Record, name: str) -> None:
    assert record.add(name).name == name


@pytest.mark.parametrize(
    ("name", "like"),
    [("lan", "1an"), ("10", "lo"), ("marn", "mam"), ("op.wan", "op.vvan"), ("lanl", "1an1")],
)
def test_a_name_that_looks_like_anothers_is_refused(record: Record, name: str, like: str) -> None:
    record.add(name)
    record.add(f"{like}x")
    with pytest.raises(Conflict, match=f"looks like {name}"):
        record.add(like)


@pytest.mark.parametrize("text", ["Nguyễn Thị L\u0430n", "\u0412\u0430sil", "Lan\u03bf"])
def test_a_word_with_letters_that_look_alike_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="look alike"):
        plain_text(text, "full_name")


@pytest.mark.parametrize(
    "text", ["Nguyễn Thị Lan", "Василий Petrov", "Đặng Ω", "東京 A, 東京カタカナ", "380-β"]
)
def test_words_of_one_script_each_are_taken(text: str) -> None:
    assert plain_text(text, "full_name") == text


@pytest.mark.parametrize(
    "text", ["a\nb", "a\x00", "Lan\u202enaL", "a\u200db", "\ud800", "\ue000", "a\u2028b"]
)
def test_text_that_hides_something_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        plain_text(text, "full_name")


def test_text_is_kept_in_one_form_of_unicode() -> None:
    assert plain_text("  Nguye\u0302\u0303n  ", "full_name") == "Nguyễn"
    with pytest.raises(InvalidInput):
        plain_text("x" * 201, "full_name")
    with pytest.raises(InvalidInput):
        plain_text("  ", "full_name", needed=True)


def test_a_name_is_never_given_again(record: Record) -> None:
    record.add("lan")
    record.put(record.changes.suspend(record.get("lan"), "left", None))
    with pytest.raises(Conflict):
        record.add("lan")
    record.event("gateway.added", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    record.event("gateway.removed", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    with pytest.raises(Conflict) as refused:
        record.add("ivan-1")
    assert "gateway" in refused.value.message
    record.event("account.added", {"id": ID, "account": "binh", "kind": "person", "roles": []})
    record.put(record.changes.withdraw(ID, "binh"))
    with pytest.raises(Conflict):
        record.add("binh")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"full_name": ""}, "full_name"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"unit": "a\tb"}, "unit"),
        ({"owner": "nobody"}, "owner"),
        ({"kind": "service"}, "owner"),  # without one
        ({"kind": "service", "owner": "robot"}, "owner"),  # no person
        ({"roles": ("admin",)}, "role"),
        ({"roles": ("gateway",)}, "role"),
        ({"roles": ("account-manager", "auditor-log")}, "role"),
        ({"roles": ("extractor", "approver", "account-manager")}, "role"),
        ({"kind": "service", "owner": "binh", "roles": ("approver",)}, "role"),
        ({"days": DaySpan(day("2026-12-10"), day("2026-12-09"))}, "valid_until"),
        ({"days": DaySpan(day("2026-01-01"), day("2026-11-30"))}, "valid_until"),  # over already
    ],
)
def test_an_account_that_makes_no_sense_is_refused(record: Record, asked: dict[str, Any], field: str) -> None:
    record.add("binh")
    record.add("robot", kind="service", owner="binh")
    new = NewAccount(**({"name": "lan", "kind": "person", "full_name": "Lan"} | asked))
    with pytest.raises(InvalidInput) as refused:
        record.changes.add(new, ID)
    assert refused.value.field == field


def test_an_account_of_one_day_is_good(record: Record) -> None:
    lan = record.add("lan", first="2026-12-01", last="2026-12-01")
    assert lan.days == DaySpan(day("2026-12-01"), day("2026-12-01"))


def test_a_beginning_in_the_past_gives_no_right_in_the_past(record: Record) -> None:
    lan = record.add("lan", "auditor-log", "auditor-log", first="2026-01-01")
    assert lan.days.first == day("2026-01-01")
    assert [(one.role, one.days.first) for one in lan.grants] == [("auditor-log", day("2026-12-01"))]


def test_what_the_record_says_already_is_no_change(record: Record) -> None:
    lan = record.add("lan", "auditor-log")
    changes = record.changes
    assert changes.grant(lan, "auditor-log", EVER) is None
    assert changes.grant(lan, "auditor-log", DaySpan(day("2026-12-05"), day("2026-12-06"))) is None
    assert changes.revoke(lan, "approver", None) is None
    assert changes.resume(lan, "") is None
    assert changes.change(lan, AboutChange(unit="BHXH Hà Nội", owner="", valid_from=lan.days.first)) is None
    assert changes.remove_identity(lan, ProviderIdentity("https://idp", "7")) is None
    record.put(changes.suspend(lan, "moved", None))
    assert record.changes.suspend(record.get("lan"), "moved again", None) is None
    earlier = record.changes.suspend(record.get("lan"), "moved", day("2026-11-20"))
    assert earlier is not None, "an earlier day says more"


def test_a_role_that_excludes_one_of_other_days_may_be_granted(record: Record) -> None:
    record.add("lan", "account-manager")
    with pytest.raises(InvalidInput):
        record.changes.grant(record.get("lan"), "auditor-log", EVER)
    record.put(record.changes.revoke(record.get("lan"), "account-manager", day("2027-01-01")))
    with pytest.raises(InvalidInput):
        record.changes.grant(record.get("lan"), "auditor-log", DaySpan(day("2026-12-31")))
    record.put(record.changes.grant(record.get("lan"), "auditor-log", DaySpan(day("2027-01-01"))))
    with pytest.raises(InvalidInput):
        record.changes.grant(record.get("lan"), "account-manager", DaySpan(day("2027-01-01")))


@pytest.mark.parametrize(
    ("role", "days", "field"),
    [
        ("admin", EVER, "role"),
        ("gateway", EVER, "role"),
        ("approver", DaySpan(day("2026-11-30")), "from"),
        ("approver", DaySpan(day("2026-12-05"), day("2026-12-04")), "until"),
        ("approver", DaySpan(None, day("2026-11-30")), "until"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(record: Record, role: str, days: DaySpan, field: str) -> None:
    record.add("lan")
    with pytest.raises(InvalidInput) as refused:
        record.changes.grant(record.get("lan"), role, days)
    assert refused.value.field == field


def test_a_suspension_needs_a_reason_and_a_revocation_a_role_that_exists(record: Record) -> None:
    record.add("lan")
    with pytest.raises(InvalidInput):
        record.changes.suspend(record.get("lan"), " ", None)
    with pytest.raises(InvalidInput):
        record.changes.revoke(record.get("lan"), "admin", None)


def test_a_change_tells_only_what_changes(record: Record) -> None:
    lan = record.add("lan")
    record.add("binh")
    asked = AboutChange(full_name="Trần Lan", unit="BHXH Hà Nội", owner="binh", valid_until=day("2027-12-31"))
    change = record.changes.change(lan, asked)
    assert change is not None
    assert set(change.detail) == {"id", "account", "full_name", "owner", "valid_from", "valid_until"}
    record.put(change)
    lan = record.get("lan")
    assert (lan.about.full_name, lan.about.unit, lan.about.owner) == ("Trần Lan", "BHXH Hà Nội", "binh")
    assert lan.days.last == day("2027-12-31")
    record.put(record.changes.change(lan, AboutChange(no_end=True)))
    assert record.get("lan").days.last is None


@pytest.mark.parametrize(
    "asked",
    [
        AboutChange(valid_until=day("2026-11-01")),  # before it begins
        AboutChange(owner="lan"),  # its own owner
        AboutChange(owner="nobody"),
        AboutChange(full_name=""),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(record: Record, asked: AboutChange) -> None:
    record.add("lan")
    with pytest.raises(InvalidInput):
        record.changes.change(record.get("lan"), asked)


def test_a_gateway_has_an_owner_here_and_all_else_where_gateways_are_changed(record: Record) -> None:
    record.add("binh")
    record.event("gateway.added", {"id": "g-0000000000000001", "gateway": "ivan-1"})
    gateway, changes = record.get("ivan-1"), record.changes
    refusals: list[Any] = [
        lambda: changes.suspend(gateway, "x", None),
        lambda: changes.resume(gateway, ""),
        lambda: changes.grant(gateway, "operator", EVER),
        lambda: changes.revoke(gateway, "gateway", None),
        lambda: changes.change(gateway, AboutChange(valid_until=day("2027-01-01"))),
        lambda: changes.add_identity(gateway, ProviderIdentity("https://idp", "7")),
    ]
    for refusal in refusals:
        with pytest.raises(InvalidInput) as refused:
            refusal()
        assert "vanvault gateway" in refused.value.hint
    record.put(changes.change(gateway, AboutChange(owner="binh", unit="Phòng CNTT")))
    assert record.get("ivan-1").about.owner == "binh"
    assert changes.change(record.get("ivan-1"), AboutChange(owner="")) is not None


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        ("idp.example", "7"),
        ("https://idp", ""),
        ("https://idp", "x" * 256),
        ("https://idp", "7\n"),
        ("", "7"),
    ],
)
def test_what_is_no_identity_is_refused(record: Record, issuer: str, subject: str) -> None:
    lan = record.add("lan")
    with pytest.raises(InvalidInput):
        record.changes.add_identity(lan, ProviderIdentity(issuer, subject))


def test_an_identity_is_given_to_one_account(record: Record) -> None:
    identity = ProviderIdentity("https://idp.example", "7")
    record.add("binh")
    record.put(record.changes.add_identity(record.add("lan"), identity))
    assert record.changes.add_identity(record.get("lan"), identity) is None
    with pytest.raises(Conflict) as refused:
        record.changes.add_identity(record.get("binh"), identity)
    assert "lan" in refused.value.message


def test_changes_are_made_of_the_accounts_that_they_are_given(record: Record) -> None:
    record.add("lan")
    with pytest.raises(Conflict):
        AccountChanges(record.accounts, record.now).add(NewAccount("lan", "person", "Lan"), ID)
    assert AccountChanges(Record().accounts, record.now).add(NewAccount("lan", "person", "Lan"), ID)
