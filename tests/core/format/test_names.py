"""Object names: each has exactly one spelling, and they sort as they were written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.names import batch_key

from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.names import (
    ROW_LIMIT,
    SEQUENCE_LIMIT,
    WRITER_ENTROPY,
    ObjectName,
    ObjectSubject,
    archive_id,
    archive_ids,
    batch_prefix,
    digest_in,
    family_of,
    is_family,
    is_writer_id,
    large_prefix,
    new_writer_id,
    parse_archive_id,
    parse_key,
    sha256_of,
    writer_started_at,
)

WRITER = "1js2qvs7g0abcdef"
DIGEST = bytes(range(32))
SIGNATURE = bytes(range(64))
SPELLED = (
    "000g40r40m30e209185gr38e1w8124gk2gahc5rr34d1p70x3rfj08924cj2a9h750mjmasc5mq2yc1h68sk8d9p6ww3jehv7gykwfr"
)
HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

writers = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=16, max_size=16)
sequences = st.integers(0, SEQUENCE_LIMIT - 1)
digests = st.binary(min_size=32, max_size=32)
signatures = st.binary(min_size=64, max_size=64)
kinds = st.sampled_from([("batch", "messages"), ("batch", "events"), ("large", "framed")])
names = st.builds(
    lambda kind, writer, sequence, digest, signature: ObjectName(
        kind[0], writer, sequence, kind[1], digest, signature
    ),
    kinds,
    writers,
    sequences,
    digests,
    signatures,
)
times = st.integers(0, 32_000_000_000_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
entropies = st.binary(min_size=WRITER_ENTROPY, max_size=WRITER_ENTROPY)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (
            ObjectName("batch", WRITER, 0, "messages", DIGEST, SIGNATURE),
            f"batch/{WRITER}/0000000000-{HEX}-{SPELLED}.messages.parquet",
        ),
        (
            ObjectName("batch", WRITER, 42, "events", DIGEST, SIGNATURE),
            f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}.events.parquet",
        ),
        (
            ObjectName("large", WRITER, SEQUENCE_LIMIT - 1, "framed", DIGEST, SIGNATURE),
            f"large/{WRITER}/9999999999-{HEX}-{SPELLED}.framed",
        ),
    ],
)
def test_keys_are_spelled_as_the_format_says(name: ObjectName, key: str) -> None:
    assert name.key == key
    assert parse_key(key) == name


def test_what_a_writer_signs_is_one_text_for_one_object() -> None:
    subject = ObjectSubject("7f0e", "batch", WRITER, 42, "events")
    assert subject.statement(DIGEST) == (
        f"vanvault object v1\n7f0e\nbatch\n{WRITER}\n0000000042\nevents\n{HEX}\n".encode()
    )
    name = subject.named(DIGEST, SIGNATURE)
    assert name.subject("7f0e") == subject
    assert name.key == f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}.events.parquet"


@pytest.mark.parametrize("archive", ["", "a\nb", "a\0b"])
def test_an_archive_id_cannot_make_two_statements_alike(archive: str) -> None:
    with pytest.raises(InvalidInput):
        ObjectSubject(archive, "batch", WRITER, 42, "events")


def test_the_longest_name_leaves_a_file_system_room() -> None:
    """A file site adds a version, and a marker one date more: 255 bytes are the most that a name may have."""
    longest = ObjectName("segment", WRITER, 1, "originals", DIGEST, SIGNATURE).key.rpartition("/")[2]
    assert len(longest) == 197


@pytest.mark.parametrize(
    "key",
    [
        "",
        f"batch/{WRITER}/42-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/00000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/+000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/000000004２-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX.upper()}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX[:-2]}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}.framed",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}.messages",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}xmessages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}.messages.parquet\n",
        f"/batch/{WRITER}/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch//{WRITER}/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER.upper()}/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER[:-1]}l/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}x/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"large/{WRITER}/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"segment/{WRITER}/0000000042-{HEX}-{SPELLED}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED.upper()}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED[:-1]}.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED[:-1]}s.messages.parquet",  # an unused bit is set
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED}0.messages.parquet",
        f"batch/{WRITER}/0000000042-{HEX}-{SPELLED[:-1]}u.messages.parquet",
        f"index/{WRITER}/0000000042-{HEX}-{SPELLED}.messages.parquet",
    ],
)
def test_any_other_spelling_is_no_name(key: str) -> None:
    assert parse_key(key) is None


@given(names)
def test_a_name_comes_back_from_its_key_and_fits_its_prefixes(name: ObjectName) -> None:
    assert parse_key(name.key) == name
    prefix = batch_prefix if name.family == "batch" else large_prefix
    assert name.key.startswith(prefix(name.writer, name.sequence))
    assert prefix(name.writer, name.sequence).startswith(prefix(name.writer))
    assert prefix(name.writer).startswith(prefix())


@given(names, st.data())
def test_one_changed_character_never_gives_a_second_spelling(name: ObjectName, data: st.DataObject) -> None:
    key = name.key
    place = data.draw(st.integers(0, len(key) - 1))
    changed = key[:place] + data.draw(st.characters(codec="utf-8")) + key[place + 1 :]
    parsed = parse_key(changed)
    assert parsed is None or (parsed.key == changed and (parsed == name) == (changed == key))


@given(writers, sequences, sequences, digests, digests)
def test_keys_of_one_writer_sort_by_sequence(writer: str, a: int, b: int, x: bytes, y: bytes) -> None:
    if a != b:
        assert (batch_key(writer, a, "messages", x) < batch_key(writer, b, "messages", y)) == (a < b)


@pytest.mark.parametrize(
    "parts",
    [
        ("batch", WRITER, 1, "framed", DIGEST, SIGNATURE),
        ("large", WRITER, 1, "messages", DIGEST, SIGNATURE),
        ("segment", WRITER, 1, "messages", DIGEST, SIGNATURE),
        ("batch", "short", 1, "messages", DIGEST, SIGNATURE),
        ("batch", WRITER, -1, "messages", DIGEST, SIGNATURE),
        ("batch", WRITER, SEQUENCE_LIMIT, "messages", DIGEST, SIGNATURE),
        ("batch", WRITER, 1, "messages", DIGEST[:31], SIGNATURE),
        ("batch", WRITER, 1, "messages", DIGEST, SIGNATURE[:63]),
        ("index", WRITER, 1, "messages", DIGEST, SIGNATURE),
    ],
)
def test_a_name_that_has_no_key_cannot_be_made(parts: tuple[str, str, int, str, bytes, bytes]) -> None:
    with pytest.raises(InvalidInput):
        ObjectName(*parts)  # type: ignore[arg-type]


def test_a_prefix_by_sequence_needs_its_writer() -> None:
    with pytest.raises(InvalidInput):
        batch_prefix(sequence=3)
    with pytest.raises(InvalidInput):
        large_prefix("../../../../../..")


def test_writer_ids_have_the_fixed_spelling() -> None:
    assert new_writer_id(datetime(1970, 1, 1, tzinfo=UTC), bytes(5)) == "0" * 16
    start = datetime(2026, 11, 22, 1, 43, 20, 123999, tzinfo=UTC)
    writer = new_writer_id(start, b"\xff" * 5)
    assert writer == "1m80er3svzzzzzzz"
    assert writer_started_at(writer) == start.replace(microsecond=123000)


@given(times, entropies)
def test_a_writer_id_tells_its_start_to_the_millisecond(start: datetime, random: bytes) -> None:
    writer = new_writer_id(start, random)
    assert is_writer_id(writer)
    assert timedelta(0) <= start - writer_started_at(writer) < timedelta(milliseconds=1)


@given(times, times, entropies, entropies)
def test_writer_ids_sort_by_start(a: datetime, b: datetime, x: bytes, y: bytes) -> None:
    if a + timedelta(milliseconds=1) <= b:
        assert new_writer_id(a, x) < new_writer_id(b, y)


def test_a_start_in_another_zone_is_the_same_instant() -> None:
    vietnam = timezone(timedelta(hours=7))
    start = datetime(2026, 11, 22, 8, 43, 20, tzinfo=vietnam)
    assert new_writer_id(start, bytes(5)) == new_writer_id(start.astimezone(UTC), bytes(5))


@pytest.mark.parametrize(
    ("now", "random"),
    [
        (datetime(2026, 1, 1), bytes(5)),  # noqa: DTZ001 - what is refused
        (datetime(1969, 12, 31, tzinfo=UTC), bytes(5)),
        (datetime(3200, 1, 1, tzinfo=UTC), bytes(5)),
        (datetime(2026, 1, 1, tzinfo=UTC), bytes(4)),
        (datetime(2026, 1, 1, tzinfo=UTC), bytes(6)),
    ],
)
def test_a_writer_id_needs_a_sound_clock_and_entropy(now: datetime, random: bytes) -> None:
    with pytest.raises(InvalidInput):
        new_writer_id(now, random)


@given(writers, sequences, st.integers(0, ROW_LIMIT - 1))
def test_archive_ids_come_back(writer: str, sequence: int, row: int) -> None:
    assert parse_archive_id(archive_id(writer, sequence, row)) == (writer, sequence, row)


@pytest.mark.parametrize(
    "text",
    [
        "",
        WRITER,
        f"{WRITER}-1",
        f"{WRITER}-01-2",
        f"{WRITER}-1-02",
        f"{WRITER}-1--2",
        f"{WRITER}-1-2-3",
        f"{WRITER}-1-2\n",
        f" {WRITER}-1-2",
        f"{WRITER}-1-{ROW_LIMIT}",
        f"{WRITER}-{SEQUENCE_LIMIT}-0",
        f"{WRITER.upper()}-1-2",
        f"{WRITER}-1-٢",
        f"{WRITER}-1-" + "9" * 10_000,
    ],
)
def test_what_is_no_archive_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_archive_id(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("sequence", "row"), [(-1, 0), (SEQUENCE_LIMIT, 0), (0, -1), (0, ROW_LIMIT)])
def test_an_archive_id_out_of_bounds_cannot_be_made(sequence: int, row: int) -> None:
    with pytest.raises(InvalidInput):
        archive_id(WRITER, sequence, row)


def test_families_are_known_by_their_first_folder() -> None:
    assert [is_family(text) for text in ("batch", "large", "segment", "index", "junk", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert family_of(batch_key(WRITER, 3, "messages", DIGEST)) == "batch"


@given(names)
def test_the_digest_in_a_key_is_that_of_its_parsed_name(name: ObjectName) -> None:
    assert digest_in(name.key) == sha256_of(name.key) == name.sha256


@pytest.mark.parametrize(
    "key",
    [
        "",
        HEX,
        f"{HEX}.parquet",
        "batch/x",
        f"index/{WRITER}/0000000000-{HEX}.idx",
        f"segment/{HEX}",
        f"data/00/{HEX}",
        f"batch/{WRITER}/0000000000-{HEX}.events.parquet",
        f"batch/{HEX}0",
        f"batch/{HEX.upper()}",
        batch_key(WRITER, 3, "events", DIGEST).upper(),
        f"batch/../{HEX}",
        f"/batch/{HEX}",
        f"batch//{HEX}",
        f"batch/{HEX}/",
        f"batch/{HEX}/x",
        f"batch/x{HEX}",
        f"batch/w w/1-{HEX}.framed",
        f"batch/\u1ec7/1-{HEX}.framed",
        f"{'a' * 500}/{HEX}",
    ],
)
def test_what_is_no_key_has_no_digest(key: str) -> None:
    assert digest_in(key) is None
    with pytest.raises(Damaged):
        sha256_of(key)


@given(writers, sequences, st.integers(0, 300))
def test_the_ids_of_a_batch_are_those_of_its_rows(writer: str, sequence: int, rows: int) -> None:
    assert archive_ids(writer, sequence, rows) == [archive_id(writer, sequence, row) for row in range(rows)]


@pytest.mark.parametrize(
    ("writer", "sequence", "rows"),
    [("no-writer", 0, 1), (WRITER, SEQUENCE_LIMIT, 1), (WRITER, 0, ROW_LIMIT + 1)],
)
def test_a_batch_that_cannot_be_has_no_ids(writer: str, sequence: int, rows: int) -> None:
    with pytest.raises(InvalidInput):
        archive_ids(writer, sequence, rows)
