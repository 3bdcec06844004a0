"""Names of objects, writers and archived messages: pure functions, each name with exactly one spelling.

::

    batch/<writer>/<sequence>-<sha256>.messages.parquet    what one group commit wrote: messages
    batch/<writer>/<sequence>-<sha256>.events.parquet      and lines of the transaction log
    large/<writer>/<sequence>-<sha256>.framed              one message that is too big for a batch
    segment/<segment>/<part>-<sha256>.log.parquet          many batches compacted: rows of the log,
    segment/<segment>/<part>-<sha256>.originals.parquet    originals,
    segment/<segment>/<part>-<sha256>.evidence.parquet     headers and commit records of the batches,
    segment/<segment>/<part>-<sha256>.manifest.json        and the signed statement that makes it trusted

``writer``: 16 characters of Crockford base32 in lower case: 9 for the milliseconds since 1970 at which
the writer started, 7 random. ``sequence``: ten decimal digits, counted by the writer. ``sha256``: 64
lower-case hex digits, the digest of the bytes as stored (encrypted). So names sort by writer start and
then by order of writing, and two writers never meet at one name. ``segment`` is made like a writer id when
a compaction begins, ``part`` counts the segment's objects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from vanvault.archiver.core.errors import Damaged, InvalidInput

Family = Literal["batch", "large", "segment"]
ObjectKind = Literal["messages", "events", "framed", "log", "originals", "evidence", "manifest"]
BatchKind = Literal["messages", "events"]
SegmentKind = Literal["log", "originals", "evidence", "manifest"]

#: Sequences are below this: ten digits.
SEQUENCE_LIMIT = 10**10
#: Rows of a batch are below this: a signed 32-bit number.
ROW_LIMIT = 2**31
#: Random bytes that ``new_writer_id`` takes.
WRITER_ENTROPY = 5

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_TIME_CHARACTERS = 9  # 45 bits: until the year 3084
_RANDOM_CHARACTERS = 7  # 35 bits

_WRITER = f"[{_ALPHABET}]{{{_TIME_CHARACTERS + _RANDOM_CHARACTERS}}}"
_WRITER_ID = re.compile(_WRITER)
_KEY = re.compile(
    rf"(?P<family>batch|large|segment)/(?P<writer>{_WRITER})/(?P<sequence>[0-9]{{10}})-(?P<sha256>[0-9a-f]{{64}})"
    r"\.(?P<suffix>messages\.parquet|events\.parquet|framed"
    r"|log\.parquet|originals\.parquet|evidence\.parquet|manifest\.json)"
)
_ARCHIVE_ID = re.compile(rf"({_WRITER})-(0|[1-9][0-9]{{0,9}})-(0|[1-9][0-9]{{0,9}})")

#: Families that this version does not know keep the shape ``<folders>/[anything-]<sha256>[.suffix]``.
_ANY_KEY = re.compile(r"[a-z0-9._-]+(?:/[a-z0-9._-]+)+")
_ANY_LAST = re.compile(r"(?:[a-z0-9._-]*-)?(?P<sha256>[0-9a-f]{64})(?:\.[a-z0-9._-]+)?")
_LONGEST_KEY = 512

_KINDS: dict[Family, tuple[ObjectKind, ...]] = {
    "batch": get_args(BatchKind),
    "large": ("framed",),
    "segment": get_args(SegmentKind),
}
_SUFFIX: dict[ObjectKind, str] = {
    "messages": "messages.parquet",
    "events": "events.parquet",
    "framed": "framed",
    "log": "log.parquet",
    "originals": "originals.parquet",
    "evidence": "evidence.parquet",
    "manifest": "manifest.json",
}
_KIND_OF: dict[str, ObjectKind] = {suffix: kind for kind, suffix in _SUFFIX.items()}
_FAMILY: dict[str, Family] = {family: family for family in get_args(Family)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ObjectName:
    """What the key of an object says.

    Raises InvalidInput when a part breaks the grammar, so that every ObjectName has a key.
    """

    family: Family
    writer: str  # writer id, 16 characters; of a segment its id
    sequence: int  # 0 <= sequence < 10**10, counted per writer; of a segment the part
    kind: ObjectKind
    sha256: bytes  # 32 bytes: digest of the stored bytes

    def __post_init__(self) -> None:
        if self.kind not in _KINDS.get(self.family, ()):
            raise InvalidInput(f"There is no {self.family} object of the kind {self.kind}.", field="kind")
        _check_writer(self.writer)
        _check_sequence(self.sequence)
        if len(self.sha256) != 32:
            raise InvalidInput(f"A SHA-256 has 32 bytes, not {len(self.sha256)}.", field="sha256")

    @property
    def key(self) -> str:
        """The object's key at every site."""
        digest = self.sha256.hex()
        return f"{self.family}/{self.writer}/{self.sequence:010d}-{digest}.{_SUFFIX[self.kind]}"


def batch_key(writer: str, sequence: int, kind: BatchKind, sha256: bytes) -> str:
    """Key of a batch object. Raises InvalidInput."""
    return ObjectName("batch", writer, sequence, kind, sha256).key


def large_key(writer: str, sequence: int, sha256: bytes) -> str:
    """Key of the object of one large message. Raises InvalidInput."""
    return ObjectName("large", writer, sequence, "framed", sha256).key


def segment_key(segment: str, part: int, kind: SegmentKind, sha256: bytes) -> str:
    """Key of one object of a segment. Raises InvalidInput."""
    return ObjectName("segment", segment, part, kind, sha256).key


def parse_key(key: str) -> ObjectName | None:
    """The name that ``key`` spells, or None when it spells none: ``parse_key(k).key == k`` or None."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    family = _FAMILY[match["family"]]
    kind = _KIND_OF[match["suffix"]]
    if kind not in _KINDS[family]:
        return None
    return ObjectName(family, match["writer"], int(match["sequence"]), kind, bytes.fromhex(match["sha256"]))


def digest_in(key: str) -> bytes | None:
    """The SHA-256 (32 bytes) that an object's key promises, whatever its family; None: no object's key.

    Copies, backups and reconciliation move objects of families that only a later version knows.
    """
    if len(key) > _LONGEST_KEY or not _ANY_KEY.fullmatch(key) or {".", ".."} & set(key.split("/")):
        return None
    match = _ANY_LAST.fullmatch(key.rpartition("/")[2])
    return bytes.fromhex(match["sha256"]) if match else None


def sha256_of(key: str) -> bytes:
    """The same. Raises Damaged when it is no object's key."""
    digest = digest_in(key)
    if digest is None:
        raise Damaged(f"{key} is not the name of an archive object", key=key)
    return digest


def family_of(key: str) -> str:
    """The first part of a key, such as ``batch``."""
    return key.partition("/")[0]


def batch_prefix(writer: str = "", sequence: int | None = None) -> str:
    """What the keys of all batches start with, of one writer's, or of one sequence. Raises InvalidInput."""
    return _prefix("batch", writer, sequence)


def large_prefix(writer: str = "", sequence: int | None = None) -> str:
    """What the keys of all large objects start with, of one writer's, or of one sequence.

    Raises InvalidInput.
    """
    return _prefix("large", writer, sequence)


def segment_prefix(segment: str = "") -> str:
    """What the keys of all segments start with, or of one segment's objects. Raises InvalidInput."""
    return _prefix("segment", segment, None)


def new_writer_id(now: datetime, random: bytes) -> str:
    """The id of a writer that starts at ``now`` (aware), with WRITER_ENTROPY random bytes.

    Ids sort by start, to the millisecond. Raises InvalidInput.
    """
    if now.tzinfo is None:
        raise InvalidInput("The start of a writer needs a time zone.", field="now")
    if len(random) != WRITER_ENTROPY:
        raise InvalidInput(f"A writer id takes {WRITER_ENTROPY} random bytes.", field="random")
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= milliseconds < 32**_TIME_CHARACTERS:
        raise InvalidInput("The clock is before 1970 or after 3084; set it right.", field="now")
    tail = int.from_bytes(random) >> (8 * WRITER_ENTROPY - 5 * _RANDOM_CHARACTERS)
    return _base32(milliseconds, _TIME_CHARACTERS) + _base32(tail, _RANDOM_CHARACTERS)


def is_writer_id(text: str) -> bool:
    """Is this the one spelling of a writer id?"""
    return _WRITER_ID.fullmatch(text) is not None


def writer_started_at(writer: str) -> datetime:
    """When the writer started, UTC, to the millisecond, by its own clock. Raises InvalidInput."""
    _check_writer(writer)
    milliseconds = 0
    for character in writer[:_TIME_CHARACTERS]:
        milliseconds = milliseconds * 32 + _VALUE[character]
    return _EPOCH + timedelta(milliseconds=milliseconds)


def archive_id(writer: str, sequence: int, row: int) -> str:
    """The archive's own id of the message in ``row`` (from 0) of a writer's batch. Raises InvalidInput."""
    _check_writer(writer)
    _check_sequence(sequence)
    if not 0 <= row < ROW_LIMIT:
        raise InvalidInput(f"A row is from 0 to {ROW_LIMIT - 1}.", field="row")
    return f"{writer}-{sequence}-{row}"


def parse_archive_id(text: str) -> tuple[str, int, int]:
    """The writer, sequence and row that an archive id names. Raises InvalidInput."""
    match = _ARCHIVE_ID.fullmatch(text)
    if match is None or int(match[3]) >= ROW_LIMIT:
        raise InvalidInput(
            "This is not an id of the archive; take it from a receipt or a search.", field="id"
        )
    return match[1], int(match[2]), int(match[3])


def _base32(value: int, characters: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (characters - 1), -1, -5))


def _prefix(family: Family, writer: str, sequence: int | None) -> str:
    if not writer:
        if sequence is not None:
            raise InvalidInput("A sequence counts within a writer; name the writer.", field="writer")
        return f"{family}/"
    _check_writer(writer)
    if sequence is None:
        return f"{family}/{writer}/"
    _check_sequence(sequence)
    return f"{family}/{writer}/{sequence:010d}-"


def _check_writer(writer: str) -> None:
    if not is_writer_id(writer):
        raise InvalidInput("A writer id has 16 characters of lower-case Crockford base32.", field="writer")


def _check_sequence(sequence: int) -> None:
    if not 0 <= sequence < SEQUENCE_LIMIT:
        raise InvalidInput(f"A sequence is from 0 to {SEQUENCE_LIMIT - 1}.", field="sequence")
