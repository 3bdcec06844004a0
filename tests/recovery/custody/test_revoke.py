"""A stolen signing key: its thief dates back, is believed until it is revoked, and not a moment longer."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from tests.support.compacted import CompactedLab
from tests.support.lab import Lab, event, message, named
from vanvault.archiver.appliance import Archive, missing_acts
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.intake import Writer, WriterParts, system_event
from vanvault.archiver.keys import ObjectSigner, ObjectTrust, SigningKeys
from vanvault.archiver.upkeep import compact
from vanvault.recovery.custody import AcceptRequest, RevokeRequest, TrustReport, accept_objects, revoke_key

FORGED = "forged"


@dataclass
class Shifted:
    """A clock that is ``by`` off from another one."""

    clock: object
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by  # type: ignore[attr-defined, no-any-return]


@dataclass
class Thief:
    """Has a copy of the key folder, write access to both sites, and sets his clock as he likes."""

    keys: Path

    def writes(self, lab: Lab, *, back: timedelta = timedelta(hours=2)) -> list[str]:
        """A chain of his own, dated back; the keys of its objects."""
        with lab.open() as archive:
            signing = SigningKeys(self.keys)
            names = ObjectSigner(signing, ObjectTrust(archive.settings.archive, signing))
            clock = Shifted(lab.clock, -back)
            writer = Writer(
                WriterParts(archive.sites, archive.parquet, signing, names, clock, SystemEntropy()),
                archive=archive.settings.archive,
                retention=lambda kind, start: lab.clock.now().replace(microsecond=0) + timedelta(days=40),
                compression_level=1,
            )
            first = system_event(FORGED, {}, now=clock.now(), nonce="00")
            batches = writer.open(first, heads=[], unrecorded=[])
            batches += writer.commit([message(archive, 7_000_000)])
            writer.close()
        return [batch.folded.key for batch in batches]


@pytest.fixture
def thief(lab: Lab, tmp_path: Path) -> Thief:
    return Thief(Path(shutil.copytree(lab.home / "keys", tmp_path / "stolen")))


def now(lab: Lab) -> datetime:
    return lab.clock.now() - timedelta(hours=1)  # after all that the lab's template holds


def revoke(lab: Lab, since: datetime | None, **fields: object) -> TrustReport:
    with lab.open() as archive:
        key_id = next(iter(archive.signing.trusted()))
        request = RevokeRequest(key_id, "stolen", "operator", since, confirmed=True)
        return revoke_key(archive, replace(request, **fields))  # type: ignore[arg-type]


def accept(lab: Lab, **fields: object) -> TrustReport:
    with lab.open() as archive:
        (key_id,) = archive.signing.trust().revoked
        request = AcceptRequest(key_id, "ours", "operator", confirmed=True)
        return accept_objects(archive, replace(request, **fields))  # type: ignore[arg-type]


def entries(archive: Archive) -> set[str]:
    """Ids of all entries but the system's own that the test's verbs add."""
    archive.catch_up()
    return {
        item["id"]
        for item in archive.search.every(Query())
        if not item.get("type", "").startswith(("vanvault.keys.", "vanvault.writer.", "vanvault.compaction."))
    }


def found(lab: Lab) -> set[str]:
    with lab.open() as archive:
        return entries(archive)


def set_aside(lab: Lab) -> set[str]:
    """Keys that a verification names as not proved; nothing else may be wrong."""
    report = lab.verify()
    assert report.harmed == ()
    return {key for problem, _, key in named(report) if problem == "unproved"}


def test_what_a_thief_dates_back_is_believed_until_the_key_is_revoked(lab: Lab, thief: Thief) -> None:
    before, since = found(lab), now(lab)
    forged = thief.writes(lab)
    assert len(found(lab) - before) == 2
    with lab.open() as running:
        assert len(entries(running) - before) == 2
        report = revoke(lab, since, by_stores=True)
        lab.clock.now()
        running.follow(own="nobody")
        assert entries(running) == before  # within a process that was running
    assert report.rotated
    assert report.on_record
    assert report.waits == len(forged)
    assert found(lab) == before
    assert set_aside(lab) == set(forged)


def test_what_he_writes_afterwards_is_never_believed(lab: Lab, thief: Thief) -> None:
    before = found(lab)
    revoke(lab, now(lab), by_stores=True)
    with lab.open() as archive:
        held = {name: set(archive.sites[name].list()) for name in archive.sites}
    data = lab.data("primary", lab.keys(kind="events")[0])
    with lab.open() as archive:
        signing = SigningKeys(thief.keys)
        names = ObjectSigner(signing, ObjectTrust(archive.settings.archive, signing))
        import hashlib

        digest = hashlib.sha256(data).digest()
        key = names.sign_name(names.subject("batch", "0drdrdrdrdrdrdrd", 0, "events"), digest)
    lab.add("primary", key, data)
    assert found(lab) == before
    assert key in set_aside(lab)
    with lab.open() as archive:
        assert {name: set(archive.sites[name].list()) for name in archive.sites}.keys() == held.keys()
        assert not archive.sites["standby"].versions(key)


def test_with_one_key_and_no_witness_all_waits_until_it_is_accepted(lab: Lab) -> None:
    before = found(lab)
    report = revoke(lab, None)
    assert report.stands == 0
    assert found(lab) == set()
    accept(lab, everything=True)
    assert found(lab) == before
    assert set_aside(lab) == set()


def test_what_another_key_named_before_the_theft_stands_by_itself(lab: Lab, thief: Thief) -> None:
    """Heads and commits of a node under the second key lead to every chain of the first."""
    before = found(lab)
    with lab.open() as archive:
        archive.signing.rotate(archive.entropy, archive.clock)
        writer, _ = archive.open_writer()
        writer.close()
    since = lab.clock.now() + timedelta(seconds=2)
    lab.clock.moment += timedelta(minutes=1)
    forged = thief.writes(lab)
    report = revoke(lab, since)
    assert not report.rotated
    assert found(lab) == before
    assert set_aside(lab) == set(forged)


def test_a_node_that_went_on_under_a_new_key_keeps_its_chain(lab: Lab, thief: Thief) -> None:
    since = now(lab)
    with lab.open() as archive:
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 8001), event(archive, 8001)])
        archive.signing.rotate(archive.entropy, archive.clock)
        writer.commit([message(archive, 8002)])
        chain, writer_id = entries(archive), writer.id
        writer.close()
    mine = {entry for entry in chain if entry.startswith(writer_id)}
    assert len(mine) == 3
    forged = thief.writes(lab)
    revoke(lab, since)
    assert found(lab) == mine
    assert set(forged) <= set_aside(lab)


def test_what_nodes_named_since_is_accepted_in_one_go(lab: Lab, thief: Thief) -> None:
    with lab.open() as archive:
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 8001)])
        since = now(lab)
        forged = thief.writes(lab)
        revoke(lab, since, by_stores=True)
        archive.catch_up()
        assert f"{writer.id}-1-0" not in entries(archive)
        writer.commit([message(archive, 8002)])
        writer.close()
    accept(lab, named=True)
    assert f"{writer.id}-1-0" in found(lab)
    assert set_aside(lab) == set(forged)


def test_a_segment_over_forged_rows_is_withdrawn_and_its_batches_count_again(
    compacted: CompactedLab, tmp_path: Path
) -> None:
    before, since = found(compacted), now(compacted)
    thief = Thief(Path(shutil.copytree(compacted.home / "keys", tmp_path / "stolen")))
    with compacted.open() as archive:
        archive.signing.rotate(archive.entropy, archive.clock)
    thief.writes(compacted)
    compacted.clock.moment += timedelta(days=3)
    with compacted.open() as archive:
        assert compact(archive).report.segments
    assert len(found(compacted)) > len(before)
    report = revoke(compacted, since, by_stores=True)
    assert report.withdrawn >= 1
    assert found(compacted) == before


def test_an_alias_of_good_bytes_does_not_stand(lab: Lab, thief: Thief) -> None:
    before, since = found(lab), now(lab)
    key = lab.keys(kind="messages")[0]
    with lab.open() as archive:
        signing = SigningKeys(thief.keys)
        names = ObjectSigner(signing, ObjectTrust(archive.settings.archive, signing))
        subject = names.subject("batch", lab.writers()[-1], 77, "messages")
        digest = bytes.fromhex(key.split("-")[1])
        alias = names.sign_name(subject, digest)
        until = lab.clock.now().replace(microsecond=0) + timedelta(days=40)
        for site in archive.sites.values():
            site.put(alias, site.get(key), sha256=digest, retain_until=until)
    revoke(lab, since, by_stores=True)
    assert found(lab) == before
    assert set_aside(lab) == {alias}


def test_without_yes_nothing_is_done(lab: Lab) -> None:
    keys = sorted((lab.home / "keys").iterdir())
    report = revoke(lab, now(lab), confirmed=False, by_stores=True)
    assert not report.done
    assert report.stands > 10
    assert sorted((lab.home / "keys").iterdir()) == keys


def test_what_cannot_be_revoked_or_accepted_says_why(lab: Lab) -> None:
    with pytest.raises(NotFound, match="no trusted signing key"):
        revoke(lab, None, key_id="signing/9")
    with pytest.raises(InvalidInput, match="reason"):
        revoke(lab, None, reason=" ")
    revoke(lab, now(lab), by_stores=True)
    with pytest.raises(Conflict, match="revoked already"):
        revoke(lab, None)
    with pytest.raises(InvalidInput, match="what to accept"):
        accept(lab)
    with pytest.raises(NotFound, match="nothing of this waits"):
        accept(lab, everything=True)
    with pytest.raises(NotFound, match="does not wait"):
        accept(lab, objects=(lab.keys()[0],))


def test_a_key_folder_that_lacks_an_act_on_record_is_told(lab: Lab) -> None:
    revoke(lab, now(lab), by_stores=True)
    with lab.open() as archive:
        archive.catch_up()
        assert missing_acts(archive) == []
        (revoked,) = archive.signing.trust().revoked
    for path in (lab.home / "keys").glob("trust-1.*"):
        path.unlink()
    with lab.open() as archive:
        archive.catch_up()
        assert missing_acts(archive) == [revoked]


def test_the_verbs_say_what_they_would_do_and_do_it_with_yes(lab: Lab) -> None:
    options = (
        "--reason",
        "laptop stolen",
        "--stolen-since",
        "2090-01-01T00:00:00+07:00",
        "--by-stores",
        "--json",
    )
    planned = run_cli(lab.home, "keys", "revoke", "signing/1", *options)
    assert planned.exit_code == 2
    assert "--yes" in planned.stderr
    done = json_of(run_cli(lab.home, "keys", "revoke", "signing/1", *options, "--yes"))
    assert (done["done"], done["rotated"], done["waits"], done["on_record"]) == (True, True, 0, True)
    assert done["last"]
    listed = json_of(run_cli(lab.home, "keys", "list", "--json"))["keys"]
    signing = [key for key in listed if key["purpose"] == "signing"]
    assert [bool(key["revoked_at"]) for key in signing] == [True, False]
    assert "REVOKED" in run_cli(lab.home, "keys", "list").stdout
    status = json_of(run_cli(lab.home, "status", "--json"))["signing"]
    assert status["revoked"] == [done["key_id"]]
    nothing = run_cli(lab.home, "keys", "accept", "signing/1", "--reason", "all", "--all", "--yes")
    assert nothing.exit_code == 4
    events = json_of(run_cli(lab.home, "search", "--type", "vanvault.keys.revoked", "--json"))
    assert "laptop stolen" in str(events)
