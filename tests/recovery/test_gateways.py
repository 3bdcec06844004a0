"""Changes of gateways on record: once, without secrets, and as soon as the archive can take them."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import GATEWAY, Home, Node, event, memory_home
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound, SiteUnavailable
from vanvault.archiver.core.model import EventDraft
from vanvault.archiver.core.outcome import Outcome
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.journal import own_events
from vanvault.archiver.people import GATEWAYS_FILE, Gateways, TokenTerms
from vanvault.recovery.gateways import (
    AddRequest,
    GatewayDuty,
    RecordingIntake,
    TokenRequest,
    add_gateway,
    add_token,
    record_changes,
    remove_gateway,
    remove_token,
    set_policy,
)
from vanvault.recovery.work import Observer
from vanvault.recovery.work.observer import QuietObserver

ALL = TokenTerms()


class Warned(QuietObserver):
    """Keeps what a verb warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose two sites are folders, with gateway-1."""
    init_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Home]:
    with memory_home(tmp_path / "home") as found:
        yield found


def add(home: Path, name: str, *, bring_back: bool = False, observer: Observer | None = None) -> str:
    """``vanvault gateway add``; the id of the gateway."""
    with Archive.open(home) as archive:
        request = AddRequest(name, "anh", ALL, bring_back=bring_back)
        return add_gateway(archive, request, observer or Warned()).gateway_id


def on_record(archive: Archive) -> list[tuple[str, dict[str, Any]]]:
    """Kind and detail of every event about gateways, in the order of their time."""
    archive.catch_up()
    kinds = ("added", "brought-back", "removed", "policy-set", "token-added", "token-removed")
    found = [
        (event.occurred_at, event.id, kind, event.detail)
        for kind in kinds
        for event in own_events(archive.search, f"gateway.{kind}", order="oldest")
    ]
    return [(kind, detail) for *_, kind, detail in sorted(found, key=lambda one: one[:2])]


def read(home: Path) -> list[tuple[str, dict[str, Any]]]:
    with Archive.open(home) as archive:
        return on_record(archive)


def test_every_verb_leaves_one_event_with_who_did_it_and_no_secret(home: Path) -> None:
    with Archive.open(home) as archive:
        made = add_gateway(archive, AddRequest("ivan-2", "anh", TokenTerms.of(scopes=["push"]), "any"))
    more = add_token(home, TokenRequest("ivan-2", "anh", ALL, timedelta(days=7)))
    remove_token(home, "ivan-2", made.id, who="anh")
    set_policy(home, "ivan-2", None, who="anh")
    remove_gateway(home, "ivan-2", who="anh")
    assert add(home, "ivan-2", bring_back=True) == made.gateway_id
    events = [(kind, detail) for kind, detail in read(home) if detail["gateway"] == "ivan-2"]
    assert [kind for kind, _ in events] == [
        "added", "token-added", "token-removed", "policy-set", "removed", "brought-back",
    ]  # fmt: skip
    assert {detail["id"] for _, detail in events} == {made.gateway_id}
    assert {detail["who"] for _, detail in events} == {"anh"}
    assert events[0][1]["scopes"] == ["push"]
    assert events[0][1]["policy"] == "any"
    text = json.dumps(events)
    assert made.secret not in text
    assert more.secret not in text
    assert Gateways(home).unrecorded() == ()


def test_the_first_gateway_of_a_home_comes_on_record_with_the_next_change(home: Path) -> None:
    add(home, "ivan-2")
    assert [(kind, detail["gateway"]) for kind, detail in read(home)] == [
        ("added", GATEWAY),
        ("added", "ivan-2"),
    ]


def test_a_stolen_token_is_dead_although_a_site_is_away_and_the_event_follows(home: Path) -> None:
    primary, away = home / "sites" / "primary", home / "sites" / "away"
    primary.rename(away)
    warned = Warned()
    remove_gateway(home, GATEWAY, who="anh", observer=warned)
    assert Gateways(home).names() == []
    assert len(warned.warnings) == 1
    assert [change.kind for change in Gateways(home).unrecorded()] == ["added", "removed"]
    away.rename(primary)
    add(home, "ivan-2")
    assert [kind for kind, _ in read(home)] == ["added", "removed", "added"]


def test_no_gateway_is_added_while_no_site_can_say_whose_the_name_was(home: Path) -> None:
    (home / "sites").rename(home / "away")
    with pytest.raises(SiteUnavailable):
        add(home, "ivan-2")
    assert Gateways(home).names() == [GATEWAY]


def test_a_lost_list_of_gateways_frees_no_name_that_is_on_record(home: Path) -> None:
    id = add(home, "ivan-2")
    (home / GATEWAYS_FILE).unlink()
    with pytest.raises(Conflict) as refused:
        add(home, "ivan-2")
    assert id in refused.value.message
    assert "--bring-back" in refused.value.hint
    assert add(home, "ivan-2", bring_back=True) == id


def test_a_lost_list_of_gateways_frees_no_name_under_which_something_lies(memory: Home) -> None:
    with Node(memory.archive()) as node:
        node.push_until_accepted(event("e-1"))
    (memory.path / GATEWAYS_FILE).unlink()
    archive = memory.archive()
    with pytest.raises(Conflict):
        add_gateway(archive, AddRequest(GATEWAY, "anh", ALL))
    add_gateway(archive, AddRequest("ivan-2", "anh", ALL))
    made = add_gateway(archive, AddRequest(GATEWAY, "anh", ALL, bring_back=True))
    assert Gateways(memory.path).get(GATEWAY).id == made.gateway_id


def test_a_name_that_never_was_cannot_come_back(home: Path) -> None:
    with pytest.raises(NotFound):
        add(home, "ivan-2", bring_back=True)


def test_another_home_of_the_same_archive_gives_no_name_twice(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(home, other, ignore=shutil.ignore_patterns("sites", "cache"))
    (other / "sites").symlink_to(home / "sites")
    add(home, "ivan-2")
    with pytest.raises(Conflict):
        add(other, "ivan-2")
    add(other, "ivan-3")
    with pytest.raises(Conflict):
        add(home, "ivan-3")


def test_two_homes_that_claim_a_name_at_once_do_not_both_keep_it(home: Path, tmp_path: Path) -> None:
    """The second home looks before the first has written, and writes after it."""
    other = tmp_path / "other"
    shutil.copytree(home, other, ignore=shutil.ignore_patterns("sites", "cache"))
    (other / "sites").symlink_to(home / "sites")
    with Archive.open(other) as archive:
        record = archive.record_events

        def late(events: Callable[[], list[EventDraft]]) -> None:
            add(home, "ivan-2")
            archive.record_events = record  # type: ignore[method-assign]
            record(events)

        archive.record_events = late  # type: ignore[method-assign,assignment]
        with pytest.raises(Conflict):
            add_gateway(archive, AddRequest("ivan-2", "binh", ALL))
    assert Gateways(home).names() == [GATEWAY, "ivan-2"]
    assert Gateways(other).names() == [GATEWAY]


def test_nobody_gets_the_name_of_the_archive_itself(home: Path) -> None:
    add(home, "ivan-2")  # from now on there are entries of the archive itself
    for bring_back in (False, True):
        with pytest.raises(InvalidInput):
            add(home, "vanvault", bring_back=bring_back)


def test_a_token_that_is_over_already_is_not_made(home: Path) -> None:
    past = TokenTerms.of(not_after=SystemClock().now() - timedelta(seconds=2))
    with pytest.raises(InvalidInput):
        add_token(home, TokenRequest(GATEWAY, "anh", past))
    assert len(Gateways(home).get(GATEWAY).tokens) == 1


def test_changes_recorded_twice_are_one_event(home: Path) -> None:
    """A process died after the archive had the event, and before the list of gateways said so."""
    saved = (home / GATEWAYS_FILE).read_bytes()
    with Archive.open(home) as archive:
        record_changes(archive)
    (home / GATEWAYS_FILE).write_bytes(saved)
    with Archive.open(home) as archive:
        record_changes(archive)
        assert [kind for kind, _ in on_record(archive)] == ["added"]
        assert archive.tail.conflicting() == []


class _Intake:
    """An intake that keeps what it is given and answers as it is told."""

    def __init__(self, answer: Outcome) -> None:
        self.answer, self.open = answer, True
        self.events: list[EventDraft] = []

    def submit(self, event: EventDraft, done: Callable[[Outcome, bool], None]) -> None:
        self.events.append(event)
        threading.Thread(target=done, args=(self.answer, False)).start()


def test_a_running_node_records_what_a_verb_could_not(memory: Home) -> None:
    gateways = Gateways(memory.path)
    gateways.remove(GATEWAY, SystemEntropy(), memory.clock)
    with Node(memory.archive()) as node:
        node.wait_ready()
        duty = GatewayDuty(
            gateways,
            node.archive.search,
            RecordingIntake(node.intake.submit, lambda: node.intake.refusal is None),
            memory.clock,
        )
        duty.round(threading.Event())
        assert gateways.unrecorded() == ()
    assert [kind for kind, _ in on_record(memory.archive())] == ["added", "removed"]


def test_a_node_whose_intake_is_closed_or_refuses_keeps_the_change(memory: Home) -> None:
    gateways = Gateways(memory.path)
    intake = _Intake(SiteUnavailable("away", site="primary"))
    search = memory.archive().search
    duty = GatewayDuty(gateways, search, RecordingIntake(intake.submit, lambda: intake.open), memory.clock)
    intake.open = False
    duty.round(threading.Event())
    assert intake.events == []
    intake.open = True
    with pytest.raises(SiteUnavailable):
        duty.round(threading.Event())
    assert len(gateways.unrecorded()) == 1


def test_a_node_leaves_the_record_to_a_verb_that_is_at_it(memory: Home) -> None:
    gateways = Gateways(memory.path)
    intake = _Intake({})
    search = memory.archive().search
    duty = GatewayDuty(gateways, search, RecordingIntake(intake.submit, lambda: True), memory.clock)
    held = gateways.recording(wait=True)
    assert held is not None
    with held:
        duty.round(threading.Event())
    assert intake.events == []
    duty.round(threading.Event())
    assert [one.type for one in intake.events] == ["vanvault.gateway.added"]
    assert gateways.unrecorded() == ()


def obey(home: Path) -> None:
    """One round of a node of this home whose intake is closed."""
    closed = RecordingIntake(lambda event, done: None, lambda: False)
    with Archive.open(home) as archive:
        archive.catch_up()
        GatewayDuty(archive.gateways, archive.search, closed, archive.clock).round(threading.Event())


def test_a_list_from_an_old_backup_brings_no_removed_token_back(home: Path) -> None:
    add(home, "ivan-2")
    kept = add_token(home, TokenRequest(GATEWAY, "anh", ALL))
    stolen = add_token(home, TokenRequest(GATEWAY, "anh", ALL))
    backup = (home / GATEWAYS_FILE).read_bytes()
    remove_token(home, GATEWAY, stolen.id, who="anh")
    remove_gateway(home, "ivan-2", who="anh")
    (home / GATEWAYS_FILE).write_bytes(backup)
    obey(home)
    assert Gateways(home).names() == [GATEWAY]
    tokens = {token.id for token in Gateways(home).get(GATEWAY).tokens}
    assert kept.id in tokens
    assert stolen.id not in tokens


def test_an_old_list_is_mended_as_soon_as_a_node_knows_the_archive(home: Path) -> None:
    add(home, "ivan-2")
    backup = (home / GATEWAYS_FILE).read_bytes()
    remove_gateway(home, "ivan-2", who="anh")
    (home / GATEWAYS_FILE).write_bytes(backup)
    with Archive.open(home) as archive:
        looks: list[bool] = []

        def is_open() -> bool:
            if not looks:
                archive.catch_up()  # intake opens when this is done
            looks.append(len(looks) > 0)
            return looks[-1]

        intake = RecordingIntake(lambda event, done: done({}, False), is_open)
        task = GatewayDuty(archive.gateways, archive.search, intake, archive.clock).task
        assert task.at_once
        task.run(threading.Event())
    assert Gateways(home).names() == [GATEWAY]
    add(home, "ivan-2", bring_back=True)
    obey(home)
    assert len(Gateways(home).get("ivan-2").tokens) == 1


def test_a_token_that_one_home_removes_ends_at_the_other(home: Path, tmp_path: Path) -> None:
    stolen = add_token(home, TokenRequest(GATEWAY, "anh", ALL))
    other = tmp_path / "other"
    shutil.copytree(home, other, ignore=shutil.ignore_patterns("sites", "cache"))
    (other / "sites").symlink_to(home / "sites")
    remove_token(home, GATEWAY, stolen.id, who="anh")
    before = Gateways(other).unrecorded()
    obey(other)
    assert stolen.id not in {token.id for token in Gateways(other).get(GATEWAY).tokens}
    assert Gateways(other).unrecorded() == before
