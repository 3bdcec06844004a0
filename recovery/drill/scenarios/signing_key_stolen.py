"""``signing-key-stolen``: a thief dates back on a copy; once the key is revoked, none of it is believed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from vanvault.archiver.core.names import parse_key
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.intake import Writer, WriterParts, system_event
from vanvault.archiver.keys import ObjectSigner, ObjectTrust, SigningKeys
from vanvault.archiver.keys.escrow import read_key_files, write_key_files
from vanvault.recovery.custody import RevokeRequest, revoke_key
from vanvault.recovery.drill import steps
from vanvault.recovery.drill.conduct import Drill
from vanvault.recovery.drill.copied_home import Copied, LaterClock, compare_copy, copy_node, verify_copy

#: How far the thief dates back, and how long he locks.
_BACK, _LOCK = timedelta(days=7), timedelta(days=40)


def rehearse(drill: Drill) -> None:
    expected = steps.expected_answers(drill)
    copied = copy_node(drill)
    archive = copied.archive
    try:
        stolen = _stolen(drill)
        with drill.phase("forge with the stolen key", counts=False):
            forged = set(forge(drill, copied, stolen, back=_BACK))
        with drill.phase("believe the forgery", counts=False):
            archive.catch_up()
        known = archive.tail.knows(forged)
        drill.check("without a revocation the forgery is believed", known == forged, f"{len(known)} objects")
        key_id = archive.signing.active().key_id
        with drill.phase("revoke the key"):
            report = revoke_key(
                archive,
                RevokeRequest(
                    key_id, "drill", "drill", stolen_since=copied.since, by_stores=True, confirmed=True
                ),
            )
        drill.check("a new key signs", report.active != key_id, f"{report.active} for {key_id}")
        drill.check("only the forgery waits", report.waits == len(forged), f"{report.waits} objects wait")
        drill.check("the revocation is on record", report.on_record, report.record)
        with drill.phase("forge once more", counts=False):
            forged |= set(_alias(copied, stolen))
        with drill.phase("rebuild the hot tail"):
            archive.catch_up()
        believed = archive.tail.knows(forged)
        drill.check("nothing forged is believed", not believed, f"{len(forged)} objects were forged")
        verify_copy(drill, copied, forged)
        compare_copy(drill, copied, expected)
    finally:
        archive.close()


def forge(drill: Drill, copied: Copied, signing: SigningKeys, *, back: timedelta) -> list[str]:
    """Write a chain as a node would, under these signing keys and dated back; the keys of its objects."""
    archive = copied.archive
    clock = LaterClock(archive.clock, -back)
    names = ObjectSigner(signing, ObjectTrust(archive.settings.archive, signing))
    writer = Writer(
        WriterParts(copied.raw, archive.parquet, signing, names, clock, drill.entropy),
        archive=archive.settings.archive,
        retention=lambda kind, start: archive.clock.now().replace(microsecond=0) + _LOCK,
        compression_level=1,
    )
    try:
        first, second = (
            system_event("drill.forged", {}, now=clock.now(), nonce=drill.entropy.token(8).hex())
            for _ in range(2)
        )
        batches = writer.open(first, heads=[], unrecorded=[])
        batches += writer.commit([second], final=True)
    finally:
        writer.close()
    return [batch.folded.key for batch in batches]


def _stolen(drill: Drill) -> SigningKeys:
    """The thief's copy of the key folder."""
    folder: Path = drill.scratch / "stolen-keys"
    held = read_key_files(drill.scratch / "copied-home" / KEYS_FOLDER)
    files = {name: data for name, data in held.items() if not name.endswith(".key")}
    write_key_files(folder, files, list(files))
    return SigningKeys(folder)


def _alias(copied: Copied, stolen: SigningKeys) -> list[str]:
    """Good bytes under another name, which the stolen key signs: put at one site."""
    archive, site = copied.archive, copied.raw["primary"]
    names = ObjectSigner(stolen, ObjectTrust(archive.settings.archive, stolen))
    for version in site.list("batch/"):
        name = parse_key(version.key)
        if name is not None:
            subject = names.subject("batch", name.writer, name.sequence + 1_000, name.kind)
            key = names.sign_name(subject, name.sha256)
            until = site.now().replace(microsecond=0) + _LOCK
            site.put(key, site.get(version.key), sha256=name.sha256, retain_until=until)
            return [key]
    return []
