"""What may be wrong with restic, the repository, the site, the stage and the target."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from tests.recovery.backup.kit import PASSWORD, Kit, write_settings
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.errors import (
    Busy,
    Conflict,
    Damaged,
    InvalidInput,
    KeyUnavailable,
    NotFound,
    SettingsError,
    SiteUnavailable,
)
from vanvault.archiver.stores import SiteReader, StoredVersion
from vanvault.recovery.backup.check import check_backup, list_backups
from vanvault.recovery.backup.objects import list_objects
from vanvault.recovery.backup.place import open_restic, place_of
from vanvault.recovery.backup.repository import Repository
from vanvault.recovery.backup.restore import plan_objects, restore_control
from vanvault.recovery.backup.stage import open_stage


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("program", '"no-such-restic"', "cannot be started"),
        ("program", '"cat"', "is not restic"),
        ("repository", '"sftp:host:/x"', "not supported"),
        ("repository", '"rest:https://user:secret@host/"', "holds a password"),
        ("password_command", '"cat x"', "one source"),
        ("password_file", '"nowhere"', "cannot be read"),
    ],
)
def test_settings_that_cannot_work(kit: Kit, setting: str, value: str, message: str) -> None:
    kit.set(setting, value)
    with pytest.raises(SettingsError, match=message), kit.open():
        pass


def test_a_restic_that_is_too_old(kit: Kit) -> None:
    kit.wrap("echo 'restic 0.13.1 compiled with go1.18 on linux/amd64'")
    with pytest.raises(SettingsError, match=r"0\.13\.1 is too old"), kit.open():
        pass


def test_no_repository_is_set(kit: Kit) -> None:
    path = kit.home / "vanvault.toml"
    path.write_text(path.read_text().partition("[backup]")[0])
    with pytest.raises(SettingsError, match="no backup repository is set"), kit.open():
        pass


def test_a_wrong_password(kit: Kit) -> None:
    (kit.home.parent / "backup-password").write_text("wrong\n")
    with pytest.raises(KeyUnavailable, match="does not open"):
        kit.run()


def test_a_password_command(kit: Kit) -> None:
    kit.unset("password_file")
    kit.set("password_command", f'"cat {kit.home.parent}/backup-password"')
    kit.set("what", '"control"')
    assert kit.run().whole


def test_a_repository_that_is_not_there(kit: Kit) -> None:
    shutil.rmtree(kit.repository_path)
    with pytest.raises(NotFound, match="no backup repository"):
        kit.run()


def test_a_repository_is_not_made_twice(kit: Kit) -> None:
    with kit.open() as (_, repository), pytest.raises(Conflict):
        repository.init()


def test_a_repository_of_another_archive(kit: Kit, tmp_path: Path) -> None:
    kit.set("what", '"control"')
    kit.run()
    other = tmp_path / "other" / "home"
    init_home(other)
    write_settings(other, str(kit.repository_path))
    with Archive.open(other) as archive:
        restic = open_restic(place_of(archive.settings.backup, other), cache=None)
        repository = Repository(restic, archive.settings.archive)
        with pytest.raises(SettingsError, match="another archive"):
            list_backups(repository)
        with pytest.raises(SettingsError, match="another archive"):
            plan_objects(archive, repository, ["primary"])


@contextmanager
def held_lock(kit: Kit) -> Iterator[subprocess.Popen[bytes]]:
    """A restic that lives, and holds the exclusive lock of a check."""
    process = subprocess.Popen(
        ["restic", "-r", str(kit.repository_path), "check", "--read-data", "--limit-download", "1"],
        env={**os.environ, "RESTIC_PASSWORD": PASSWORD},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        # Under its own name, 64 digits, it is complete; before, restic writes it under another.
        while not any(len(lock.name) == 64 for lock in (kit.repository_path / "locks").iterdir()):
            assert time.monotonic() < until, "restic never took its lock"
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_locked_repository(kit: Kit) -> None:
    kit.run()
    with held_lock(kit) as process:
        with pytest.raises(Busy, match="locked"):
            kit.run()
        process.kill()
        process.wait()
        # The lock of a dead process of this host is stale, and restic says so itself.
        assert kit.run().whole


def test_two_runs_at_once(kit: Kit) -> None:
    with open_stage(kit.home / "cache" / "backup"), pytest.raises(Busy, match="another backup"):
        kit.run()


def test_a_server_that_is_away(kit: Kit) -> None:
    kit.set("repository", '"rest:http://127.0.0.1:1/"')
    with pytest.raises(SiteUnavailable) as caught:
        kit.run()
    assert caught.value.site == "backup"


def test_a_partial_save_is_a_failure(kit: Kit) -> None:
    # One staged file cannot be read by restic, not even as root.
    drop = "setpriv --bounding-set=-dac_override,-dac_read_search" if os.geteuid() == 0 else ""
    kit.wrap(
        'case "$*" in *kind=objects*) chmod 000 "$(ls -d objects/* | head -n 1)"; '
        f'exec {drop} restic "$@";; esac; exec restic "$@"'
    )
    with pytest.raises(Damaged, match="could not read all"):
        kit.run()
    kit.set("program", '"restic"')
    with kit.open() as (_, repository):
        assert list_backups(repository) == ()
    # The partial snapshot bears the slice's name, and still is not taken for the slice.
    report = kit.run()
    assert (report.whole, report.slices_taken) == (True, 0)
    kit.lose_sites()
    assert kit.load("primary").whole


def test_a_damaged_object_is_left_out_and_said_so(kit: Kit) -> None:
    key = kit.lab.keys(kind="messages")[1]
    gone = kit.lab.keys(kind="framed")[0]
    good = {one: kit.lab.data("primary", one) for one in (key, gone)}
    for site, one in itertools.product(("primary", "standby"), (key, gone)):
        kit.lab.flip(site, one)
    report = kit.run()
    assert not report.whole
    assert report.record.left_out == tuple(sorted((key, gone)))
    with kit.open() as (archive, repository):
        assert check_backup(archive, repository, read_percent=0).problems == ("there is no good run yet",)
    for one in (key, gone):
        kit.lab.overwrite(kit.lab.files("standby", one)[-1], good[one])
    mended = kit.run()
    assert mended.whole
    assert {key, gone} <= {entry.key for one in mended.record.slices for entry in one.entries}


def test_a_good_version_below_a_damaged_one_is_saved(kit: Kit) -> None:
    key = kit.lab.keys(kind="messages")[0]
    good = kit.lab.data("standby", key)
    kit.lab.add("standby", key, b"not these")
    assert kit.run().whole
    kit.lose_sites()
    assert kit.load("primary").whole
    assert kit.objects("primary")[key][0] == good


def test_foreign_keys_at_the_site_are_not_saved(kit: Kit) -> None:
    kit.lab.add("standby", "notes/readme", b"hello")
    report = kit.run()
    assert report.whole
    assert all("notes" not in entry.key for one in report.record.slices for entry in one.entries)


def test_a_full_stage(kit: Kit) -> None:
    script = (
        "import resource, sys; from vanvault.cli.main import main;"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150000, 150000)); main()"
    )
    kit.put("log", b"z" * 200_000)
    done = subprocess.run(
        [sys.executable, "-c", script, "--home", str(kit.home), "backup", "run", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 10, done.stderr
    assert "the stage of the backup has no room left" in done.stderr
    assert sorted(entry.name for entry in (kit.home / "cache" / "backup").iterdir()) == ["lock"]
    assert kit.run().whole


def objects_snapshots(kit: Kit) -> list[str]:
    with kit.open() as (_, repository):
        return [one.id for one in repository.snapshots() if one.kind == "objects"]


def test_a_manifest_without_objects(kit: Kit) -> None:
    report = kit.run()
    lost = report.record.slices[1]
    kit.restic("forget", lost.snapshot)
    with kit.open() as (archive, repository):
        (problem,) = check_backup(archive, repository, read_percent=0).problems
        assert problem.startswith(f"{len(lost.entries)} objects of the last good run are not in")
    saved = kit.objects("standby")
    standby = kit.lab.root("standby").rename(kit.home / "aside")
    shutil.rmtree(kit.lab.root("primary"))
    back = kit.load("primary")
    assert not back.whole
    assert {finding.key for finding in back.failures} == {entry.key for entry in lost.entries}
    assert back.restored.objects == len(saved) - len(lost.entries)
    # The next run notices what is gone, and saves it again.
    standby.rename(kit.lab.root("standby"))
    assert kit.run().saved.objects == len(lost.entries)
    assert kit.load("primary").whole
    assert kit.objects("primary") == saved


def test_objects_without_a_manifest(kit: Kit) -> None:
    kit.run()
    with kit.open() as (_, repository):
        for one in repository.records():
            kit.restic("forget", one.id)
    assert objects_snapshots(kit)
    kit.lose_sites()
    with pytest.raises(NotFound, match="no complete backup"):
        kit.load("primary")


def resaved(kit: Kit, name: str, tags: list[str], change: str, data: bytes) -> None:
    """Replace a snapshot by one with a changed file, as a holder of the password could."""
    folder = kit.home.parent / "forger"
    kit.restic("restore", name, "--target", str(folder))
    (folder / change).write_bytes(data)
    later = kit.lab.clock.moment + timedelta(minutes=1)
    subprocess.run(
        [
            "restic",
            "-r",
            str(kit.repository_path),
            "backup",
            f"--time={later:%Y-%m-%d %H:%M:%S}",
            *(f"--tag={tag}" for tag in tags),
            change.split("/")[0],
        ],
        cwd=folder,
        env={**os.environ, "RESTIC_PASSWORD": PASSWORD, "TZ": "UTC"},
        capture_output=True,
        check=True,
    )
    shutil.rmtree(folder)


def test_a_forged_record(kit: Kit, tmp_path: Path) -> None:
    kit.set("what", '"control"')
    kit.run()
    with kit.open() as (archive, repository):
        record = repository.record()
        tags = ["vanvault", f"archive={record.archive}", "kind=record", "good=yes", "objects=0"]
        resaved(kit, record.id, tags, "record/control/gateways.json", b"{}")
        for trusted in (archive.signing.public_keys(), None):
            with pytest.raises(Damaged, match=r"gateways\.json"):
                restore_control(repository, tmp_path / "new", public=trusted)
        assert not (tmp_path / "new").exists()
        assert not check_backup(archive, repository, read_percent=0).whole
        with pytest.raises(Damaged):
            kit.run()
        assert kit.run(full=True).whole


def test_wrong_bytes_in_the_repository(kit: Kit) -> None:
    """A slice whose file holds other bytes than its name says: a bit that flipped before restic read it."""
    kit.wrap(
        'case "$*" in *kind=objects*) f=$(ls -d objects/* | head -n 1); '
        'printf X | dd of="$f" bs=1 seek=9 conv=notrunc 2>/dev/null;; esac; exec restic "$@"'
    )
    report = kit.run()
    kit.set("program", '"restic"')
    kit.lose_sites()
    back = kit.load("primary")
    assert not back.whole
    assert {finding.problem for finding in back.failures} == {"damaged"}
    assert len(back.failures) == report.slices_saved
    held = kit.objects("primary")
    assert not {finding.key for finding in back.failures} & set(held)


def test_a_pack_that_rotted(kit: Kit) -> None:
    kit.run()
    pack = max(
        (path for path in (kit.repository_path / "data").rglob("*") if path.is_file()),
        key=lambda p: p.stat().st_size,
    )
    data = bytearray(pack.read_bytes())
    data[len(data) // 3] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    with kit.open() as (archive, repository):
        assert not check_backup(archive, repository, read_percent=100).whole
    before = kit.objects("standby")
    kit.lose_sites()
    back = kit.load("primary")
    assert not back.whole
    assert back.failures
    held = kit.objects("primary")
    assert held.items() <= before.items()
    assert len(held) == len(before) - len(back.failures)


def test_a_target_that_is_not_empty(kit: Kit, tmp_path: Path) -> None:
    kit.set("what", '"control"')
    kit.run()
    target = tmp_path / "new"
    target.mkdir()
    (target / "mine").write_text("keep")
    with kit.open() as (archive, repository):
        with pytest.raises(InvalidInput, match="not empty"):
            restore_control(repository, target)
        assert [entry.name for entry in target.iterdir()] == ["mine"]
        with pytest.raises(NotFound, match="holds no objects"):
            plan_objects(archive, repository, ["primary"])


def test_a_site_that_is_not_empty(kit: Kit) -> None:
    kit.run()
    kit.lose_sites()
    kit.load("standby")
    extra = kit.put("log", b"not in the backup")
    kit.lab.drop("standby", next(key for key in kit.objects("standby") if ".events." in key))
    with pytest.raises(InvalidInput, match="not empty"):
        kit.load("standby")
    assert kit.load("standby", add=True).restored.objects == 1
    assert extra.key in kit.objects("standby")
    kit.lab.add("standby", "notes/readme", b"hello")  # which is no object of the archive: it is let be
    assert kit.load("standby", add=True).restored.objects == 0
    with pytest.raises(NotFound, match="no site"):
        kit.load("elsewhere")


def test_a_signature_by_nobody_we_know(kit: Kit, tmp_path: Path) -> None:
    kit.set("what", '"control"')
    kit.run()
    with kit.open() as (_, repository), pytest.raises(KeyUnavailable, match="not among those given"):
        restore_control(repository, tmp_path / "new", public={})


def test_what_is_stored_while_the_site_is_listed_waits_for_the_next_run(kit: Kit) -> None:
    old = kit.put("log", b"refers to nothing")
    with kit.lab.open() as archive:
        site = archive.sites["standby"]
        kit.lab.clock.moment += timedelta(seconds=2)

        class Busy:
            """A site at which a writer puts an object, two seconds later, while it is listed."""

            def __getattr__(self, name: str) -> object:
                return getattr(site, name)

            def list(self, prefix: str = "", after: str = "") -> Iterator[StoredVersion]:
                kit.lab.clock.moment += timedelta(seconds=2)
                young.append(kit.put("log", b"refers to one that came between"))
                yield from site.list(prefix, after)

        young: list[StoredVersion] = []
        found, _ = list_objects(cast(SiteReader, Busy()))
        assert old.key in found
        assert young[0].key not in found
        kit.lab.clock.moment += timedelta(seconds=2)
        assert young[0].key in list_objects(site)[0]
        # A clock that was set back since must not hide what is there.
        kit.lab.clock.moment -= timedelta(days=3)
        assert young[0].key in list_objects(site)[0]
