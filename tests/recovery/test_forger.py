"""A forger with a disclosed data key, or with master keys, writes at a site: nothing of it is believed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import GATEWAY, SITES, Node
from tests.support.compacted import CompactedLab, with_column
from tests.support.forger import Forger, footer_of, part_under_data_key, renamed, under_data_key
from tests.support.lab import Lab, event, message, named
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Damaged, Forged, NotFound
from vanvault.archiver.core.format.batches import decode_batch, decode_header
from vanvault.archiver.core.format.batches.batch import encode_header
from vanvault.archiver.core.format.encrypted import opened
from vanvault.archiver.core.format.segments import header_of
from vanvault.archiver.core.format.segments.schema import SEGMENT_SCHEMAS
from vanvault.archiver.core.model import BatchHeader, Draft, Entry, Event, EventDraft, Message, MessageDraft
from vanvault.archiver.core.names import archive_id, new_writer_id, parse_key
from vanvault.archiver.core.times import to_us
from vanvault.archiver.export import unwrap_object


@dataclass
class Attack:
    """A lab, its archive's id, and a forger with copies of its masters."""

    lab: Lab
    archive: str
    forger: Forger

    def header(self, entries: tuple[Entry, ...], kind: str, writer: str) -> BatchHeader:
        """As the first object of a writer of his own."""
        us = entries[-1].received_us
        until = (self.lab.clock.moment + timedelta(days=400)).strftime("%Y-%m-%dT00:00:00Z")
        return BatchHeader(self.archive, writer, 0, kind, us, until, len(entries), "")

    def put(self, key: str, data: bytes) -> None:
        self.lab.add("standby", key, data)

    def forged_batch(self, draft: Callable[[Archive], Draft]) -> str:
        """Made with the masters, signed by his own key, put at one site."""
        with self.lab.open() as archive:
            now, made = archive.clock.now(), draft(archive)
        writer = new_writer_id(now, b"forge")
        entries = (as_entry(made, archive_id(writer, 0, 0), to_us(now)),)
        kind = "messages" if isinstance(made, MessageDraft) else "events"
        key, data = self.forger.batch(self.header(entries, kind, writer), entries)
        self.put(key, data)
        return key

    def check_not_believed(self, key: str, problem: str = "unproved") -> None:
        """Nothing was folded, copied, promoted or receipted; verification names it and exits with 3."""
        with self.lab.open() as archive:
            archive.catch_up(settle=True)
            assert not archive.tail.knows([key])
            assert archive.lead.leadership.epoch == 0
        assert self.lab.files("primary", key) == []
        report = self.lab.verify()
        assert [finding for finding in report.findings if finding.key == key]
        assert {problem for problem, _, about in named(report) if about == key} == {problem}
        assert report.exit_code == 3


def as_entry(draft: Draft, id: str, us: int) -> Entry:
    """A row as a writer makes it of a draft."""
    if isinstance(draft, EventDraft):
        rest = (draft.type, draft.actor, draft.message_id, draft.metadata, draft.detail)
        digests = (draft.size, draft.sha256, draft.sha512)
        return Event(id, draft.gateway, draft.event_id, us, draft.occurred_us, *rest, *digests)
    digests = (draft.size, draft.sha256, draft.sha512)
    rest_of = (draft.metadata, draft.metadata_note, "", draft.body)
    return Message(id, draft.gateway, draft.message_id, us, draft.content_type, *digests, *rest_of)


@pytest.fixture
def attack(lab: Lab, tmp_path: Path) -> Attack:
    with lab.open() as archive:
        id = archive.settings.archive
    return Attack(lab, id, Forger.with_masters_of(lab.home, tmp_path / "forger", id))


def promotion(archive: Archive) -> Draft:
    detail: dict[str, object] = {
        "epoch": 1,
        "leader": "standby",
        "plan": "x",
        "reason": "x",
        "who": "x",
        "approved_by": "y",
    }
    return archive.system_event("failover.promoted", detail)


@pytest.mark.parametrize(
    "draft",
    [lambda archive: message(archive, 9_001), lambda archive: event(archive, 9_002), promotion],
    ids=["message", "event", "promotion"],
)
def test_a_batch_made_with_the_masters_alone_is_nothing(
    attack: Attack, draft: Callable[[Archive], Draft]
) -> None:
    attack.check_not_believed(attack.forged_batch(draft))


@pytest.mark.parametrize("place", ["its own", "the next of its writer"])
def test_a_batch_made_with_a_disclosed_data_key_is_nothing(attack: Attack, place: str) -> None:
    """``vanvault keys unwrap`` gave one data key away; its holder writes another batch under it."""
    lab = attack.lab
    genuine = next(key for key in lab.chain(1) if key.endswith("events.parquet"))
    data, name = lab.data("primary", genuine), parse_key(genuine)
    assert name is not None
    with lab.open() as archive:
        secret = unwrap_object(archive, genuine).key
        text, proof = footer_of(archive.parquet, genuine, data)
        batch = decode_batch(genuine, data, archive.parquet)
        false = tuple(replace(one, actor="somebody else") for one in batch.entries if isinstance(one, Event))
    if place != "its own":
        name = replace(name, sequence=99)
        text = encode_header(replace(decode_header(text, key=genuine), sequence=99))
    forged = under_data_key(data, secret, text, proof, "events", false)
    stranger = attack.forger.ring.signer
    for sign in (stranger.sign, lambda _: name.signature):
        key = renamed(name, forged, sign, attack.archive)
        attack.put(key, forged)
        attack.check_not_believed(key)


def test_what_is_within_must_be_signed_though_the_name_is(attack: Attack) -> None:
    """The second line: a name that the archive's own key signed over bytes whose rows nobody signed."""
    lab = attack.lab
    genuine = next(key for key in lab.chain(1) if key.endswith("events.parquet"))
    data, name = lab.data("primary", genuine), parse_key(genuine)
    assert name is not None
    with lab.open() as archive:
        secret, ours = unwrap_object(archive, genuine).key, archive.signing.active()
        text, proof = footer_of(archive.parquet, genuine, data)
        batch = decode_batch(genuine, data, archive.parquet)
        false = tuple(replace(one, actor="somebody else") for one in batch.entries if isinstance(one, Event))
        header = decode_header(text, key=genuine)
        _, theirs = footer_of(attack.forger.ring.parquet, *attack.forger.batch(header, false))
        cases = {
            "other rows": (text, proof, false),
            "another header": (encode_header(replace(header, final=True)), proof, batch.entries),
            "another signer": (text, theirs, false),
            "no proof": (text, b"", batch.entries),
            "a header of another place": (encode_header(replace(header, sequence=98)), proof, batch.entries),
        }
        keys = {}
        for case, (header_text, signed, rows) in cases.items():
            forged = under_data_key(data, secret, header_text, signed, "events", rows)
            keys[case] = renamed(name, forged, ours.sign, attack.archive)
            with pytest.raises(Forged):
                decode_batch(keys[case], forged, archive.parquet)
            attack.put(keys[case], forged)
    for key in keys.values():
        attack.check_not_believed(key, "forged")


def test_an_alias_changes_no_answer(attack: Attack) -> None:
    """A genuine batch's bytes under the name of another writer: the receipt stays the one that was given."""
    lab = attack.lab
    genuine = next(key for key in lab.chain(0) if key.endswith("messages.parquet"))
    name = parse_key(genuine)
    assert name is not None
    with lab.open() as archive:
        archive.catch_up()
        id = archive_id(name.writer, name.sequence, 0)
        before = archive.receipts.of(id)
        first = message(archive, 10)  # the row's own message, pushed again
    aliases = (
        replace(name, writer="0" * 16),
        replace(name, sequence=77),
        replace(name, signature=bytes(64)),
    )
    for alias in aliases:
        lab.add("primary", alias.key, lab.data("primary", genuine))
    lab.forget()
    with lab.open() as archive:
        archive.catch_up(settle=True)
        assert archive.receipts.of(id) == before
        with Node(archive) as node:
            node.wait_ready()
            assert node.push(first) == before
    assert [lab.files("standby", alias.key) for alias in aliases] == [[], [], []]


@pytest.mark.parametrize("kind", ["log", "evidence"])
@pytest.mark.parametrize("sites", [("primary",), SITES], ids=["one site", "both sites"])
def test_a_part_rewritten_under_its_disclosed_data_key_shows_nothing(
    compacted: CompactedLab, kind: str, sites: tuple[str, ...]
) -> None:
    """Searches read ranges of a part, never all of it: each range is proved by the signed manifest."""
    key = compacted.part(kind)
    data, column = compacted.data("primary", key), "content_type" if kind == "log" else "header"
    with compacted.open() as archive:
        archive.catch_up()
        secret = unwrap_object(archive, key).key
        before = archive.search.page(Query({"gateway": GATEWAY}, limit=500)).items
        receipts = [archive.receipts.of(item["id"]) for item in before]
        with opened(data, archive.parquet, key) as file:
            place = (archive.settings.archive, compacted.segments()[0], kind)
            header = header_of(file, archive=place[0], segment=place[1], kind=place[2], key=key)
            table = file.read(use_threads=False).cast(SEGMENT_SCHEMAS[kind])
    values: list[Any] = table.column(column).to_pylist()
    false = ["x" for _ in values] if kind == "log" else [*values[1:], values[0]]
    forged = part_under_data_key(data, secret, header, with_column(table, column, false))
    assert len(forged) == len(data)
    for site in sites:
        compacted.overwrite(compacted.files(site, key)[-1], forged)
    compacted.forget()
    with compacted.open() as archive:
        archive.catch_up()
        if sites != SITES:
            assert archive.search.page(Query({"gateway": GATEWAY}, limit=500)).items == before
            assert [archive.receipts.of(item["id"]) for item in before] == receipts
        with suppress(Damaged):
            page = archive.search.page(Query({"gateway": GATEWAY}, limit=500))
            assert all(item in before for item in page.items)
        for item in before:
            with suppress(Damaged, NotFound):
                assert archive.receipts.of(item["id"]) in receipts
    assert {about for _, _, about in named(compacted.verify())} >= {key}


def test_an_index_file_under_another_name_is_not_taken(compacted: CompactedLab) -> None:
    """Index files are sealed under the index master; none counts in the place of another."""
    with compacted.open() as archive:
        archive.catch_up()
        before = archive.search.page(Query({"gateway": GATEWAY}, limit=500)).items
    found = next((compacted.home / "index").rglob("*.idx"))
    moved = found.with_name("2026-01-01-" + "0" * 32 + ".idx")
    for suffix in ("", ".filter"):
        shutil.copy(f"{found}{suffix}", f"{moved}{suffix}")
        found.with_name(found.name + suffix).unlink()
    with compacted.open() as archive:
        archive.catch_up()
        assert archive.search.page(Query({"gateway": GATEWAY}, limit=500)).items == before
    assert not moved.exists()
