"""A kill -9 at any phase: nothing that claims to be whole is not, and the same command goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recovery.backup.kit import Kit
from vanvault.archiver.core.errors import InvalidInput
from vanvault.recovery.backup.check import check_backup, list_backups
from vanvault.recovery.backup.control import write_control


def killed(kit: Kit, verb: str, step: str, nth: int) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed.py")), str(kit.home), verb, step, str(nth)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
        env={
            "PYTHONPATH": f"{Path(__file__).parents[3]}:{Path(__file__).parents[3] / 'src'}",
            "PATH": "/usr/bin:/bin",
        },
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("step", "nth", "backups", "taken"),
    [("staged", 2, 0, 1), ("slice-saved", 2, 0, 2), ("before-record", 1, 0, None), ("after-record", 1, 1, 0)],
)
def test_a_killed_run(kit: Kit, step: str, nth: int, backups: int, taken: int | None) -> None:
    killed(kit, "run", step, nth)
    with kit.open() as (_, repository):
        assert len(list_backups(repository)) == backups
    report = kit.run()
    assert report.whole
    assert report.slices_taken == (len(report.record.slices) if taken is None else taken)
    assert (report.slices_saved == 0) == (taken in (None, 0))
    before = kit.objects("standby")
    with kit.open() as (archive, repository):
        assert check_backup(archive, repository, read_percent=100).whole
    kit.lose_sites()
    assert kit.load("primary").whole
    assert kit.objects("primary") == before


@pytest.mark.parametrize("step", ["slice-read", "slice-restored"])
def test_a_killed_load(kit: Kit, step: str) -> None:
    kit.run()
    before = kit.objects("standby")
    kit.lose_sites()
    killed(kit, "load", step, 2)
    half = kit.objects("primary")
    assert 0 < len(half) < len(before)
    back = kit.load("primary", "standby")
    assert back.whole
    assert back.restored.objects == len(before) - len(half)
    assert kit.objects("primary") == kit.objects("standby") == before


FILES = {"vanvault.toml": b"settings", "gateways.json": b"{}", "keys/signing-1.pub.pem": b"pem"}


@pytest.mark.parametrize("left", range(4))
def test_a_killed_restore_of_the_control_plane(tmp_path: Path, left: int) -> None:
    """Whatever was moved into place by then, no settings were, and the same restore goes on."""
    target = tmp_path / "home"
    write_control(target, FILES)
    (target / ".restoring").mkdir()
    (target / "vanvault.toml").unlink()
    for name in ("keys", "gateways.json", "x")[:left]:
        path = target / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    write_control(target, FILES)
    assert {name: (target / name).read_bytes() for name in FILES} == FILES
    assert not (target / ".restoring").exists()
    with pytest.raises(InvalidInput):
        write_control(target, FILES)
