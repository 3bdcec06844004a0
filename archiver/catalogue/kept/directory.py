"""The signed directory of the index files that are kept beside a site. Pure. index/FORMAT.md, section 11."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vanvault.archiver.core.canonical import canonical, parse_canonical
from vanvault.archiver.core.errors import Damaged, VanVaultError

DIRECTORY_FORMAT = "vanvault-kept-index-1"
DIRECTORY_NAME = "directory.json"
#: A segment takes some 220 bytes: enough for 300,000 of them.
MOST_DIRECTORY_BYTES = 64 * 2**20
MOST_KEPT_FILES = 10_000

_STATEMENT = b"vanvault kept index v1\n"
_NAME = re.compile(r"(day|month|year)/[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{32}\.idx")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LONGEST_KEY = 512
_MOST = 2**53 - 1

#: (id of the signing key, signature, statement): is it a key that the archive trusts, and did it sign this?
Believes = Callable[[str, bytes, bytes], bool]
#: The statement; gives the id of the signing key, and the signature.
Signs = Callable[[bytes], tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """An index file and its filter, and which segments they cover."""

    name: str
    size: int
    sha256: str  # hex
    filter_size: int
    filter_sha256: str
    claims: int
    segments: tuple[tuple[str, int], ...]  # key of the log part, rows; by key

    @property
    def logs(self) -> frozenset[str]:
        return frozenset(log for log, _ in self.segments)

    @property
    def whole_size(self) -> int:
        """Bytes, with the filter."""
        return self.size + self.filter_size


@dataclass(frozen=True, slots=True)
class KeptDirectory:
    """What one site keeps."""

    archive: str
    made_at: str  # RFC 3339, UTC, whole seconds
    files: tuple[KeptFile, ...]  # by name; no segment is in two of them
    leaving: Mapping[str, str]  # files that are in use no more, and since when


def is_index_file(name: str) -> bool:
    """Is this the name of an index file?"""
    return _NAME.fullmatch(name) is not None


def encode_directory(directory: KeptDirectory, sign: Signs) -> bytes:
    """The bytes to store. Raises InvalidInput, KeyUnavailable (no signing key)."""
    fields = {
        "format": DIRECTORY_FORMAT,
        "archive": directory.archive,
        "made_at": directory.made_at,
        "files": [_file_fields(one) for one in sorted(directory.files, key=lambda one: one.name)],
        "leaving": [list(one) for one in sorted(directory.leaving.items())],
    }
    key_id, signature = sign(_STATEMENT + canonical(fields) + b"\n")
    return canonical({**fields, "signing_key": key_id, "signature": signature.hex()})


def decode_directory_of(data: bytes, archive: str, believes: Believes) -> KeptDirectory:
    """The directory in these bytes, which a site gave.

    Raises Damaged: too long, not in canonical form, another archive's, not signed by a key that the archive
    trusts, or it contradicts itself; KeyUnavailable (the key folder).
    """
    if len(data) > MOST_DIRECTORY_BYTES:
        raise _wrong("is too long")
    fields = _members(
        parse_canonical(data), "format archive made_at files leaving signing_key signature", "the directory"
    )
    if fields["format"] != DIRECTORY_FORMAT:
        raise _wrong("has another format")
    if fields["archive"] != archive:
        raise _wrong("is another archive's")
    key_id = _text(fields.pop("signing_key"), _KEY_ID)
    signature = bytes.fromhex(_text(fields.pop("signature"), _SIGNATURE))
    if not believes(key_id, signature, _STATEMENT + canonical(fields) + b"\n"):
        raise _wrong("is signed by no key that this archive trusts")
    files = [_file(one) for one in _array(fields["files"], MOST_KEPT_FILES)]
    leaving = [_leaving(one) for one in _array(fields["leaving"], MOST_KEPT_FILES)]
    _in_order([one.name for one in files])
    _in_order([name for name, _ in leaving])
    covered = [log for one in files for log, _ in one.segments]
    if len(set(covered)) != len(covered):
        raise _wrong("names one segment twice")
    return KeptDirectory(archive, _text(fields["made_at"], _TIME), tuple(files), dict(leaving))


def _file_fields(file: KeptFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "filter_size": file.filter_size,
        "filter_sha256": file.filter_sha256,
        "claims": file.claims,
        "segments": [[log, rows] for log, rows in sorted(file.segments)],
    }


def _file(value: Any) -> KeptFile:
    fields = _members(value, "name size sha256 filter_size filter_sha256 claims segments", "a file")
    segments = [_segment(one) for one in _array(fields["segments"], MOST_DIRECTORY_BYTES)]
    _in_order([log for log, _ in segments])
    if not segments:
        raise _wrong("names a file of no segments")
    return KeptFile(
        name=_text(fields["name"], _NAME),
        size=_count(fields["size"]),
        sha256=_text(fields["sha256"], _SHA256),
        filter_size=_count(fields["filter_size"]),
        filter_sha256=_text(fields["filter_sha256"], _SHA256),
        claims=_count(fields["claims"]),
        segments=tuple(segments),
    )


def _segment(value: Any) -> tuple[str, int]:
    pair = _array(value, 2)
    if len(pair) != 2 or not isinstance(pair[0], str) or not 0 < len(pair[0]) <= _LONGEST_KEY:
        raise _wrong("names no segment where it should")
    return pair[0], _count(pair[1])


def _leaving(value: Any) -> tuple[str, str]:
    pair = _array(value, 2)
    if len(pair) != 2:
        raise _wrong("names no file where it should")
    return _text(pair[0], _NAME), _text(pair[1], _TIME)


def _members(value: Any, names: str, what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names.split()):
        raise _wrong(f"has other members in {what}")
    return value


def _array(value: Any, most: int) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _wrong("holds no array where it should, or one that is too long")
    return value


def _text(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _wrong("holds a text of another form")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise _wrong("holds a number out of bounds")
    return value


def _in_order(names: Iterable[str]) -> None:
    found = list(names)
    if any(one >= next_ for one, next_ in pairwise(found)):
        raise _wrong("is not in order, or names something twice")


def _wrong(what: str) -> VanVaultError:
    return Damaged(
        f"the directory of kept index files {what}",
        key=DIRECTORY_NAME,
        hint="It is set aside, and written anew by the next node that keeps the index here.",
    )
