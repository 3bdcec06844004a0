"""Short runs of chaos, and that its checker sees what it is there to see. Long ones: ``make chaos``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.chaos.checker import (
    Verdict,
    check_disputes,
    check_found,
    check_order,
    check_receipts,
    check_stored,
    out_of_order,
)
from tests.faults.chaos.gateways import GATEWAY, after
from tests.faults.chaos.history import History
from tests.faults.chaos.ledger import Ledger, Promise, Times, body_of, event_of
from tests.faults.chaos.memory import run_in_memory
from tests.faults.chaos.memory_actions import ACTIONS
from tests.faults.chaos.nemeses import NEMESES as LET_LOOSE
from tests.faults.chaos.plan import DAMAGE, NEED_CLOCKS, NEED_NAMESPACES, NEMESES, plan_of
from tests.faults.chaos.run import good, summary
from tests.servers.minio import binary
from tests.support.archives import Home, Node, message, second_home
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.times import to_us
from vanvault.archiver.intake import event_draft

SEED = int(os.environ.get("VANVAULT_TEST_SEED") or 7)
TIMEOUT_S = 280


class TestPlan:
    def test_it_follows_from_seed_and_number_alone(self) -> None:
        plans = [plan_of(7, number, seconds=20, namespaces=True) for number in range(1, 30)]
        assert plans == [plan_of(7, number, seconds=20, namespaces=True) for number in range(1, 30)]
        assert len({plan.steps for plan in plans}) == len(plans)
        assert {plan.policy for plan in plans} == {"all", "any", "fall-back"}
        assert {step.nemesis for plan in plans for step in plan.steps} == set(NEMESES) == set(LET_LOOSE)

    def test_bytes_are_harmed_at_one_site_only(self) -> None:
        for number in range(1, 50):
            plan = plan_of(1, number, seconds=30, namespaces=True)
            assert {step.site for step in plan.steps if step.nemesis in DAMAGE} <= {plan.victim}

    def test_a_site_is_wiped_at_any_moment_where_the_other_must_have_everything(self) -> None:
        plans = [plan_of(1, number, seconds=20, namespaces=True) for number in range(1, 100)]
        sudden = [plan for plan in plans if plan.sudden]
        assert sudden
        assert all(plan.wiped and plan.policy == "all" for plan in sudden)
        assert not any(step.nemesis == "promote" for plan in sudden for step in plan.steps)

    def test_clocks_are_let_alone_where_they_cannot_be_set(self) -> None:
        plans = [plan_of(1, number, seconds=30, namespaces=True, clocks=False) for number in range(1, 50)]
        assert not {step.nemesis for plan in plans for step in plan.steps} & NEED_CLOCKS

    def test_loopback_is_not_asked_for_what_it_cannot_do(self) -> None:
        plans = [plan_of(1, number, seconds=30, namespaces=False) for number in range(1, 50)]
        assert not {step.nemesis for plan in plans for step in plan.steps} & NEED_NAMESPACES


@pytest.fixture
def verdict(tmp_path: Path) -> Iterator[Verdict]:
    with History(tmp_path / "history.jsonl") as history:
        yield Verdict(history)


@pytest.fixture
def ledger(tmp_path: Path, home: Home) -> Iterator[Ledger]:
    """Three messages and two events that ``home`` holds, as their gateway wrote them down."""
    kept = Ledger(tmp_path / "ledger.jsonl")
    kept.now = home.clock.now
    with Node(home.archive()) as node:
        node.wait_ready()
        for number in range(3):
            id = f"run/{number}"
            kept.sent("message", GATEWAY, id)
            receipt = node.push(message(id, body_of(id), received_us=to_us(home.clock.now())))
            kept.acknowledged(Promise("message", GATEWAY, id, receipt))
        for number in range(2):
            id = f"run/t/{number}"
            kept.sent("event", GATEWAY, id)
            received = home.clock.now()
            receipt = node.push(event_draft(GATEWAY, event_of(id), received=received))
            kept.acknowledged(Promise("event", GATEWAY, id, receipt))
    yield kept
    kept.close()


def timeline_of(archive: Archive) -> Any:
    return lambda transaction, gateway: [
        item["event_id"] for item in archive.search.timeline(transaction, gateway).items
    ]


class TestChecker:
    """Each harm is seen, and counted where it belongs."""

    def check(self, archive: Archive, ledger: Ledger, verdict: Verdict) -> dict[str, int]:
        archive.catch_up()
        check_stored(archive, ledger, verdict)
        check_receipts(archive, ledger, verdict)
        check_found(archive, ledger, verdict)
        check_disputes(archive, ledger, verdict)
        check_order(ledger, verdict, timeline_of(archive))
        return verdict.counts()

    def test_kept_promises_are_no_finding(self, home: Home, ledger: Ledger, verdict: Verdict) -> None:
        counts = self.check(home.archive(), ledger, verdict)
        assert counts == {"lost": 0, "duplicated": 0, "unverified": 0, "twins": 0}
        assert verdict.good
        assert len(ledger) == 5
        assert not ledger.pending()

    @pytest.mark.parametrize("how", ["drop", "flip", "truncate"])
    def test_what_one_site_lost(self, home: Home, ledger: Ledger, verdict: Verdict, how: str) -> None:
        promise = ledger.promises()[1]
        key = promise.receipt["object"]
        harm = home.standby.damage
        {"drop": lambda: harm.drop(key), "flip": lambda: harm.flip(key, 99)}.get(
            how, lambda: harm.truncate(key, 50)
        )()
        self.check(home.archive(), ledger, verdict)
        assert verdict.lost == {promise.id}

    def test_a_promise_that_was_never_kept(self, home: Home, ledger: Ledger, verdict: Verdict) -> None:
        real = ledger.promises()[0]
        ledger.acknowledged(Promise("message", GATEWAY, "run/never", real.receipt))
        counts = self.check(home.archive(), ledger, verdict)
        assert verdict.lost == verdict.unverified == {"run/never"}
        assert counts["lost"] == 1

    def test_a_receipt_that_was_changed(self, home: Home, ledger: Ledger, verdict: Verdict) -> None:
        ledger.promises()[0].receipt["received_at"] = "2020-01-01T00:00:00Z"
        assert self.check(home.archive(), ledger, verdict)["unverified"] == 1

    def test_a_receipt_with_a_time_of_a_clock_that_was_off(
        self, home: Home, ledger: Ledger, verdict: Verdict
    ) -> None:
        with Node(home.archive()) as node:
            node.wait_ready()
            ledger.sent("message", GATEWAY, "run/late")
            late = home.clock.now() + timedelta(minutes=2)
            receipt = node.push(message("run/late", body_of("run/late"), received_us=to_us(late)))
        ledger.acknowledged(Promise("message", GATEWAY, "run/late", receipt))
        self.check(home.archive(), ledger, verdict)
        assert verdict.unverified == {"run/late"}

    def test_an_id_with_other_content(self, home: Home, ledger: Ledger, verdict: Verdict) -> None:
        archive = home.archive()
        with Node(archive) as node:
            node.wait_ready()
            now_us = to_us(home.clock.now())
            other = node.push(message("run/other", b"<other/>", received_us=now_us))
        ledger.acknowledged(Promise("message", GATEWAY, "run/other", other))
        self.check(home.archive(), ledger, verdict)
        assert verdict.duplicated == {"run/other"}

    def test_an_id_with_two_contents(
        self, home: Home, ledger: Ledger, verdict: Verdict, tmp_path: Path
    ) -> None:
        """Both were acknowledged, by nodes that did not know of each other; and one that never was."""
        id, began = "run/careless", home.clock.now()
        with (
            second_home(home, tmp_path / "second") as other,
            Node(home.archive()) as node,
            Node(other.archive()) as node_2,
        ):
            node.wait_ready()
            node_2.wait_ready()
            for variant, taker in enumerate((node, node_2)):
                sent = message(id, body_of(id, variant), received_us=to_us(began))
                ledger.disputed(Promise("message", GATEWAY, id, taker.push(sent), variant), began)
        assert [len(both) for both in ledger.contents().values()] == [2]
        counts = self.check(home.archive(), ledger, verdict)
        assert counts == {"lost": 0, "duplicated": 0, "unverified": 0, "twins": 0}
        stored = ledger.disputes()[0].receipt
        ledger.disputed(Promise("message", GATEWAY, "run/never", stored, variant=1), began)
        self.check(home.archive(), ledger, verdict)
        assert verdict.lost == verdict.unverified == {"run/never"}

    def test_what_ended_before_another_began_stands_before_it(self) -> None:
        first, second, both = Times(0, 1), Times(2, 3), Times(0, 4)
        assert out_of_order([first, second]) == 0
        assert out_of_order([second, first]) == 1
        assert out_of_order([second, both]) == out_of_order([both, second]) == 0

    def test_receipts_that_follow(self) -> None:
        here = {"site": "primary", "key": "k", "version": "1"}
        there = {**here, "site": "standby"}
        whole = {"id": "a", "sha256": "00", "object": "k", "placements": [here, there]}
        degraded = {**whole, "placements": [here], "degraded": True}
        assert after(whole, whole) == "same"
        assert after(whole, {**whole, "signature": "another"}) == "resigned"
        assert after(degraded, whole) == "upgraded"
        large = {**here, "key": "l"}
        first = {**degraded, "placements": [here, large]}
        assert after(first, {**first, "placements": [here, there, large]}) == "upgraded"
        assert after(first, {**first, "placements": [there, large]}) == "wrong"
        assert after(whole, degraded) == "lesser"
        assert after(whole, {**degraded, "object": "l"}) == "wrong"
        assert after(whole, {**degraded, "placements": [{**here, "version": "2"}]}) == "wrong"
        anew = [here, {**there, "version": "2"}]
        assert after(whole, {**whole, "placements": anew}) == "renewed"
        assert after(whole, {**whole, "id": "b"}) == "twin"
        assert after(whole, {**whole, "sha256": "11"}) == "wrong"

    def test_a_bad_or_broken_run_is_not_good(self) -> None:
        fine = {"run": "a", "acknowledged": 3, "lost": 0, "duplicated": 0, "unverified": 0, "twins": 0}
        assert good(summary([fine, fine]))
        assert summary([fine, fine])["acknowledged"] == 6
        for harm in ({"lost": 1}, {"duplicated": 1}, {"unverified": 1}, {"broken_off": True}):
            assert not good(summary([fine, {**fine, **harm}]))
        assert not good({"run": "a"})


@pytest.mark.parametrize("number", range(1, 5))
def test_a_run_in_memory(tmp_path: Path, number: int) -> None:
    """VANVAULT_TEST_SEED chooses other runs; the seed of a failure is in its name."""
    result = run_in_memory(tmp_path, SEED, number)
    history = (tmp_path / f"{result['run']}.jsonl").read_text()
    assert good(result), f"{result}\n{history}"
    assert result["acknowledged"] > 0
    assert set(result["nemeses"]) <= set(ACTIONS)


@pytest.mark.skipif(not binary().is_file(), reason="MinIO is not built: python -m tests.servers.install")
def test_a_run_on_real_hosts(tmp_path: Path) -> None:
    """Two sites with MinIO, two nodes: a few seconds of load, whatever this machine permits."""
    command = [sys.executable, "-m", "tests.faults.chaos.run", "--seed", str(SEED), "--seconds", "7"]
    command += ["--nodes", "1", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["runs"] == 1
    assert report["acknowledged"] > 0
    assert report["lost"] == report["duplicated"] == report["unverified"] == 0
