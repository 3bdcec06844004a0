"""The body of ``POST /v1/messages:batch``: two encodings of the same entries. Pure.

``application/vnd.vanvault.batch``, for speed: entries end to end, each ::

    4 bytes  H, length of the fields, big-endian
    4 bytes  B, length of the original, big-endian
    H bytes  the fields: a JSON object, UTF-8
    B bytes  the original, as it is

``application/x-ndjson``, for scripts: one JSON object a line, with the original in ``body`` as base64.

Why not a standard multipart body: originals are opaque bytes that may hold any boundary, and finding
boundaries costs more than hashing. Why not only NDJSON: base64 adds a third to every byte sent.
"""

from __future__ import annotations

import binascii
import codecs
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import orjson

from vanvault.archiver.core.errors import InvalidInput

FRAMED = "application/vnd.vanvault.batch"
NDJSON = "application/x-ndjson"

#: Largest fields of one entry, in bytes: 10,000 insurance numbers fit.
MAX_FIELDS = 256 * 1024
_LINE = re.compile(rb"[^\r\n]+")
_LENGTHS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One entry as sent: ``problem`` is set instead of ``fields`` when the entry alone is wrong."""

    fields: dict[str, Any]
    body: bytes
    problem: InvalidInput | None = None
    line: int = field(default=0, compare=False)  # of an NDJSON body, from 1; 0: the body has no lines


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of an NDJSON body that holds more than spaces, without its byte order mark."""

    number: int  # from 1, blank lines counted, as editors do
    text: bytes


def named_line(error: InvalidInput, number: int) -> InvalidInput:
    """The error with the number of the line in its message; as it is for 0."""
    if number:
        error.message = f"line {number}: {error.message}"
    return error


def parse_batch(data: bytes, content_type: str, *, max_entries: int) -> Iterator[BatchEntry]:
    """The entries of a batch request, in order, one at a time: parsed JSON takes much more memory than sent.

    Raises InvalidInput when the request as a whole cannot be cut into entries; nothing is stored then.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == FRAMED:
        cut: Callable[[], Iterator[TextLine | tuple[int, int, int]]] = partial(_frames, data)
    elif media_type == NDJSON:
        cut = partial(lines_of, data, max_entries)
    else:
        raise InvalidInput(
            f"a batch request is {FRAMED} or {NDJSON}", field="Content-Type", hint="Set the Content-Type."
        )
    number = sum(1 for _ in islice(cut(), max_entries + 1))
    if number > max_entries:
        raise InvalidInput(f"a batch request holds at most {max_entries} entries", hint="Send two.")
    if not number:
        raise InvalidInput("the batch request holds no entry")
    for one in cut():
        yield (
            _line(one) if isinstance(one, TextLine) else _entry(data[one[0] : one[1]], data[one[1] : one[2]])
        )


def encode_framed(entries: list[tuple[dict[str, Any], bytes]]) -> bytes:
    """The framed body of (fields, original) pairs, for clients in Python."""
    parts: list[bytes] = []
    for fields, body in entries:
        header = orjson.dumps(fields)
        parts += (_LENGTHS.pack(len(header), len(body)), header, body)
    return b"".join(parts)


def _frames(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each entry: where its fields begin, where its original begins, and where that ends."""
    offset, index = 0, 0
    while offset < len(data):
        start = offset + _LENGTHS.size
        if start > len(data):
            raise InvalidInput(f"entry {index}: the request ends within its lengths", field="body")
        fields_size, body_size = _LENGTHS.unpack_from(data, offset)
        middle, offset = start + fields_size, start + fields_size + body_size
        if offset > len(data):
            raise InvalidInput(f"entry {index}: the request ends before its end", field="body")
        if fields_size > MAX_FIELDS:
            raise InvalidInput(f"entry {index}: its fields are over {MAX_FIELDS} bytes", field="body")
        yield start, middle, offset
        index += 1


def _entry(header: bytes, body: bytes) -> BatchEntry:
    try:
        fields = orjson.loads(header.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        return BatchEntry({}, b"", InvalidInput("the entry's fields are no JSON object"))
    return BatchEntry(fields, body)


def lines_of(data: bytes, most: int) -> Iterator[TextLine]:
    """The lines that hold more than spaces, one after the other: never a list of all, which ``b"\\n"`` times
    64 MiB would make eight times as large as the request.

    Any line may begin with a byte order mark: files that were joined have one in the middle.
    Raises InvalidInput: more than twice ``most`` lines, those of spaces among them.
    """
    number, end = 1, 0
    for count, found in enumerate(_LINE.finditer(data)):
        if count >= 2 * most:
            raise InvalidInput(f"a request has at most {2 * most} lines", field="body", hint="Send two.")
        # Only ends of lines lie between two matches; CR LF is one of them.
        between = (end, found.start())
        number += data.count(b"\n", *between) + data.count(b"\r", *between) - data.count(b"\r\n", *between)
        end = found.end()
        if text := found[0].strip().removeprefix(codecs.BOM_UTF8).strip():
            yield TextLine(number, text)


def _line(line: TextLine) -> BatchEntry:
    entry = replace(_entry(line.text, b""), line=line.number)
    encoded = entry.fields.pop("body", None)
    if entry.problem is not None:
        return entry
    try:
        if not isinstance(encoded, str):
            raise binascii.Error
        return replace(entry, body=binascii.a2b_base64(encoded, strict_mode=True))
    except (binascii.Error, ValueError):
        problem = InvalidInput("body must be the original in base64", field="body")
        return BatchEntry({}, b"", problem, line.number)
