"""Forms with files (multipart/form-data, RFC 7578), read from a body that came whole. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vanvault.archiver.core.errors import InvalidInput

#: Fields and files of one form.
_MOST_PARTS = 128
_MOST_HEAD = 2048  # bytes of the headers of one part
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^";,\s]{1,70}))', re.ASCII)
_NAME = re.compile(r'(?i)^content-disposition:\s*form-data;\s*name="([^"\r\n]*)"(\s*;\s*filename\*?=.*)?$')


@dataclass(frozen=True, slots=True)
class FormParts:
    """A form with files; a file is its bytes alone, for its name and type are what a caller says."""

    fields: tuple[tuple[str, str], ...]
    files: dict[str, bytes] = field(default_factory=dict)


def form_parts(content_type: str, body: bytes) -> FormParts:
    """The parts of a body. Raises InvalidInput: it is no such form, was cut off, or gives a file twice."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _unreadable("it names no boundary")
    mark = b"\r\n--" + (boundary[1] or boundary[2]).encode()
    pieces = (b"\r\n" + body).split(mark, _MOST_PARTS + 2)
    if len(pieces) < 2 or pieces[-1].rstrip(b"\r\n") != b"--":
        raise _unreadable("it was cut off, or has too many parts")
    fields: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for piece in pieces[1:-1]:
        head, blank, value = piece.partition(b"\r\n\r\n")
        if not head.startswith(b"\r\n") or not blank or len(head) > _MOST_HEAD:
            raise _unreadable("a part has no head")
        name, is_file = _named(head)
        if not is_file:
            fields.append((name, _text(value)))
        elif name in files:
            raise _unreadable("it gives a file twice")
        else:
            files[name] = value
    return FormParts(tuple(fields), files)


def _named(head: bytes) -> tuple[str, bool]:
    for line in _text(head).split("\r\n"):
        found = _NAME.match(line)
        if found:
            return found[1], found[2] is not None
    raise _unreadable("a part has no name")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _unreadable("a field is no UTF-8") from error


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(f"the form cannot be read: {why}", field="body", hint="Open the page, send it anew.")
