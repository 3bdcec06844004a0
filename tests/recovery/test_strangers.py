"""Somebody may write at one site, and has no key: nothing of what he puts there is believed or copied."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.command import run_cli
from tests.support.lab import Lab, named
from tests.support.names import batch_key
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.journal import EventType, own_events
from vanvault.archiver.stores import FileSite, folder_of
from vanvault.archiver.upkeep import record_set_aside
from vanvault.recovery.backup.objects import list_objects
from vanvault.recovery.failover.failover import level
from vanvault.recovery.objects import signed_dates
from vanvault.recovery.reconcile import ReconcileReport, reconcile_sites
from vanvault.recovery.restore import RestoreRequest, restore
from vanvault.recovery.restore.archive import survey
from vanvault.recovery.verified import Subset
from vanvault.recovery.work import Extent

FOR_EVER = datetime(9998, 12, 31, tzinfo=UTC)
JUNK = f"junk/{hashlib.sha256(b'junk').hexdigest()}.x"


def events_under(master: str, writer: str) -> tuple[str, bytes]:
    """What looks like events that another master key wraps: magic, key material by hand, and rubbish."""
    material = json.dumps(
        {
            "keyMaterialType": "PKMT1",
            "internalStorage": True,
            "isFooterKey": True,
            "kmsInstanceID": "DEFAULT",
            "kmsInstanceURL": "DEFAULT",
            "masterKeyID": master,
            "wrappedDEK": base64.b64encode(bytes(61)).decode(),
            "doubleWrapping": False,
        }
    ).encode()
    length = bytes([len(material) & 127 | 128, len(material) >> 7])
    crypto = b"\x1c\x1c\x00\x00\x18" + length + material + b"\x00"
    footer = crypto + hashlib.shake_128(b"rubbish").digest(300)
    data = b"PARE" + footer + len(footer).to_bytes(4, "little") + b"PARE"
    return batch_key(writer, 0, "events", hashlib.sha256(data).digest()), data


def alias_of(lab: Lab, key: str) -> str:
    """The name of the same bytes under another writer."""
    name = parse_key(key)
    assert name is not None
    other = next(writer for writer in lab.writers() if writer != name.writer)
    return replace(name, writer=other, sequence=99).key


class Stranger:
    """What was put at the standby, and why each of it is set aside."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        forged, data = events_under("log/99", "9zzzzzzzz0000000")
        victim = lab.keys(kind="messages")[0]
        self.alias = alias_of(lab, victim)
        self.put = {
            JUNK: (b"junk", "extra"),
            "what/is/this": (b"?", "extra"),
            forged: (data, "unproved"),
            self.alias: (lab.data("standby", victim), "unproved"),
        }
        for key, (content, _) in self.put.items():
            lab.add("standby", key, content)

    @property
    def findings(self) -> set[tuple[str, str, str]]:
        return {(problem, "standby", key) for key, (_, problem) in self.put.items()}


@pytest.fixture
def stranger(lab: Lab) -> Stranger:
    return Stranger(lab)


def reconciled(lab: Lab) -> ReconcileReport:
    with lab.open() as archive:
        return reconcile_sites(
            archive.sites, locks=archive.rules.locks, signed=signed_dates(archive), pause=lambda: None
        )


def locks(lab: Lab, site: str) -> dict[str, datetime | None]:
    with lab.open() as archive:
        return {version.key: version.retain_until for version in archive.sites[site].list()}


def prolonged(lab: Lab, site: str, key: str, until: str = "99981231T000000Z") -> None:
    """An empty file beside the data, which is how a file site is told of a later lock."""
    data = lab.files(site, key)[-1]
    data.with_name(f"{data.name}~{until}").touch()


def test_verify_names_each_with_its_site_and_fails(lab: Lab, stranger: Stranger) -> None:
    report = lab.verify()
    assert named(report) == stranger.findings
    assert report.exit_code is ExitCode.CHECK_FAILED


def test_nothing_of_it_reaches_the_other_site(lab: Lab, stranger: Stranger) -> None:
    before = locks(lab, "primary")
    report = reconciled(lab)
    assert (report.level, report.fetched) == (True, Extent())
    assert locks(lab, "primary") == before
    for key in stranger.put:
        assert not lab.files("primary", key)


@pytest.mark.parametrize("new", [True, False], ids=["new node", "running before"])
def test_a_node_starts_takes_and_answers_all_the_same(lab: Lab, stranger: Stranger, new: bool) -> None:
    if new:
        lab.forget()
    with lab.open() as archive:
        entries = archive.tail.counts()["entries"]
        report = archive.catch_up(settle=True)
        assert report.unreadable == ()
        writer, _ = archive.open_writer()
        writer.close()
        assert archive.tail.counts()["entries"] > (0 if new else entries - 1)
        assert not archive.tail.knows([stranger.alias])


def test_an_alias_changes_no_first_receipt(lab: Lab, stranger: Stranger) -> None:
    lab.forget()
    with lab.open() as archive:
        archive.catch_up(settle=True)
        assert archive.tail.counts()["conflicts"] == 0
        assert not list(archive.tail.conflicting())


def test_it_is_on_record_once_a_day_for_each_reason(lab: Lab, stranger: Stranger) -> None:
    with lab.open() as archive:
        for site in archive.sites.values():
            list(site.list())
        archive.catch_up()
        assert record_set_aside(archive) == 2
        assert record_set_aside(archive) == 0
        told = [event.detail for event in own_events(archive.search, EventType.QUARANTINE_FOUND)]
    assert {(one["site"], one["reason"], one["count"]) for one in told} == {
        ("standby", "bad-signature", 2),
        ("standby", "unknown-family", 2),
    }
    assert {key for one in told for key in one["objects"]} == set(stranger.put)


def test_status_counts_it(lab: Lab, stranger: Stranger) -> None:
    done = run_cli(lab.home, "status", "--json")
    assert done.exit_code == ExitCode.OK
    counts = {(one["site"], one["reason"]): one["objects"] for one in json.loads(done.stdout)["set_aside"]}
    assert counts[("standby", "bad-signature")] == 2
    assert sum(counts.values()) == 4


def test_a_restore_from_that_site_brings_back_the_archive_alone(lab: Lab, stranger: Stranger) -> None:
    before = locks(lab, "primary")
    for key in before:
        lab.drop("primary", key)
    with lab.open() as archive:
        plan = survey(archive, "standby", create=True)
        assert plan.todo.objects == len(before)
        done = restore(archive, RestoreRequest("standby"))
    assert (done.exit_code, done.report.whole) == (ExitCode.CHECK_FAILED, True)
    assert locks(lab, "primary").keys() >= before.keys()
    for key in stranger.put:
        assert not lab.files("primary", key)
    assert named(lab.verify()) == stranger.findings


def families(lab: Lab) -> Iterator[str]:
    yield lab.keys(kind="messages")[0]
    yield lab.keys(kind="events")[0]
    yield lab.keys(kind="framed")[0]


def test_a_lock_for_ever_is_told_and_not_followed(lab: Lab) -> None:
    keys, before = list(families(lab)), locks(lab, "primary")
    for key in keys:
        prolonged(lab, "standby", key)
    assert all(locks(lab, "standby")[key] == FOR_EVER for key in keys)
    report = reconciled(lab)
    assert (report.level, report.prolonged) == (True, 0)
    assert locks(lab, "primary") == before
    found = lab.verify()
    assert named(found, failing=False) == {("lock-beyond-rules", "standby", key) for key in keys}
    assert found.exit_code is ExitCode.OK  # nothing is lost by it, and nobody can shorten a lock


def test_a_clock_that_is_far_ahead_hides_no_lock_for_ever(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    key, honest = lab.keys(kind="events")[0], FileSite.now

    def now(site: FileSite) -> datetime:
        told = honest(site)
        return told.replace(year=8000) if site.site == "standby" else told

    prolonged(lab, "standby", key, "70001231T000000Z")
    monkeypatch.setattr(FileSite, "now", now)
    found = lab.verify()
    assert ("lock-beyond-rules", "standby", key) in named(found, failing=False)


def test_a_copy_of_what_is_locked_for_ever_is_locked_by_the_rules(lab: Lab) -> None:
    keys, before = list(families(lab)), locks(lab, "primary")
    for key in keys:
        prolonged(lab, "standby", key)
        lab.drop("primary", key)
    assert reconciled(lab).level
    after = locks(lab, "primary")
    for key in keys:
        asked, given = before[key], after[key]
        assert asked is not None
        assert given is not None
        assert abs((given - asked).days) < 31
    with lab.open() as archive:
        again = survey(archive, "standby", create=True)
    assert again.todo.objects == 0


def test_a_stray_with_a_hostile_name_is_named_safely(lab: Lab) -> None:
    folder = lab.root("standby") / "objects" / folder_of(lab.keys()[0])
    (folder / "\x1b[2Jevil\n\u202e").touch()
    (folder / "bad\udcff").touch()
    report = lab.verify()
    assert {finding.problem for finding in report.findings} == {"extra"}
    assert all(finding.key.isascii() and finding.key.isprintable() for finding in report.findings)
    assert json.dumps(report.as_json())


def test_it_keeps_nobody_from_a_failback(lab: Lab, stranger: Stranger) -> None:
    with lab.open() as archive:
        assert level(archive, Subset(), pause=lambda: None).problems == ()


def test_it_is_in_no_backup(lab: Lab, stranger: Stranger) -> None:
    with lab.open() as archive:
        listed, strangers = list_objects(archive.sites["standby"])
    assert not listed.keys() & stranger.put.keys()
    assert strangers == 0
