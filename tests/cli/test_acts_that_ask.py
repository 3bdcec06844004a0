"""Each act of the table, by its verb: without a table as ever, with one only as others approved it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.approvers import add_approvers
from tests.support.command import json_of, run_cli
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Conflict, KeyUnavailable
from vanvault.archiver.journal import own_events
from vanvault.archiver.people.accounts import NewAccount
from vanvault.archiver.people.approvals import ActRule, ApprovalTable, Requester
from vanvault.archiver.people.sign_on import Session
from vanvault.recovery.accounts import Desk, add_account, current_accounts
from vanvault.recovery.approvals import Approver, approve_request, set_table
from vanvault.recovery.failover import current_plan, promote

PEOPLE = ("anh", "binh", "hoa")

Words = Callable[[Path, Path], tuple[str, ...]]


@pytest.fixture
def guarded(home: Path) -> Path:
    with Archive.open(home) as archive:
        add_approvers(archive, *PEOPLE)
        add_account(Desk(archive, "root"), NewAccount("lan", "person", "lan"))
        set_table(archive, ApprovalTable(on=True), Requester("root"))
    return home


@pytest.fixture
def unguarded(home: Path) -> Path:
    with Archive.open(home) as archive:
        for name in (*PEOPLE, "lan"):
            add_account(Desk(archive, "root"), NewAccount(name, "person", name))
    return home


def first_object(home: Path) -> str:
    with Archive.open(home) as archive:
        archive.refresh()
        return str(next(iter(archive.search.every(Query())))["object"])


def say(home: Path, id: str, *names: str) -> None:
    """These people approve, each just signed on."""
    with Archive.open(home) as archive:
        archive.refresh()
        for name in names:
            account, now = current_accounts(archive).get(name), archive.clock.now()
            session = Session("s-1", "0" * 64, account.id, "authenticator", now, now, now)
            approve_request(archive, id, Approver(account, session, ("approver",)))


def refused(home: Path, *words: str) -> dict[str, Any]:
    """What an act says that needs an approval first."""
    done = run_cli(home, *words, "--json")
    assert done.exit_code == ExitCode.APPROVAL, (done.stdout, done.stderr)
    told: dict[str, Any] = json.loads(done.stdout)["error"]
    return told


ACTS: dict[str, Words] = {
    "key-unwrap": lambda home, _: ("keys", "unwrap", first_object(home), "--yes", "--reason", "for DuckDB"),
    "key-rotation": lambda _, __: ("keys", "rotate", "log"),
    "escrow": lambda _, to: (
        "keys", "escrow", "split", "--threshold", "2", "--shares", "3", "--output", str(to / "escrow"),
    ),
    "promote": lambda _, __: ("failover", "promote", "--reason", "fire", "--yes"),
    "probe-override": lambda _, __: ("probe", "primary", "--override", "--reason", "new disks"),
    "roles": lambda _, __: ("account", "grant", "lan", "operator"),
    "export-originals": lambda _, to: (
        "export", "--format", "zip", "--output", str(to / "all.zip"), "--reason", "inspection",
        "--to", "2020-01-01",
    ),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_done_once_as_others_approved_it(guarded: Path, tmp_path: Path, act: str) -> None:
    words = ACTS[act](guarded, tmp_path)
    told = refused(guarded, *words)
    assert (told["kind"], act in told["message"]) == ("approval-needed", True)
    say(guarded, told["request"], "binh")
    assert refused(guarded, *words)["request"] == told["request"], "nobody known asks, so two approve"
    say(guarded, told["request"], "hoa")
    shown = json_of(run_cli(guarded, "approval", "show", told["request"], "--json"))
    assert (shown["act"], shown["state"]) == (act, "approved")
    done = run_cli(guarded, *words)
    assert done.exit_code == 0, done.stderr
    assert json_of(run_cli(guarded, "approval", "show", told["request"], "--json"))["state"] == "used"


@pytest.mark.parametrize("act", ACTS)
def test_without_a_table_nothing_is_asked(unguarded: Path, tmp_path: Path, act: str) -> None:
    done = run_cli(unguarded, *ACTS[act](unguarded, tmp_path))
    assert done.exit_code == 0, done.stderr
    with Archive.open(unguarded) as archive:
        archive.refresh()
        assert not list(own_events(archive.search, "approval.requested"))


def test_keys_of_a_result_are_approved_for_exactly_its_entries(guarded: Path, tmp_path: Path) -> None:
    asked = {"gateway": "vanvault", "type": "vanvault.account.added"}
    fields = ("--gateway", asked["gateway"], "--type", asked["type"])
    keys = ("keys", "unwrap", *fields, "--reason", "for DuckDB", "--yes", "--output")
    told = refused(guarded, *keys, str(tmp_path / "keys.json"))
    shown = json_of(run_cli(guarded, "approval", "show", told["request"], "--json"))
    assert (shown["act"], shown["subject"]["result"]) == ("key-unwrap", asked)
    assert shown["subject"]["entries"] > 0
    assert len(shown["subject"]["ids_sha256"]) == 64
    say(guarded, told["request"], "binh", "hoa")
    other = refused(guarded, *keys, str(tmp_path / "rows.json"), "--from", "2020-01-01")
    assert other["request"] != told["request"]
    assert not (tmp_path / "keys.json").exists()
    assert run_cli(guarded, *keys, str(tmp_path / "keys.json")).exit_code == 0
    refused(guarded, *keys, str(tmp_path / "again.json"))


def test_a_failback_asks_too_and_a_promotion_names_who_approved(guarded: Path) -> None:
    words = ("failover", "promote", "--reason", "fire", "--yes")
    say(guarded, refused(guarded, *words)["request"], "binh", "hoa")
    done = json_of(run_cli(guarded, *words, "--json"))
    assert (done["leader"], done["approved_by"]) == ("standby", "binh, hoa")
    back = ("failover", "failback", "--reason", "over", "--yes")
    say(guarded, refused(guarded, *back)["request"], "binh", "hoa")
    assert json_of(run_cli(guarded, *back, "--json"))["leader"] == "primary"


def test_another_reason_is_another_request(guarded: Path) -> None:
    id = refused(guarded, "failover", "promote", "--reason", "fire", "--yes")["request"]
    say(guarded, id, "binh", "hoa")
    assert refused(guarded, "failover", "promote", "--reason", "flood", "--yes")["request"] != id


def test_new_roles_and_ways_in_of_approvers_ask(guarded: Path) -> None:
    """Else who adds accounts would approve under another name."""
    refused(guarded, "account", "add", "minh", "--full-name", "Minh", "--role", "approver")
    refused(guarded, "account", "identity", "add", "binh", "--issuer", "https://idp", "--subject", "1")
    refused(guarded, "account", "credential", "set", "binh", "--codes")
    refused(guarded, "account", "revoke", "binh", "approver")
    refused(guarded, "account", "change", "binh", "--valid-until", "2099-12-31")
    for words in (
        ("account", "add", "minh", "--full-name", "Minh"),
        ("account", "identity", "add", "lan", "--issuer", "https://idp", "--subject", "1"),
        ("account", "change", "lan", "--valid-until", "2099-12-31"),
        ("account", "change", "binh", "--unit", "Huế"),
        ("account", "suspend", "binh", "--reason", "moved"),
    ):
        assert run_cli(guarded, *words).exit_code == 0
    refused(guarded, "account", "resume", "binh", "--reason", "back")


def test_what_is_refused_in_any_case_asks_nobody(guarded: Path, tmp_path: Path) -> None:
    """Else an approval would be used up, and nothing done."""
    weak = tmp_path / "weak"
    weak.write_text("short")
    done = run_cli(guarded, "account", "credential", "set", "binh", "--password-file", str(weak))
    assert done.exit_code == ExitCode.USAGE, done.stderr
    with Archive.open(guarded) as archive:
        archive.refresh()
        assert not list(own_events(archive.search, "approval.requested"))


def test_a_promotion_that_came_too_late_keeps_its_approval(guarded: Path) -> None:
    with Archive.open(guarded) as archive:
        archive.refresh()
        late = current_plan(archive, action="promote", leader="standby")
        promote(archive, current_plan(archive, action="promote", leader="primary"), reason="fire", who="one")
        with pytest.raises(Conflict):
            promote(archive, late, reason="fire", who="two", ask=lambda: pytest.fail("asked"))


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("suspend", "hoa", "--reason", "moved"), "2 people are left who can approve (anh, binh)"),
        (("suspend", "hoa", "--reason", "moved", "--from", "2099-12-31"), "2 people are left"),
        (("suspend", "lan", "--reason", "moved"), ""),
    ],
)
def test_a_suspension_is_never_refused_and_tells_when_too_few_are_left(
    guarded: Path, words: tuple[str, ...], left: str
) -> None:
    done = run_cli(guarded, "account", *words)
    assert done.exit_code == 0, done.stderr
    assert (left in done.stderr and "--share" in done.stderr) if left else "are left" not in done.stderr


def test_nobody_approves_a_role_of_their_own(guarded: Path) -> None:
    id = refused(guarded, "account", "grant", "binh", "operator")["request"]
    with Archive.open(guarded) as archive:
        archive.refresh()
        account, now = current_accounts(archive).get("binh"), archive.clock.now()
        session = Session("s-1", "0" * 64, account.id, "authenticator", now, now, now)
        with pytest.raises(Exception, match="own benefit"):
            approve_request(archive, id, Approver(account, session, ("approver",)))


def test_what_changes_nothing_asks_nothing(guarded: Path) -> None:
    assert json_of(run_cli(guarded, "account", "grant", "binh", "approver", "--json"))["already"] is True


def test_a_signing_key_that_was_stolen_waits_for_nobody(guarded: Path) -> None:
    assert run_cli(guarded, "keys", "rotate", "signing", "--stolen").exit_code == 0
    refused(guarded, "keys", "rotate", "signing")


def test_an_escrow_that_is_made_with_a_rotation_asks_too(guarded: Path, tmp_path: Path) -> None:
    escrow = ("--escrow", str(tmp_path / "escrow"), "--threshold", "2", "--shares", "3")
    told = refused(guarded, "keys", "rotate", "log", *escrow)
    assert json_of(run_cli(guarded, "approval", "show", told["request"], "--json"))["act"] == "escrow"


def test_of_an_escrow_and_a_rotation_the_one_that_takes_more_approvals_is_asked(
    guarded: Path, tmp_path: Path
) -> None:
    with Archive.open(guarded) as archive:
        archive.refresh()
        stricter = ApprovalTable(on=True, rules={"key-rotation": ActRule(approvals=2)})
        assert set_table(archive, stricter, Requester("root"))
    escrow = ("--escrow", str(tmp_path / "escrow"), "--threshold", "2", "--shares", "3")
    told = refused(guarded, "keys", "rotate", "log", *escrow)
    assert json_of(run_cli(guarded, "approval", "show", told["request"], "--json"))["act"] == "key-rotation"


def test_a_rotation_does_not_go_on_where_its_request_cannot_be_recorded(
    guarded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_aside(archive: Archive, events: object) -> None:
        raise KeyUnavailable("the log key is away")

    monkeypatch.setattr(Archive, "record_aside", record_aside)
    done = run_cli(guarded, "keys", "rotate", "log")
    assert done.exit_code == ExitCode.KEYS, (done.stdout, done.stderr)


def test_lost_authenticators_are_another_request(guarded: Path) -> None:
    words = ("account", "credential", "set", "binh", "--codes")
    assert refused(guarded, *words)["request"] != refused(guarded, *words, "--no-authenticators")["request"]


def test_an_export_without_originals_asks_nothing(guarded: Path, tmp_path: Path) -> None:
    words = ("export", "--format", "csv", "--output", str(tmp_path / "all.csv"), "--reason", "inspection")
    assert run_cli(guarded, *words).exit_code == 0


def test_an_approved_export_is_of_the_count_that_was_approved(guarded: Path, tmp_path: Path) -> None:
    words = ("export", "--format", "zip", "--output", str(tmp_path / "all.zip"), "--reason", "inspection")
    told = refused(guarded, *words)
    say(guarded, told["request"], "binh", "hoa")
    assert refused(guarded, *words)["request"] != told["request"], "the archive grew meanwhile"


def test_where_nobody_can_approve_any_more_the_shares_of_the_escrow_open_the_table(
    home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "escrow"
    split = ("keys", "escrow", "split", "--threshold", "2", "--shares", "3", "--output", str(folder))
    bundle = Path(json_of(run_cli(home, *split, "--json"))["bundle"])
    with Archive.open(home) as archive:
        add_approvers(archive, *PEOPLE)
        set_table(archive, ApprovalTable(on=True), Requester("root"))
    for name in PEOPLE:
        assert run_cli(home, "account", "suspend", name, "--reason", "moved").exit_code == 0
    words = ("approval", "table", "set")
    refused(home, *words)
    shares = sorted(folder.glob("share-*.txt"))
    one = run_cli(home, *words, "--bundle", bundle, "--share", shares[0])
    assert one.exit_code not in (0, ExitCode.APPROVAL), "one share opens nothing"
    assert run_cli(home, *words, "--share", shares[0]).exit_code == ExitCode.USAGE
    both = ("--bundle", bundle, "--share", shares[0], "--share", shares[1])
    assert json_of(run_cli(home, *words, *both, "--json"))["already"] is False
    assert run_cli(home, "account", "resume", "anh", "--reason", "back").exit_code == 0
    with Archive.open(home) as archive:
        archive.refresh()
        newest = next(iter(own_events(archive.search, "approval.table-set")))
        assert newest.detail["escrow_set"] and not newest.detail["table"]["on"]


def test_while_a_site_is_lost_a_promotion_is_approved_and_the_leader_decides_then(guarded: Path) -> None:
    unwrap = ("keys", "unwrap", first_object(guarded), "--yes")
    say(guarded, refused(guarded, *unwrap)["request"], "binh", "hoa")
    (guarded / "sites" / "primary").rename(guarded / "lost")
    assert run_cli(guarded, *unwrap).exit_code == ExitCode.SITE, "the lost site may know of a refusal"
    promote = ("failover", "promote", "--reason", "fire", "--yes")
    say(guarded, refused(guarded, *promote)["request"], "binh", "hoa")
    assert json_of(run_cli(guarded, *promote, "--json"))["approved_by"] == "binh, hoa"
    assert run_cli(guarded, *unwrap).exit_code == 0
    refused(guarded, *unwrap)
