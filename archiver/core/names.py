"""Names of objects, writers and archived messages: pure functions, each name with exactly one spelling.

::

    batch/<writer>/<sequence>-<sha256>-<sig>.messages.parquet    what one group commit wrote: messages
    batch/<writer>/<sequence>-<sha256>-<sig>.events.parquet      and lines of the transaction log
    large/<writer>/<sequence>-<sha256>-<sig>.framed              one message that is too big for a batch
    segment/<segment>/<part>-<sha256>-<sig>.log.parquet          many batches compacted: rows of the log,
    segment/<segment>/<part>-<sha256>-<sig>.originals.parquet    originals,
    segment/<segment>/<part>-<sha256>-<sig>.evidence.parquet     headers and commit records of the batches,
    segment/<segment>/<part>-<sha256>-<sig>.residue.parquet      of a residue segment, what was let go of,
    segment/<segment>/<part>-<sha256>-<sig>.manifest.json        and the signed statement of what is in it

``writer``: 16 characters of Crockford base32 in lower case: 9 for the milliseconds since 1970 at which
the writer started, 7 random. ``sequence``: ten decimal digits, counted by the writer. ``sha256``: 64
lower-case hex digits, the digest of the bytes as stored (encrypted). So names sort by writer start and
then by order of writing, and two writers never meet at one name. ``segment`` is made like a writer id when
a compaction begins, ``part`` is the number of the segment's object (``PART_NUMBERS``).

``sig``: the writer's Ed25519 signature (64 bytes, RFC 8032) over what the name says and the archive's id
(``ObjectSubject.statement``), in the same base32: 103 characters, the three unused bits zero. So anybody who
has the archive's public keys knows an object by its name, before a byte of it is read.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args

from vanvault.archiver.core.errors import Damaged, InvalidInput

Family = Literal["batch", "large", "segment"]
ObjectKind = Literal["messages", "events", "framed", "log", "originals", "evidence", "residue", "manifest"]
BatchKind = Literal["messages", "events"]
SegmentKind = Literal["log", "originals", "evidence", "residue", "manifest"]

#: Sequences are below this: ten digits.
SEQUENCE_LIMIT = 10**10
#: Rows of a batch are below this: a signed 32-bit number.
ROW_LIMIT = 2**31
#: Bytes of a SHA-256 and of an Ed25519 signature.
DIGEST_BYTES, SIGNATURE_BYTES = 32, 64
#: Random bytes that ``new_writer_id`` takes.
WRITER_ENTROPY = 5

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no i, l, o, u
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_TIME_CHARACTERS = 9  # 45 bits: until the year 3084
_RANDOM_CHARACTERS = 7  # 35 bits
_SIGNATURE_CHARACTERS = 103  # 515 bits, the last three of them zero
_SIGNATURE_UNUSED = 5 * _SIGNATURE_CHARACTERS - 8 * SIGNATURE_BYTES
# Python's own base32 has other digits: from those of RFC 4648, and to those of ``int(text, 32)``.
_FROM_RFC4648 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET.encode())
_TO_INT = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")

_WRITER = f"[{_ALPHABET}]{{{_TIME_CHARACTERS + _RANDOM_CHARACTERS}}}"
_WRITER_ID = re.compile(_WRITER)
_KEY = re.compile(
    rf"(?P<family>batch|large|segment)/(?P<writer>{_WRITER})/(?P<sequence>[0-9]{{10}})"
    rf"-(?P<sha256>[0-9a-f]{{64}})-(?P<signature>[{_ALPHABET}]{{{_SIGNATURE_CHARACTERS}}})"
    r"\.(?P<suffix>messages\.parquet|events\.parquet|framed"
    r"|log\.parquet|originals\.parquet|evidence\.parquet|residue\.parquet|manifest\.json)"
)
_ARCHIVE_ID = re.compile(rf"({_WRITER})-(0|[1-9][0-9]{{0,9}})-(0|[1-9][0-9]{{0,9}})")

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
    "residue": "residue.parquet",
    "manifest": "manifest.json",
}
_KIND_OF: dict[str, ObjectKind] = {suffix: kind for kind, suffix in _SUFFIX.items()}
#: Numbers of the objects of a segment that a compaction made.
PART_NUMBERS: dict[SegmentKind, int] = {"log": 0, "originals": 1, "evidence": 2, "manifest": 3}
#: Those of a residue segment begin here, so that each of its objects is known as one by its name alone.
_FIRST_OF_RESIDUE = 4
RESIDUE_NUMBERS: dict[SegmentKind, int] = {
    "log": 4,
    "originals": 5,
    "evidence": 6,
    "residue": 7,
    "manifest": 8,
}
_FAMILY: dict[str, Family] = {family: family for family in get_args(Family)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ObjectSubject:
    """What an object is, before its bytes exist: what its name's signature and its data key are bound to.

    Raises InvalidInput when a part breaks the grammar of names.
    """

    archive: str
    family: Family
    writer: str  # writer id, 16 characters; of a segment its id
    sequence: int  # 0 <= sequence < 10**10, counted per writer; of a segment the part
    kind: ObjectKind

    def __post_init__(self) -> None:
        _check_place(self.family, self.writer, self.sequence, self.kind)
        if not self.archive or "\n" in self.archive or "\0" in self.archive:
            raise InvalidInput("The id of an archive is one line of text.", field="archive")

    def statement(self, sha256: bytes) -> bytes:
        """What the writer signs for the finished bytes with this digest (32 bytes): lines ended by 0x0A."""
        place = (self.archive, self.family, self.writer, f"{self.sequence:010d}", self.kind, sha256.hex())
        return "".join(f"{line}\n" for line in ("vanvault object v1", *place)).encode()

    @property
    def context(self) -> bytes:
        """What the object's data key is bound to when it is wrapped."""
        place = (self.archive, self.family, self.writer, f"{self.sequence:010d}", self.kind)
        return "\0".join(place).encode()

    def named(self, sha256: bytes, signature: bytes) -> ObjectName:
        """The name of the object with this digest, under this signature. Raises InvalidInput."""
        return ObjectName(self.family, self.writer, self.sequence, self.kind, sha256, signature)


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
    signature: bytes  # 64 bytes: Ed25519 over the statement of ``subject``; this class does not verify it

    def __post_init__(self) -> None:
        _check_place(self.family, self.writer, self.sequence, self.kind)
        if len(self.sha256) != DIGEST_BYTES:
            raise InvalidInput(f"A SHA-256 has 32 bytes, not {len(self.sha256)}.", field="sha256")
        if len(self.signature) != SIGNATURE_BYTES:
            raise InvalidInput(f"A signature has 64 bytes, not {len(self.signature)}.", field="signature")

    @property
    def key(self) -> str:
        """The object's key at every site."""
        last = f"{self.sequence:010d}-{self.sha256.hex()}-{_signature_text(self.signature)}"
        return f"{self.family}/{self.writer}/{last}.{_SUFFIX[self.kind]}"

    @property
    def of_residue(self) -> bool:
        """Is this an object of a residue segment, which stands in the place of others?"""
        return self.family == "segment" and self.sequence >= _FIRST_OF_RESIDUE

    def subject(self, archive: str) -> ObjectSubject:
        """What this names in the archive with this id. Raises InvalidInput (no id)."""
        return ObjectSubject(archive, self.family, self.writer, self.sequence, self.kind)


@lru_cache(maxsize=4096)
def parse_key(key: str) -> ObjectName | None:
    """The name that ``key`` spells, or None when it spells none: ``parse_key(k).key == k`` or None.

    Whoever goes through a listing asks for each key several times in a row, so the last ones are remembered.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    family, kind = _FAMILY[match["family"]], _KIND_OF[match["suffix"]]
    signature = _signature_bytes(match["signature"])
    if kind not in _KINDS[family] or signature is None:
        return None
    digest = bytes.fromhex(match["sha256"])
    return ObjectName(family, match["writer"], int(match["sequence"]), kind, digest, signature)


def digest_in(key: str) -> bytes | None:
    """The SHA-256 (32 bytes) that an object's key promises; None: it is no object's key."""
    name = parse_key(key)
    return None if name is None else name.sha256


def sha256_of(key: str) -> bytes:
    """The same. Raises Damaged when it is no object's key."""
    digest = digest_in(key)
    if digest is None:
        raise Damaged(f"{key} is not the name of an archive object", key=key)
    return digest


def is_family(text: str) -> bool:
    """Does this program know objects whose keys begin with this folder?"""
    return text in _FAMILY


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


def archive_ids(writer: str, sequence: int, rows: int) -> list[str]:
    """The ids of the first ``rows`` messages of a batch, each as ``archive_id``. Raises InvalidInput."""
    if not rows:
        return []
    last = archive_id(writer, sequence, rows - 1)  # checks all that they have in common
    shared = last[: last.rindex("-") + 1]
    return [f"{shared}{row}" for row in range(rows)]


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


def _signature_text(signature: bytes) -> str:
    # Five bytes are eight characters: with one zero byte more, the last of 104 tells nothing.
    text = base64.b32encode(signature + b"\0")[:_SIGNATURE_CHARACTERS]
    return text.translate(_FROM_RFC4648).decode()


def _signature_bytes(text: str) -> bytes | None:
    """None when an unused bit is set: that would be a second spelling."""
    value = int(text.translate(_TO_INT), 32)
    if value & ((1 << _SIGNATURE_UNUSED) - 1):
        return None
    return (value >> _SIGNATURE_UNUSED).to_bytes(SIGNATURE_BYTES)


def _check_place(family: str, writer: str, sequence: int, kind: str) -> None:
    if family not in _KINDS or kind not in _KINDS[_FAMILY[family]]:
        raise InvalidInput(f"There is no {family} object of the kind {kind}.", field="kind")
    _check_writer(writer)
    _check_sequence(sequence)


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
