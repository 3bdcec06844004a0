"""An id that only a site can tell about: nobody else waits for it, and it still becomes one entry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import GATEWAY, PATIENCE_S, Home, Node, memory_home, message
from tests.support.gated import ReadGate
from tests.upkeep.compaction.homes import drafts, fill
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, SettingsError, VanVaultError
from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.outcome import Outcome
from vanvault.archiver.upkeep.periodic import Maintenance

#: A message that ``fill`` archived and that lies in a segment.
OLD = drafts(0)[0]


def other_bytes(draft: Draft) -> Draft:
    return message(draft.client_id, b"<other/>")


@dataclass
class Answers:
    """What callers were told, each once."""

    told: dict[str, tuple[Outcome, bool]] = field(default_factory=dict)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def submit(self, node: Node, name: str, draft: Draft) -> None:
        try:
            node.intake.submit(draft, lambda outcome, repeated: self.take(name, outcome, repeated))
        except VanVaultError as error:
            self.take(name, error, False)

    def take(self, name: str, outcome: Outcome, repeated: bool) -> None:
        assert name not in self.told
        self.told[name] = (outcome, repeated)
        self.came.release()

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self.came.acquire(timeout=PATIENCE_S), f"only {sorted(self.told)} were told"


def compacted(home: Home) -> None:
    archive = home.archive()
    fill(home, archive)
    maintenance = Maintenance(archive)
    maintenance.look()
    assert maintenance.snapshot.segments


@contextmanager
def gated(home: Home) -> Iterator[tuple[Archive, ReadGate]]:
    """A newly started archive over segments, nothing of them in memory; and the gate before its sites."""
    gate = ReadGate()
    sites: dict[str, Any] = dict(home.sites)
    home.sites.update({name: gate.before(site) for name, site in sites.items()})
    try:
        yield home.archive(), gate
    finally:
        gate.open()
        home.sites.update(sites)


def unknown_ids(archive: Archive) -> Iterator[str]:
    """Ids that are new, as filters alone can tell."""
    for n in range(1_000):
        if archive.claims.recall("message", GATEWAY, f"new-{n}") == (None, True):
            yield f"new-{n}"


def test_a_retry_that_waits_for_a_site_keeps_nobody_else_waiting(home: Home) -> None:
    compacted(home)
    answers = Answers()
    with gated(home) as (archive, gate), Node(archive) as node:
        node.wait_ready()
        new = unknown_ids(archive)
        gate.shut()
        answers.submit(node, "retry", OLD)
        assert gate.reached.wait(PATIENCE_S)
        answers.submit(node, "again", OLD)
        answers.submit(node, "other", other_bytes(OLD))
        assert node.push(message(next(new), b"<new/>"))["gateway"] == GATEWAY
        assert node.push(message(next(new), b"<newer/>"))
        assert node.intake.refusal is None
        assert answers.told == {}
        gate.open()
        answers.wait(3)
        receipt, repeated = answers.told["retry"]
        assert isinstance(receipt, dict)
        assert (receipt["sha256"], repeated) == (OLD.sha256.hex(), True)
        assert answers.told["again"] == (receipt, True)
        assert isinstance(answers.told["other"][0], Conflict)


def test_one_who_comes_first_with_other_bytes_is_the_one_refused(home: Home) -> None:
    compacted(home)
    answers = Answers()
    with gated(home) as (archive, gate), Node(archive) as node:
        node.wait_ready()
        gate.shut()
        answers.submit(node, "other", other_bytes(OLD))
        answers.submit(node, "retry", OLD)
        assert answers.told == {}
        gate.open()
        answers.wait(2)
        assert isinstance(answers.told["other"][0], Conflict)
        assert isinstance(answers.told["retry"][0], dict)


def test_two_new_entries_of_one_id_that_wait_for_one_look_up_are_one_entry_and_a_conflict(home: Home) -> None:
    """Another gateway archived the id, so only a look at its segment tells that it is new here."""
    compacted(home)
    answers = Answers()
    with gated(home) as (archive, gate), Node(archive) as node:
        node.wait_ready()
        gate.shut()
        for name, body in (("first", b"<one/>"), ("other", b"<two/>"), ("again", b"<one/>")):
            answers.submit(node, name, message(OLD.client_id, body, gateway="gateway-2"))
        assert answers.told == {}
        gate.open()
        answers.wait(3)
        receipt, repeated = answers.told["first"]
        assert isinstance(receipt, dict)
        assert (receipt["gateway"], repeated) == ("gateway-2", False)
        assert isinstance(answers.told["other"][0], Conflict)
        assert answers.told["again"] == (receipt, True)


def test_who_waits_for_a_look_up_when_the_node_stops_is_told(home: Home) -> None:
    compacted(home)
    answers = Answers()
    with gated(home) as (archive, gate):
        node = Node(archive)
        node.wait_ready()
        gate.shut()
        answers.submit(node, "retry", OLD)
        assert gate.reached.wait(PATIENCE_S)
        node.stop()
        answers.wait(1)
        outcome, _ = answers.told["retry"]
        assert isinstance(outcome, VanVaultError)
        assert "shutting down" in outcome.message
        with pytest.raises(VanVaultError, match="shutting down"):
            node.intake.submit(message("late", b"<late/>"), lambda *_: None)


def test_an_error_of_a_look_up_reaches_everybody_who_waits_for_it(home: Home) -> None:
    compacted(home)
    answers = Answers()
    with gated(home) as (archive, gate), Node(archive) as node:
        node.wait_ready()
        gate.shut(fail=True)
        answers.submit(node, "retry", OLD)
        answers.submit(node, "again", OLD)
        answers.wait(2)
        assert all(isinstance(outcome, VanVaultError) for outcome, _ in answers.told.values())
        gate.open()
        assert node.push(OLD)["sha256"] == OLD.sha256.hex()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, ReadGate]]:
    with memory_home(tmp_path_factory.mktemp("many") / "home") as home:
        compacted(home)
        with gated(home) as (archive, gate), Node(archive) as node:
            node.wait_ready()
            yield node, gate


_numbers = iter(range(1_000_000))


@given(
    bodies=st.lists(st.sampled_from([b"<a/>", b"<b/>"]), min_size=1, max_size=6),
    old=st.lists(st.booleans(), min_size=1, max_size=4),
)
def test_callers_at_once_with_one_id_get_one_entry(
    many: tuple[Node, ReadGate], bodies: list[bytes], old: list[bool]
) -> None:
    """Every caller in a thread of its own: one receipt for the bytes that won, a conflict for all others."""
    node, _ = many
    answers, client_id = Answers(), f"new-{next(_numbers)}"
    calls = [(f"new-{n}", message(client_id, body)) for n, body in enumerate(bodies)]
    calls += [(f"old-{n}", OLD if same else other_bytes(OLD)) for n, same in enumerate(old)]
    together = threading.Barrier(len(calls))

    def call(name: str, draft: Draft) -> None:
        together.wait(PATIENCE_S)
        answers.submit(node, name, draft)

    threads = [threading.Thread(target=call, args=one) for one in calls]
    for thread in threads:
        thread.start()
    answers.wait(len(calls))
    for thread in threads:
        thread.join(PATIENCE_S)
    receipts = [outcome for name, (outcome, _) in answers.told.items() if name.startswith("new-")]
    given_out = [found for found in receipts if isinstance(found, dict)]
    assert len({found["id"] for found in given_out}) == 1
    assert {found["sha256"] for found in given_out} <= {
        draft.sha256.hex() for name, draft in calls if name.startswith("new-")
    }
    for name, draft in calls:
        outcome = answers.told[name][0]
        won = OLD.sha256.hex() if name.startswith("old-") else given_out[0]["sha256"]
        if draft.sha256.hex() == won:
            assert isinstance(outcome, dict)
            assert outcome["sha256"] == won
        else:
            assert isinstance(outcome, Conflict)
    assert sum(not repeated for name, (_, repeated) in answers.told.items() if name.startswith("new-")) >= 1


def doubtful_id(archive: Archive) -> str:
    """A new id of which the filters alone cannot tell that it is new."""
    ids = (f"doubtful-{n}" for n in range(1_000_000))
    return next(one for one in ids if not archive.claims.recall("message", GATEWAY, one)[1])


def test_many_retries_that_wait_for_a_site_keep_no_look_up_waiting(home: Home) -> None:
    compacted(home)
    answers = Answers()
    with gated(home) as (archive, gate), Node(archive) as node:
        node.wait_ready()
        new = doubtful_id(archive)
        gate.shut()
        for number in range(12):
            answers.submit(node, f"retry-{number}", drafts(0)[0])
        assert gate.reached.wait(PATIENCE_S)
        assert node.push(message(new, b"<new/>"))["gateway"] == GATEWAY
        gate.open()
        answers.wait(12)


def test_a_gateway_whose_policy_cannot_be_read_is_told_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry is stored and every caller is answered; the node goes on, and a retry gets the receipt."""

    def refusal(*_: object, **__: object) -> None:
        raise SettingsError("gateways.json cannot be read")

    compacted(home)
    archive = home.archive()
    with Node(archive) as node:
        node.wait_ready()
        with monkeypatch.context() as broken:
            broken.setattr(archive.policy, "refusal", refusal)
            for draft in (message("first", b"<m/>"), OLD):  # at its commit, and when it comes again
                with pytest.raises(SettingsError, match="gateways"):
                    node.push(draft)
        assert node.push_until_accepted(message("first", b"<m/>"))["gateway"] == GATEWAY
        assert node.push(OLD)["sha256"] == OLD.sha256.hex()
        assert node.push(message("second", b"<m/>"))["gateway"] == GATEWAY


def test_a_group_of_old_and_new_ids_is_told_apart(home: Home) -> None:
    compacted(home)
    new = message("new", b"<new/>")
    with Node(home.archive()) as node:
        node.wait_ready()
        (old, again), (other, _), (one, first), (two, second) = node.submit([OLD, other_bytes(OLD), new, new])
        assert again
        assert isinstance(old, dict)
        assert isinstance(other, Conflict)
        assert one == two
        assert (first, second) == (False, True)
        assert node.submit([new, OLD]) == [(one, True), (old, True)]
