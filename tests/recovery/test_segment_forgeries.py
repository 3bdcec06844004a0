"""What only a holder of the keys could write: each lie in a segment is found by recomputing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from tests.support.archives import SITES
from tests.support.compacted import CompactedLab, Tables, sign, with_column
from tests.support.entropy import SeededEntropy
from tests.support.lab import named
from tests.support.names import signed_again
from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.format.row_blocks import RowKey
from vanvault.archiver.core.format.segments import part as part_format
from vanvault.archiver.core.model import Covered, SegmentManifest
from vanvault.archiver.keys import SigningKey, SigningKeys

Change = Callable[[Tables], None]
FAR = "2090-01-01T00:00:00Z"
State = Callable[[SegmentManifest], SegmentManifest]


@pytest.fixture
def forging(compacted: CompactedLab) -> CompactedLab:
    """Without the node's memory of the true segment; its batches are disposed of."""
    compacted.dispose()
    compacted.forget()
    return compacted


def said_of(lab: CompactedLab, key: str) -> set[str]:
    """The problems of one object; the same at both sites."""
    found = named(lab.verify())
    by_site = [{problem for problem, at, about in found if (at, about) == (site, key)} for site in SITES]
    assert by_site[0] == by_site[1]
    return by_site[0]


def column(kind: str, name: str, change: Callable[[list[Any]], None]) -> Change:
    """Alter the values of one column of one part."""

    def apply(tables: Tables) -> None:
        values = tables[kind].column(name).to_pylist()
        change(values)
        tables[kind] = with_column(tables[kind], name, values)

    return apply


def put(row: int, value: Any) -> Callable[[list[Any]], None]:
    def change(values: list[Any]) -> None:
        values[row] = value

    return change


def exchange(values: list[Any]) -> None:
    values[0], values[1] = values[1], values[0]


def first_of(entry: str, name: str, value: Any) -> Change:
    """Another value in the first row of the log that is a message, or an event."""

    def apply(tables: Tables) -> None:
        row = tables["log"].column("entry").to_pylist().index(entry)
        column("log", name, put(row, value))(tables)

    return apply


def dropped(kind: str, row: int) -> Change:
    def apply(tables: Tables) -> None:
        table = tables[kind]
        tables[kind] = pa.concat_tables([table.slice(0, row), table.slice(row + 1)])

    return apply


def header(row: int, **fields: Any) -> Change:
    def change(values: list[Any]) -> None:
        values[row] = canonical({**orjson.loads(values[row]), **fields})

    return column("evidence", "header", change)


def commit(row: int, **fields: Any) -> Change:
    def change(values: list[Any]) -> None:
        values[row] = canonical({**orjson.loads(values[row]), **fields})

    return column("evidence", "commit", change)


def test_the_forger_itself_is_not_the_flaw(forging: CompactedLab) -> None:
    forging.forge_segment()
    assert forging.verify().findings == ()


@pytest.mark.parametrize(
    ("change", "problem", "kind"),
    [
        (first_of("message", "message_id", "another"), "signature", "evidence"),
        (first_of("message", "gateway", "another"), "signature", "evidence"),
        (first_of("message", "sha256", bytes(32)), "digest", "log"),
        (first_of("message", "size", 1), "digest", "log"),
        (first_of("message", "size", -1), "digest", "log"),
        (first_of("message", "original", None), "digest", "log"),
        (first_of("message", "original", 10**9), "digest", "log"),
        (first_of("message", "original", 1), "digest", "log"),
        (first_of("message", "repeats", "what?"), "digest", "log"),
        (first_of("message", "row", 77), "digest", "log"),
        (first_of("message", "sequence", 10**12), "digest", "log"),
        (first_of("message", "writer", "0" * 16), "digest", "log"),
        (first_of("message", "writer", "?"), "digest", "log"),
        (first_of("message", "entry", "event"), "digest", "log"),
        (first_of("message", "entry", "?"), "digest", "log"),
        (first_of("message", "large_object", "large/0"), "digest", "log"),
        (first_of("event", "actor", "somebody else"), "digest", "log"),
        (first_of("event", "detail", '{"forged":true}'), "digest", "log"),
        (first_of("event", "occurred_at", None), "digest", "log"),
        (first_of("event", "state", "accepted"), "digest", "log"),
        (column("log", "received_at", exchange), "chain", "log"),
        (column("originals", "body", put(0, b"other bytes")), "digest", "log"),
        (column("originals", "body", exchange), "digest", "log"),
        (dropped("originals", 0), "digest", "log"),
        (dropped("log", 0), "digest", "log"),
        (dropped("log", 5), "digest", "log"),
        (dropped("evidence", 0), "signature", "manifest"),
        (dropped("evidence", 3), "signature", "manifest"),
        (column("evidence", "key", exchange), "header", "evidence"),
        (column("evidence", "key", put(0, "what?")), "header", "evidence"),
        (column("evidence", "header", put(0, b"{}")), "digest", "evidence"),
        (column("evidence", "header", exchange), "digest", "evidence"),
        (column("evidence", "commit", put(0, b"{}")), "digest", "evidence"),
        (column("evidence", "commit", exchange), "signature", "evidence"),
        (column("evidence", "proof", exchange), "forged", "evidence"),
        (column("evidence", "proof", put(0, bytes(64))), "forged", "evidence"),
        (column("evidence", "sha512", put(0, b"")), "digest", "evidence"),
        (column("evidence", "first_us", put(0, 1)), "chain", "evidence"),
        (column("evidence", "last_us", put(0, 1)), "chain", "evidence"),
        (column("evidence", "writer", put(0, "0" * 16)), "digest", "evidence"),
        (column("evidence", "sequence", exchange), "digest", "evidence"),
        (header(0, archive="another"), "foreign", "evidence"),
        (header(0, rows=2), "digest", "evidence"),
        (header(0, rows="2"), "digest", "evidence"),
        (header(0, retain_until="some day"), "header", "evidence"),
        (header(1, previous="00" * 32), "chain", "evidence"),
        (header(1, created_us=1), "chain", "evidence"),
        (header(0, kind="messages"), "digest", "log"),
        (header(0, kind="?"), "digest", "log"),
        (header(2, final=True), "chain", "evidence"),
        (commit(0, signature="00" * 64), "signature", "evidence"),
        (commit(0, signing_key="0123456789abcdef"), "signature", "evidence"),
    ],
)
def test_lies_in_parts(forging: CompactedLab, change: Change, problem: str, kind: str) -> None:
    keys = forging.forge_segment(change)
    assert problem in said_of(forging, keys[kind])


def shorter(tables: Tables) -> None:
    """Without the last row of one batch, in every part alike."""
    log = tables["log"]
    places = list(zip(log.column("writer").to_pylist(), log.column("sequence").to_pylist(), strict=True))
    names = tables["evidence"].column("writer").to_pylist(), tables["evidence"].column("sequence").to_pylist()
    batch = next(at for at in zip(*names, strict=True) if places.count(at) == 3)
    row = max(number for number, place in enumerate(places) if place == batch)
    original = log.column("original")[row].as_py()
    dropped("log", row)(tables)
    dropped("originals", original)(tables)
    numbers = [
        value - 1 if value is not None and value > original else value
        for value in tables["log"].column("original").to_pylist()
    ]
    tables["log"] = with_column(tables["log"], "original", numbers)
    at = list(zip(*names, strict=True)).index(batch)
    header(at, rows=2)(tables)
    column("evidence", "sha512", lambda values: values.__setitem__(at, values[at][:128]))(tables)


def test_a_shorter_set_of_rows_with_a_matching_manifest_is_not_what_was_acknowledged(
    forging: CompactedLab,
) -> None:
    keys = forging.forge_segment(shorter)
    assert "signature" in said_of(forging, keys["evidence"])


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (lambda m: replace(m, archive="another"), "foreign"),
        (lambda m: replace(m, segment="0" * 16), "header"),
        (lambda m: replace(m, day="2026-01-01"), "header"),
        (lambda m: replace(m, messages=m.messages + 1), "header"),
        (lambda m: replace(m, events=0), "header"),
        (lambda m: replace(m, raw_bytes=1), "header"),
        (lambda m: replace(m, first_us=1), "header"),
        (lambda m: replace(m, last_us=1), "header"),
        (lambda m: replace(m, parts=m.parts[1:]), "header"),
        (lambda m: replace(m, parts=(*m.parts, m.parts[0])), "header"),
        (lambda m: replace(m, covers=()), "header"),
        (lambda m: replace(m, covers=(Covered(m.covers[0].writer, 5, 2),)), "header"),
        (lambda m: replace(m, parts=(replace(m.parts[0], rows=7), *m.parts[1:])), "header"),
        (lambda m: replace(m, parts=(replace(m.parts[0], size=7), *m.parts[1:])), "header"),
        (lambda m: replace(m, parts=(replace(m.parts[0], key="large/x"), *m.parts[1:])), "header"),
        (lambda m: replace(m, parts=(replace(m.parts[0], retain_until="soon"), *m.parts[1:])), "header"),
        (
            lambda m: replace(
                m, parts=(replace(m.parts[0], retain_until="2090-01-01T00:00:00Z"), *m.parts[1:])
            ),
            "lock",
        ),
    ],
)
def test_lies_in_a_manifest(forging: CompactedLab, state: State, problem: str) -> None:
    keys = forging.forge_segment(state=state)
    # One that contradicts itself is not even read: its signature counts for nothing.
    accepted = {"header", "signature"} if problem == "header" else {problem}
    assert accepted & said_of(forging, keys["manifest"])


@pytest.mark.parametrize(
    "covers",
    [
        lambda c: c[:-1],
        lambda c: (replace(c[0], last=c[0].last - 1), *c[1:]),
        lambda c: (replace(c[0], last=10**9), *c[1:]),
        lambda c: (*c, Covered("z" * 16, 0, 3)),
    ],
)
def test_a_manifest_that_covers_other_batches(
    forging: CompactedLab, covers: Callable[[tuple[Covered, ...]], tuple[Covered, ...]]
) -> None:
    keys = forging.forge_segment(state=lambda m: replace(m, covers=covers(m.covers)))
    # It contradicts its own parts, so its signature counts for nothing.
    assert "signature" in said_of(forging, keys["manifest"])


def unsigned(manifest: SegmentManifest, key: SigningKey) -> SegmentManifest:
    return replace(manifest, signing_key=key.key_id, signature=b"")


def badly_signed(manifest: SegmentManifest, key: SigningKey) -> SegmentManifest:
    return replace(sign(manifest, key), raw_bytes=manifest.raw_bytes + 1)


@pytest.mark.parametrize("signed", [unsigned, badly_signed])
def test_a_manifest_without_a_signature_that_fits_is_not_trusted(
    forging: CompactedLab, signed: Callable[[SegmentManifest, SigningKey], SegmentManifest]
) -> None:
    keys = forging.forge_segment(signed=signed)
    report = forging.verify()
    assert said_of(forging, keys["manifest"]) == {"signature"}
    parts = {key for kind, key in keys.items() if kind != "manifest"}
    assert named(report, failing=False) == {("leftover", site, key) for site in SITES for key in parts}


def test_a_manifest_signed_by_another_key_is_not_trusted(forging: CompactedLab, tmp_path: Path) -> None:
    other = SigningKeys.create(tmp_path / "keys", SeededEntropy(1)).active()
    keys = forging.forge_segment(signed=lambda manifest, _: sign(manifest, other))
    assert said_of(forging, keys["manifest"]) == {"signature"}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"5", b'{"format":1.5}', b"\xff", b"null"])
def test_garbage_under_its_own_digest_is_no_manifest(compacted: CompactedLab, data: bytes) -> None:
    with compacted.open() as archive:
        key = signed_again(archive, compacted.part("manifest"), data)
    compacted.add("standby", key, data)
    found = named(compacted.verify())
    assert ("signature", "standby", key) in found
    assert {about for _, _, about in found} == {key}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"log": {"segment": "0" * 16}}, "header"),
        ({"log": {"archive": "another"}}, "header"),
        ({"originals": {"archive": "another"}}, "header"),
        ({"evidence": {"segment": "0" * 16}}, "header"),
        ({"log": {"first_us": (1,)}}, "header"),
        ({"log": {"rows": 1}}, "header"),
    ],
)
def test_lies_in_the_header_of_a_part(
    forging: CompactedLab, fields: dict[str, dict[str, Any]], problem: str
) -> None:
    keys = forging.forge_segment(headers=fields)
    (kind,) = fields
    assert problem in said_of(forging, keys[kind])


def test_a_part_of_another_segment_in_a_signed_manifest_is_told(forging: CompactedLab) -> None:
    """The bytes of the other segment's log, under a name in this segment that a signed manifest names."""
    other = forging.tables(1)

    def change(tables: Tables) -> None:
        tables["log"] = other["log"]

    keys = forging.forge_segment(change, headers={"log": {"segment": forging.segments()[1]}})
    assert "header" in said_of(forging, keys["log"])
    assert any(problem == "missing" for problem, *_ in named(forging.verify()))


@pytest.mark.parametrize("lie", ["another row", "a row less", "another segment"])
def test_row_blocks_that_are_not_the_rows_of_the_columns_are_told(
    forging: CompactedLab, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """Searches read the blocks: a hit that no column has, or a row that they hide, must not stay unknown."""
    encode = part_format.encode_area

    def lying(table: pa.Table, key: RowKey, **named: Any) -> bytes:
        if lie == "another segment":
            return encode(table, key, **{**named, "segment": "0" * 16})
        if lie == "a row less":
            return encode(table.slice(1), key, **named)
        values = table.column("state").to_pylist()
        return encode(with_column(table, "state", ["invented", *values[1:]]), key, **named)

    monkeypatch.setattr(part_format, "encode_area", lying)
    keys = forging.forge_segment()
    assert said_of(forging, keys["log"]) == {"header"}
