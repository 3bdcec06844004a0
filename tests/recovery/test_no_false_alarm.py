"""What is whole is said to be whole: after a promotion, while a site is gone, and once it is back."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from tests.support.command import json_of, run_cli
from tests.support.lab import Lab
from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.core.options import HealthRules
from vanvault.archiver.core.ports import SystemClock, SystemStopwatch
from vanvault.archiver.replicas import HealthBoard, Lag
from vanvault.recovery.reconcile import known_lag


def test_after_a_promotion_the_documented_restore_ends_with_zero_and_so_do_the_verbs_after_it(
    lab: Lab,
) -> None:
    for site in ("primary", "standby"):
        lab.root(site).chmod(0o750)
    lab.root("standby").chmod(0o770)
    shutil.rmtree(lab.root("primary"))
    assert run_cli(lab.home, "failover", "promote", "--yes", "--reason", "lost").exit_code == 0
    restored = json_of(run_cli(lab.home, "restore", "--from", "standby", "--json"))
    assert restored["whole"] is True
    assert restored["verification"]["findings"] == []
    # Each of these puts an event of its own on record, and the next one looks at it.
    for verb in (("verify",), ("repair",), ("reconcile",), ("restore", "--from", "standby"), ("verify",)):
        result = run_cli(lab.home, *verb)
        assert result.exit_code == 0, result.stdout + result.stderr
    assert stat.S_IMODE(lab.root("primary").stat().st_mode) == 0o770, "as open as the other site"


def test_a_folder_that_is_there_keeps_its_mode(lab: Lab) -> None:
    root = lab.root("primary")
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    root.chmod(0o2711)
    assert run_cli(lab.home, "restore", "--from", "standby").exit_code == 0
    assert stat.S_IMODE(root.stat().st_mode) == 0o2711


def modes(root: Path) -> dict[str, int]:
    folders = (root, *(path for path in root.rglob("*") if path.is_dir() and path.parent != root / "tmp"))
    return {str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode) for path in folders}


def test_folders_that_a_restore_makes_are_as_open_as_those_of_the_other_site(lab: Lab) -> None:
    standby, primary = lab.root("standby"), lab.root("primary")
    for path in (standby, *standby.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    (standby / "objects").chmod(0o2775)
    (standby / "objects" / "batch").chmod(0o2770)
    next((standby / "objects" / "batch").iterdir()).chmod(0o711)
    shutil.rmtree(primary / "objects")
    (primary / "site.json").unlink()
    primary.chmod(0o700)
    assert run_cli(lab.home, "restore", "--from", "standby").exit_code == 0
    assert modes(primary) == {**modes(standby), ".": 0o700, "tmp": modes(primary)["tmp"]}
    shutil.rmtree(primary)
    assert run_cli(lab.home, "restore", "--from", "standby").exit_code == 0
    assert modes(primary) == modes(standby)


def test_a_folder_that_a_writer_makes_is_as_open_as_the_one_around_it(lab: Lab) -> None:
    objects = lab.root("primary") / "objects"
    before = set(objects.rglob("*"))
    (objects / "batch").chmod(0o2775)
    assert run_cli(lab.home, "verify").exit_code == 0  # puts its event on record
    made = {path for path in objects.rglob("*") if path.is_dir()} - before
    assert made
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o2775}


def test_what_a_site_lacks_whose_folder_is_gone_is_not_known(lab: Lab) -> None:
    with lab.open() as archive:
        archive.catch_up()
        assert known_lag(archive, "primary") == Lag()
        aside = lab.root("primary").rename(lab.home / "aside")
        assert known_lag(archive, "primary") is None
        aside.rename(lab.root("primary"))
        assert known_lag(archive, "primary") == Lag()


def test_a_site_that_catches_up_is_shown_without_the_reason_of_its_outage() -> None:
    board = HealthBoard(("standby",), clock=SystemClock(), stopwatch=SystemStopwatch(), rules=HealthRules())
    board.lags("standby", Lag())
    board.take_out("standby", "no route")
    board.lags("standby", None)
    (out,) = board.snapshot()
    assert (out.state, out.reason, out.lag) == ("out", "no route", None)
    board.put_ended("standby", None)
    (back,) = board.snapshot()
    assert (back.state, back.reason) == ("catching-up", "")
    board.put_ended("standby", SiteUnavailable("disk failed", site="standby"))
    assert board.snapshot()[0].reason == "disk failed"
    assert [change.reason for change in iter(board.take_change, None)] == ["no route", "", "disk failed"]
