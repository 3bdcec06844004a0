"""What a segment says, checked against its manifest, within itself, and against the signed receipts. Pure.

Its batches are made again from log, originals and evidence, and each is checked as the batch itself would
be; then the receipts of all its rows are made again, and their signature must fit. So a segment that passes
holds what was acknowledged, to the byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.core.errors import Forged, InvalidInput, KeyUnavailable
from vanvault.archiver.core.evidence import receipts_statement
from vanvault.archiver.core.format.batches import (
    BodyDigests,
    check_proof,
    digest_bodies,
    row_digests,
)
from vanvault.archiver.core.format.encrypted import ObjectKeys
from vanvault.archiver.core.format.segments import PartHeader, merge_covers
from vanvault.archiver.core.model import ResidueRow, SegmentManifest
from vanvault.archiver.core.names import parse_archive_id, parse_key
from vanvault.recovery.objects import DIGEST_BYTES, CompactedRange
from vanvault.recovery.verify.chains import ExpectedBatch, expected_of
from vanvault.recovery.verify.contents import BatchContent, Flaw, Reference, batch_content
from vanvault.recovery.verify.residue_contents import Gone, PutBack, put_back
from vanvault.recovery.verify.segment_rows import Evidence, Incomplete, RemadeBatch, batches_of, read_evidence

PublicKey = Callable[[str], Ed25519PublicKey]

NO_BODIES = digest_bodies(())
#: Flaws of one part that are named one by one.
_FLAWS_NAMED = 20


@dataclass(frozen=True, slots=True)
class OpenPart:
    """A part that decodes."""

    key: str
    header: PartHeader
    table: pa.Table  # without rows, of originals: their bodies are hashed as they are decoded, and let go
    bodies: BodyDigests = NO_BODIES


@dataclass(slots=True)
class SegmentCheck:
    """What a segment holds, and what is wrong with it."""

    flaws: dict[str, list[Flaw]] = field(default_factory=dict)  # by kind of part, and "manifest"
    ranges: list[CompactedRange] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)  # to large objects
    let_go: set[str] = field(default_factory=set)  # large objects of which no row needs the bytes any more
    expected: list[ExpectedBatch] = field(default_factory=list)  # of other segments, or not compacted
    messages: int = 0
    events: int = 0

    def note(self, kind: str, *flaws: Flaw) -> None:
        """Keep flaws of a part, as long as there are not too many."""
        kept = self.flaws.setdefault(kind, [])
        kept.extend(flaws[: max(0, _FLAWS_NAMED - len(kept))])


def check_segment(
    check: SegmentCheck,
    manifest: SegmentManifest,
    parts: Mapping[str, OpenPart],
    keys: ObjectKeys,
    public_key: PublicKey,
) -> None:
    """All checks of a segment whose parts decode; ``parts`` by kind, with log and evidence.

    ``keys`` say who may have written its batches, ``public_key`` who may have signed its receipts.
    """
    log, evidence = parts["log"], parts["evidence"]
    originals = parts["originals"].bodies if "originals" in parts else NO_BODIES
    residue = parts.get("residue")
    back = put_back(log.table, residue.table if residue else None, key=residue.key if residue else "")
    check.note("residue", *(("digest", flaw) for flaw in back.flaws))
    _check_log(check, manifest, log, back, len(originals))
    try:
        held = read_evidence(evidence.table)
    except Incomplete as error:
        check.note("evidence", ("digest", str(error)))
        return
    places = [(one.header.writer, one.header.sequence) for one in held]
    if merge_covers(places) != manifest.covers:
        check.note("evidence", ("header", "its batches are not those that the manifest names"))
    from vanvault.archiver.upkeep import day_of  # what compacts is not loaded for reports of runs

    if held and manifest.day != day_of(max(one.header.created_us for one in held)):
        check.note("manifest", ("header", "its day is not that of its youngest row"))
    try:
        batches = batches_of(back.log, originals, evidence.table, held)
        _check_batches(check, manifest, held, batches, back.gone, keys, public_key)
    except Incomplete as error:
        check.note("log", ("digest", str(error)))
        return
    if merge_covers(places) == manifest.covers:
        _note_ranges(check, manifest, held, evidence.key)


def _check_log(
    check: SegmentCheck, manifest: SegmentManifest, part: OpenPart, back: PutBack, originals: int
) -> None:
    log = back.log
    times = np.asarray(log.column("received_at").cast(pa.int64()))
    message = (
        np.asarray(log.column("entry").combine_chunks().dictionary_encode().cast(pa.string())) == "message"
    )
    stated = (manifest.messages, manifest.events, manifest.first_us, manifest.last_us, manifest.raw_bytes)
    counted = (message.sum(), (~message).sum(), times[:1].sum(), times[-1:].sum())
    if stated != (*map(int, counted), int(np.asarray(log.column("size")).sum())):
        check.note("manifest", ("header", "its counts, bytes or times are not those of the log"))
    if tuple(times[:: part.header.group_rows].tolist()) != part.header.first_us:
        check.note("log", ("header", "its header does not name the first times of its row groups"))
    if not _in_order(times, log.column("writer")):
        check.note("log", ("chain", "its rows are not in the order of their times"))
    own = message & (np.asarray(log.column("large_object").combine_chunks()) == "") & ~back.without
    original = log.column("original").combine_chunks()
    numbers = np.asarray(original.fill_null(-1))
    if not np.array_equal(numbers, np.where(own, np.cumsum(own) - 1, -1)):
        check.note("log", ("digest", "its rows do not number the originals in order"))
    if own.sum() != originals:
        check.note("log", ("digest", f"it names {own.sum()} originals, which is not what the segment holds"))
    for entry in set(log.column("repeats").to_pylist()) - {""}:
        try:
            parse_archive_id(entry)
        except InvalidInput:
            check.note("log", ("digest", "a row repeats what is no entry of the archive"))


def _in_order(times: np.ndarray[tuple[int], np.dtype[np.int64]], writers: pa.ChunkedArray) -> bool:
    """By time, then by the first bytes of the writer's SHA-256, as positions are."""
    encoded = writers.combine_chunks().dictionary_encode()
    second = [
        int.from_bytes(hashlib.sha256(one.encode()).digest()[:4]) for one in encoded.dictionary.to_pylist()
    ]
    writer = np.array(second, dtype=np.int64)[np.asarray(encoded.indices)]
    step, tie = np.diff(times), np.diff(writer)
    return bool(np.all((step > 0) | ((step == 0) & (tie > 0))))


def _check_batches(
    check: SegmentCheck,
    manifest: SegmentManifest,
    held: Sequence[Evidence],
    batches: Iterator[RemadeBatch],
    gone: Gone,
    keys: ObjectKeys,
    public_key: PublicKey,
) -> None:
    named = {one.key for one in held}
    seen: set[str] = set()
    before: Evidence | None = None
    for found in batches:
        one = found.evidence
        left_out = gone.get((one.header.writer, one.header.sequence), {})
        content = _content(check, manifest, found, left_out)
        if content is None:
            continue
        for problem, detail in _unlinked(before, one):
            check.note("evidence", (problem, f"{one.key}: {detail}"))
        before = one
        for expected in expected_of(one.header):
            if expected.key not in named and expected.key not in seen:
                check.expected.append(expected)
                seen.add(expected.key)
        check.references.extend(content.references)
        if one.header.kind == "messages":
            check.messages += one.header.rows
        else:
            check.events += one.header.rows
        for flaw in _unproved(keys, found, left_out):
            check.note("evidence", flaw)
        if left_out:
            check.let_go |= {copy.key for copy in one.header.large} - {
                each.key for each in content.references
            }
        detail = _receipts_flaw(manifest.archive, found, left_out, public_key)
        if detail:
            check.note("evidence", ("signature", f"{one.key}: {detail}"))


def _content(
    check: SegmentCheck, manifest: SegmentManifest, found: RemadeBatch, gone: Mapping[int, ResidueRow]
) -> BatchContent | None:
    """What the batch would say if it were read; None when it is not the one of its name."""
    one = found.evidence
    name = parse_key(one.key)
    if name is None or name.family != "batch":
        check.note("evidence", ("header", "it names a batch by what is no batch's name"))
        return None
    try:
        content = batch_content(
            name, one.header, found.columns, found.bodies, "", archive=manifest.archive, gone=gone
        )
    except (TypeError, ValueError) as error:
        check.note("evidence", ("header", f"{one.key}: its header's values are off: {type(error).__name__}"))
        return None
    for problem, detail in content.flaws:
        kind = "log" if problem == "digest" else "evidence"
        check.note(kind, (problem, f"{one.key}: {detail}"))
    if (content.first_us, content.last_us) != (one.first_us, one.last_us):
        check.note("evidence", ("chain", f"{one.key}: its times are not those of its rows"))
    return content if content.belongs else None


def _unlinked(before: Evidence | None, one: Evidence) -> Iterator[Flaw]:
    """A batch after the one that the evidence holds before it."""
    if one.header.sequence == 0 and one.header.previous:
        yield "chain", "it is the first of its writer, yet names a previous object"
    if before is None or (before.header.writer, before.header.sequence + 1) != (
        one.header.writer,
        one.header.sequence,
    ):
        return
    name = parse_key(before.key)
    if name is None or one.header.previous != name.sha256.hex():
        yield "chain", f"the previous object that it names is not {before.key}"
    if before.header.final:
        yield "chain", f"its writer closed with object {before.header.sequence}"
    if one.first_us <= before.last_us:
        yield "chain", "its first row is not later than the last row before it"


def _unproved(keys: ObjectKeys, found: RemadeBatch, gone: Mapping[int, ResidueRow]) -> Iterator[Flaw]:
    """Did the writer of the batch sign these rows? Its own object need not be there any more."""
    one = found.evidence
    known = {row: left.digest for row, left in gone.items() if left.is_whole}
    try:
        check_proof(one.key, one.header, one.header_text, one.proof, found.columns, keys, known=known)
        originals = {row: left.digest for row, left in gone.items() if not left.is_whole}
        digests = list(row_digests(one.header.kind, found.columns)) if originals else []
    except Forged as error:
        yield "forged", error.message
        return
    if any(digests[row] != digest for row, digest in originals.items()):
        yield "digest", f"{one.key}: the residue names another digest of a row that is kept"


def _receipts_flaw(
    archive: str, found: RemadeBatch, gone: Mapping[int, ResidueRow], public_key: PublicKey
) -> str:
    """Why the commit record is not one of these rows; "" when it is, or there is none."""
    one, commit = found.evidence, found.evidence.commit
    if commit is None:
        return ""
    if commit.key != one.key:
        return "its commit record is of another batch"
    statement = receipts_statement(
        found.columns,
        archive=archive,
        key=one.key,
        placements=commit.placements,
        large=one.header.large,
        signing_key=commit.signing_key,
        known={row: left.leaf for row, left in gone.items() if left.is_whole and left.leaf is not None},
    )
    try:
        public_key(commit.signing_key).verify(commit.signature, statement)
    except InvalidSignature:
        return "the signature over its receipts does not fit its rows"
    except KeyUnavailable:
        return f"its receipts are signed by {commit.signing_key}, of which there is no public key"
    return ""


def _note_ranges(
    check: SegmentCheck, manifest: SegmentManifest, held: Sequence[Evidence], source: str
) -> None:
    by_place = {(one.header.writer, one.header.sequence): one for one in held}
    for cover in manifest.covers:
        inside = [by_place.get((cover.writer, number)) for number in range(cover.first, cover.last + 1)]
        whole = [one for one in inside if one is not None]
        names = [parse_key(one.key) for one in whole]
        digests = b"".join(name.sha256[:DIGEST_BYTES] for name in names if name is not None)
        if len(digests) != DIGEST_BYTES * (cover.last - cover.first + 1):
            continue
        check.ranges.append(
            CompactedRange(
                writer=cover.writer,
                first=cover.first,
                last=cover.last,
                source=source,
                digests=digests,
                previous=whole[0].header.previous,
                first_us=whole[0].first_us,
                last_us=whole[-1].last_us,
                final=next((one.header.sequence for one in whole if one.header.final), None),
            )
        )
