"""After a disposal: when backups may be said to be gone. restic is real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.recovery.backup.conftest import empty_repository, program_of
from tests.recovery.backup.kit import PASSWORD
from tests.recovery.disposal.conftest import Office
from tests.recovery.disposal.test_coming_back import answers
from tests.recovery.disposal.test_run import AtStep, planned_segments
from vanvault.archiver.core.errors import AccessDenied, Conflict, Damaged, InvalidInput, SiteUnavailable
from vanvault.archiver.core.retention import rounded_up
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.journal import EventType
from vanvault.archiver.keys import SigningKeys
from vanvault.recovery.backup import (
    BackupCheckRequest,
    BackupRequest,
    LoadRequest,
    backup,
    backup_check,
    backup_load,
    look_for_objects,
)
from vanvault.recovery.disposal import RanDisposal, say_backups_gone, signed_certificate
from vanvault.recovery.documents import Report
from vanvault.recovery.reconcile import ReconcileRequest, reconcile

__all__ = ["empty_repository"]  # a fixture

WHY = "biên bản 15/2038: đã hủy băng sao lưu"
Restic = Callable[..., str]


def told(office: Office, id: str) -> Report:
    return signed_certificate(
        office.archive, office.known(id), SigningKeys(office.archive.home / KEYS_FOLDER).public
    )


def set_backup(office: Office, **fields: Any) -> None:
    settings = office.archive.settings
    office.archive.settings = settings.model_copy(
        update={"backup": settings.backup.model_copy(update=fields)}
    )


def gone(office: Office, id: str, by: str = "minh", reason: str = WHY) -> RanDisposal:
    return say_backups_gone(office.archive, id, office.who(by), reason)


@pytest.fixture
def cooled(office: Office) -> str:
    """A disposal that may run."""
    return office.cooled()


@pytest.fixture
def repository(office: Office, cooled: str, empty_repository: Path, tmp_path: Path) -> Restic:
    """A third copy of a day's keeping beside the archive, and restic for it as by hand."""
    path, password = tmp_path / "third-copy", tmp_path / "password"
    shutil.copytree(empty_repository, path)
    password.write_text(PASSWORD)
    password.chmod(0o600)
    set_backup(
        office,
        repository=str(path),
        password_file=str(password),
        min_keep_days=1,
        program=program_of("installed"),
    )

    def by_hand(*arguments: str) -> str:
        done = subprocess.run(
            [program_of("installed"), "-r", str(path), *arguments],
            env={**os.environ, "RESTIC_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return by_hand


def back_up(office: Office) -> None:
    office.pass_time(timedelta(seconds=1))
    backup(office.archive, BackupRequest(who="minh"))
    # On record as one whose keys lie in an escrow: else it is no good run, and nothing is disposed of.
    office.archive.record("backup.ran", {"whole": True, "what": "control+objects"})
    office.archive.refresh()


@pytest.fixture
def in_part(office: Office, cooled: str, repository: Restic) -> str:
    """A disposal of which a backup holds all."""
    back_up(office)
    assert office.run(cooled).known.state == "certified-in-part"
    return cooled


@pytest.fixture
def stated_alone(office: Office) -> str:
    """One after backups of which the settings no longer name the repository."""
    id = office.cooled()
    office.archive.record("backup.ran", {"whole": True, "what": "control+objects"})
    assert office.run(id).known.state == "certified-in-part"
    return id


def test_it_is_refused_until_the_repository_holds_nothing_of_it(
    office: Office, in_part: str, repository: Restic
) -> None:
    first = told(office, in_part)
    with pytest.raises(Conflict, match=rf"holds something of {in_part} in \d+ of \d+ snapshots"):
        gone(office, in_part)
    old = [one["id"] for one in json.loads(repository("snapshots", "--json"))]
    back_up(office)
    with pytest.raises(Conflict, match="holds something of"):
        gone(office, in_part)
    repository("forget", *old)  # the days of their keeping are over
    with pytest.raises(Conflict, match="bytes that no snapshot or no index names"):
        gone(office, in_part)
    assert office.known(in_part).record.backups_gone is None
    repository("prune", "--max-unused", "0")
    assert backup_check(office.archive, BackupCheckRequest()).copy_problems == (), "slices were made anew"
    done = gone(office, in_part)
    assert (done.known.state, done.left) == ("certified", ())
    after = told(office, in_part)
    assert (after["number"], after["remaining"]) == (2, [])
    for name in ("entries", "ids_sha256", "objects", "counts", "segments", "ran_by", "dropped", "removed"):
        assert after[name] == first[name]
    said = after["backups_gone"]
    assert (said["who"], said["reason"], said["looked"]) == ("minh", WHY, True)
    assert said["snapshots"] == len(json.loads(repository("snapshots", "--json"))) > 0
    with pytest.raises(Conflict, match="all of it is gone already"):
        office.run(in_part)


def test_what_a_backup_brings_back_is_in_no_answer_and_goes_with_the_next_run(
    office: Office, in_part: str
) -> None:
    went = {key for site, key, *_ in told(office, in_part)["objects"] if site == "standby"}
    site = office.home.standby
    loaded = backup_load(office.archive, LoadRequest(("standby",), add=True, who="minh"))
    assert loaded.exit_code == 0
    assert went <= {one.key for one in site.list()}, "the backup has all of it"
    office.archive.catch_up()
    answers(office)
    office.verify()
    assert reconcile(office.archive, ReconcileRequest()).report.level
    assert not went & {one.key for one in office.home.primary.list()}
    locked = max(one.retain_until for key in went for one in site.versions(key) if one.retain_until)
    office.pass_time(locked - office.now + timedelta(minutes=1))
    back_up(office)
    office.upkeep()
    office.verify()
    done = office.run(in_part)
    assert [one.where for one in done.left] == ["third copy"]
    assert not went & {one.key for one in site.list()}


def test_a_snapshot_that_lost_its_tags_is_looked_into(
    office: Office, in_part: str, repository: Restic
) -> None:
    repository("tag", "--set", "somebody")
    with pytest.raises(Conflict, match="holds something of"):
        gone(office, in_part)


def test_a_repository_that_is_away_is_not_taken_for_an_empty_one(
    office: Office, in_part: str, repository: Restic
) -> None:
    set_backup(office, repository="rest:http://127.0.0.1:9/")
    with pytest.raises(SiteUnavailable):
        gone(office, in_part)
    assert office.known(in_part).record.backups_gone is None


def test_where_no_repository_is_named_the_statement_stands_alone_and_says_so(
    office: Office, stated_alone: str
) -> None:
    done = gone(office, stated_alone)
    assert done.known.state == "certified"
    assert done.folder is not None
    said = told(office, stated_alone)["backups_gone"]
    assert (said["looked"], said["repository"], said["reason"]) == (False, None, WHY)
    pages = PdfReader(done.folder / "certificate.vi.pdf").pages
    text = " ".join("".join(page.extract_text() for page in pages).split())
    assert "Đã tiêu hủy xong phần phải tiêu hủy" in text
    assert "không kiểm tra: cấu hình không còn kho sao lưu nào" in text
    assert done.known.as_json()["backups_gone"]["who"] == "minh"


def test_who_planned_it_does_not_say_so_and_a_reason_is_given(office: Office, stated_alone: str) -> None:
    with pytest.raises(AccessDenied):
        gone(office, stated_alone, by="lan")
    with pytest.raises(InvalidInput):
        gone(office, stated_alone, reason=" ")


def test_only_what_waits_for_backups_alone_is_completed(office: Office) -> None:
    id = office.cooled()
    with pytest.raises(Conflict, match="is ready"):
        gone(office, id)
    office.archive.record("backup.ran", {"whole": True, "what": "control+objects"})
    [segment] = planned_segments(office, id)
    site, until = office.home.standby, rounded_up(office.now + timedelta(days=5))

    def prolong() -> None:
        key = office.lies(segment)["standby"][0]
        site.extend(key, site.stat(key).version, until)

    fault = AtStep("disposal-replaced", prolong)
    assert office.run(id, fault=fault).known.state == "certified-in-part"
    with pytest.raises(Conflict, match=r"copies of .* are left elsewhere: standby holds"):
        gone(office, id)


def said_before(office: Office, id: str) -> None:
    """As a call leaves it that was killed before its certificate."""
    detail = {"reason": "first", "repository": "", "snapshots": 0, "who": "minh"}
    digest = office.known(id).record.digest
    office.archive.record(EventType.DISPOSAL_BACKUPS_GONE, {"disposal": id, "digest": digest, **detail})
    assert office.known(id).state == "certified-in-part"


def test_one_that_was_killed_before_its_certificate_says_it_again(office: Office, stated_alone: str) -> None:
    said_before(office, stated_alone)
    assert gone(office, stated_alone, reason="second").known.state == "certified"
    assert told(office, stated_alone)["backups_gone"]["reason"] == "second"


def test_what_was_said_before_a_kill_does_not_spare_the_look(
    office: Office, in_part: str, repository: Restic
) -> None:
    said_before(office, in_part)
    with pytest.raises(Conflict, match="holds something of"):
        gone(office, in_part)
    assert office.known(in_part).state == "certified-in-part"


@pytest.fixture
def emptied(office: Office, in_part: str, repository: Restic) -> str:
    """A disposal of which the repository holds nothing any more."""
    old = [one["id"] for one in json.loads(repository("snapshots", "--json"))]
    back_up(office)
    repository("forget", "--prune", "--max-unused", "0", *old)
    return in_part


def test_a_snapshot_of_another_form_is_not_looked_into_and_is_named(
    office: Office, emptied: str, repository: Restic, tmp_path: Path
) -> None:
    (tmp_path / "all.tar").write_bytes(b"whatever it holds")
    repository("backup", str(tmp_path / "all.tar"))
    [other] = [one["id"] for one in json.loads(repository("snapshots", "--json")) if not one.get("tags")]
    with pytest.raises(Conflict, match=rf"1 of \d+ snapshots in .* not as VanVault makes them.*{other[:8]}"):
        gone(office, emptied)
    repository("tag", "--set", f"vanvault,archive={office.archive.settings.archive},kind=objects", other)
    with pytest.raises(Conflict, match="not as VanVault makes them"):  # tags alone make no slice
        gone(office, emptied)


def test_a_pack_that_no_index_names_is_seen(
    office: Office, emptied: str, repository: Restic, tmp_path: Path
) -> None:
    before = set(repository("list", "index").split())
    (tmp_path / "some").write_bytes(b"of a backup that was killed")
    repository("backup", str(tmp_path / "some"))
    for index in set(repository("list", "index").split()) - before:
        (tmp_path / "third-copy" / "index" / index).unlink()
    [cut_off] = [one["id"] for one in json.loads(repository("snapshots", "--json")) if not one.get("tags")]
    repository("forget", cut_off)
    with pytest.raises(Conflict, match="bytes that no snapshot or no index names"):
        gone(office, emptied)
    repository("prune", "--max-unused", "0")
    assert gone(office, emptied).known.state == "certified"


@pytest.mark.parametrize("keys", [[], ["batch/of-no-digest"]])
def test_objects_that_no_file_name_could_show_are_never_clear(
    office: Office, emptied: str, keys: list[str]
) -> None:
    with pytest.raises(Damaged):
        look_for_objects(office.archive, keys)


def test_a_copy_that_comes_back_refutes_the_statement(office: Office, stated_alone: str) -> None:
    assert gone(office, stated_alone).known.state == "certified"
    key = next(key for _, key, *_ in told(office, stated_alone)["objects"] if key.startswith("segment/"))
    office.home.standby.damage.add(key, b"from a tape that somebody had kept")
    office.verify()
    again = office.run(stated_alone)
    assert again.known.state == "certified-in-part", "a backup was there after all"
    assert again.known.record.backups_gone is None
    assert [one["where"] for one in told(office, stated_alone)["remaining"]] == ["third copy"]
    assert gone(office, stated_alone, reason="that tape, too").known.state == "certified"
