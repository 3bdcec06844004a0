"""``both-sites-lost`` from a real restic repository: it passes, and says why when it does not."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.backup.conftest import empty_repository, kit
from tests.recovery.backup.kit import PASSWORD, Kit
from tests.recovery.drill.support import drill
from tests.recovery.drill.test_scenarios import escrow
from tests.support.command import run_cli
from tests.support.lab import event, message
from vanvault.recovery.drill.bundle import html_report
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.later import after
from vanvault.recovery.drill.report import DRILL_FORM, signed_report
from vanvault.recovery.drill.restic_copy import restic_copy
from vanvault.recovery.drill.run import FinishedDrill
from vanvault.recovery.verified import Subset

__all__ = ["empty_repository", "kit"]


def rehearse(kit: Kit, **means: Any) -> FinishedDrill:
    """The drill, as the command puts it together; nothing may be left of it."""
    scratch = kit.home.parent / "scratch"
    with kit.lab.open() as archive:
        finished = drill(archive, "both-sites-lost", scratch, Means(third_copy=restic_copy(archive), **means))
    assert list(scratch.iterdir()) == []
    return finished


def commit(kit: Kit, number: int, *, messages: int = 1) -> None:
    """What a node acknowledges, by a writer of its own."""
    with kit.lab.open() as archive:
        archive.catch_up()
        writer, _ = archive.open_writer()
        drafts = [message(archive, number + row) for row in range(messages)]
        writer.commit([*drafts, event(archive, number)], final=True)
        writer.close()


@pytest.fixture
def backed_up(kit: Kit) -> Kit:
    """Everything, keys included, is in the third copy."""
    kit.set("keys", "true")
    kit.run()
    return kit


def test_everything_comes_back_from_restic(backed_up: Kit) -> None:
    before = backed_up.snapshots()
    finished = rehearse(backed_up)
    assert finished.outcome.failures == ()
    assert finished.outcome.rpo_messages == 0
    assert len(finished.outcome.samples) > 12
    (restored,) = [phase for phase in finished.outcome.phases if phase.name == "restore from the third copy"]
    assert restored.extent == finished.plan.total
    assert backed_up.snapshots() == before


def test_the_command_rehearses_with_the_settings_repository(kit: Kit) -> None:
    """The backup puts itself on record after it was made: what only it knows is no loss."""
    kit.set("keys", "true")
    kit.set("max_age_days", "3650")  # the archive was built at another time
    assert run_cli(kit.home, "backup", "run", "--json").exit_code == 0
    result = run_cli(kit.home, "drill", "run", "both-sites-lost", "--json")
    assert result.exit_code == 0, result.stdout + result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert (summary["passed"], summary["rpo_messages"], summary["archived"]) == (True, 0, True)


def test_a_share_comes_back(backed_up: Kit) -> None:
    finished = rehearse(backed_up, subset=Subset(1, 2))
    assert finished.outcome.failures == ()
    assert 0 < finished.plan.todo.objects < finished.plan.total.objects


def test_what_came_after_the_copy_is_counted_and_named(backed_up: Kit) -> None:
    commit(backed_up, 7000, messages=3)
    finished = rehearse(backed_up)
    assert finished.outcome.failures == ()
    assert finished.outcome.loss is not None
    assert (finished.outcome.loss.messages, finished.outcome.loss.later_messages) == (3, 3)
    assert finished.outcome.rpo_messages == 3
    with backed_up.lab.open() as archive:
        report = DRILL_FORM.parsed(signed_report(finished, archive.signing.active()))
    assert "of them after the third copy was made" in html_report(report, "en")
    assert "sau khi tạo bản sao thứ ba" in html_report(report, "vi")


def test_a_copy_that_is_too_old_fails_the_drill(backed_up: Kit) -> None:
    backed_up.lab.clock.moment += timedelta(days=3)
    (failure,) = rehearse(backed_up).outcome.failures
    assert failure.startswith("the third copy is recent enough: made 2026-11-24T01:02:0")
    assert failure.endswith("allowed: 48.0 h")


def test_keys_come_from_the_bundle_in_the_copy_and_the_shares(kit: Kit, tmp_path: Path) -> None:
    bundle, shares = escrow(kit.lab, tmp_path / "escrow")
    shutil.copy(bundle, kit.home / "escrow-bundle.vve")
    kit.run()
    assert rehearse(kit, key_shares=tuple(shares[:2])).outcome.failures == ()
    (failure, _) = rehearse(kit).outcome.failures
    assert "no shares" in failure
    assert "give --bundle and --shares" in failure


def test_without_any_backup_the_drill_fails(kit: Kit) -> None:
    reason = rehearse(kit).outcome.failures[0]
    assert "the repository holds no complete backup" in reason


def test_a_wrong_password(backed_up: Kit) -> None:
    (backed_up.home.parent / "backup-password").write_text("another\n")
    reason = rehearse(backed_up).outcome.failures[0]
    assert "password" in reason
    assert PASSWORD not in reason


def test_a_locked_repository(backed_up: Kit) -> None:
    """Somebody prunes it now."""
    backed_up.wrap(
        'case "$*" in *version*|*unlock*) exec restic "$@";; esac\n'
        'echo "Fatal: unable to create lock: repository is already locked exclusively" >&2; exit 11'
    )
    finished = rehearse(backed_up)
    assert not finished.outcome.passed
    assert "lock" in finished.outcome.failures[0]


def test_a_damaged_snapshot(backed_up: Kit) -> None:
    """Every pack of data is harmed: what cannot be restored is named, nothing claims to be whole."""
    for pack in (backed_up.repository_path / "data").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 30_000:
            data = bytearray(pack.read_bytes())
            data[len(data) // 2] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(data)
    finished = rehearse(backed_up)
    assert not finished.outcome.passed
    assert "the third copy lacks" in finished.outcome.failures[0]


def test_a_batch_that_the_copy_never_had_is_a_true_loss(kit: Kit) -> None:
    """It lies in the middle of a chain; no site had it, and nobody knew of it, when the backup was made."""
    kit.set("keys", "true")
    key = kit.lab.keys(kind="messages")[1]
    with kit.lab.open() as archive:
        archive.catch_up()
    kept = {path: path.read_bytes() for path in kit.lab.all_files("primary", key)}
    for site in ("primary", "standby"):
        kit.lab.drop(site, key)
    cache = kit.home / "cache"
    cache.rename(kit.home / "known")
    assert kit.run().whole
    kit.lab.forget()
    (kit.home / "known").rename(cache)
    for path, data in kept.items():
        path.write_bytes(data)
    finished = rehearse(kit)
    assert not finished.outcome.passed
    assert finished.outcome.loss is not None
    assert finished.outcome.loss.messages == 3
    assert finished.outcome.loss.later_messages == 0


OLD, NEWER, NEWEST = "1m80gqhrt8g7cm80", "1m80gqhrv8g7cm80", "1m90gqhrt8g7cm80"


@pytest.mark.parametrize(
    ("lost", "last", "later"),
    [
        ({(OLD, 5)}, {OLD: 4, NEWER: 1}, {(OLD, 5)}),
        ({(OLD, 3), (OLD, 5)}, {OLD: 4, NEWER: 1}, {(OLD, 5)}),
        ({(NEWEST, 0), (NEWEST, 1)}, {OLD: 4, NEWER: 1}, {(NEWEST, 0), (NEWEST, 1)}),
        ({(OLD, 0)}, {NEWEST: 1}, set()),
        ({(OLD, 0)}, {}, set()),
    ],
)
def test_later_is_told_by_the_chains(
    lost: set[tuple[str, int]], last: dict[str, int], later: set[tuple[str, int]]
) -> None:
    assert after(lost, last) == later
