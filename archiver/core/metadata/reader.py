"""``read_metadata``: which of the known shapes a message has, and what it says about itself.

The shapes are those of Decision 838/QĐ-BHXH (BHXHDienTu.xml envelope, 01/TB-GD notice) and of the
health-claim files of the insurance assessment portal. Names are compared without their namespace prefix;
where an element appears twice, the first that has text counts.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import islice

from vanvault.archiver.core.metadata.numbers import MAX_NUMBERS, add_cards, add_employees
from vanvault.archiver.core.metadata.scan import BeyondLimits, NotWellFormed, TooMuchMarkup, Tree, leaves
from vanvault.archiver.core.metadata.values import clean, outcome
from vanvault.archiver.core.model import Metadata, MetadataReading

TOO_LARGE = "The XML is over the size limit for reading metadata."
DOCTYPE = "The XML has a document type declaration, which is refused."
ENCODING = "The XML is not in UTF-8, UTF-16 or UTF-32."
DECLARED = "The XML is not in the encoding that it declares."
BROKEN = "The XML is not well-formed."
LIMITS = "The XML is beyond the limits on depth, number and size of tags."
MARKUP = "The XML has more comments, instructions and CDATA sections than the limit allows."
OTHER_XML = "The XML is of another shape."
BROKEN_FORM = "A form is not valid base64; its insurance numbers were not read."
MANY_NUMBERS = f"There are {MAX_NUMBERS} or more insurance numbers; only these many were read."

#: How comments and instructions begin and end, and how many may stand before the root.
_SKIPPED = ((b"<!--", b"-->"), (b"<?", b"?>"))
_MOST_BEFORE_ROOT = 50_000
_DECLARATION = re.compile(rb"\s*+(?:<\?xml\s([^<>?]*+)\?>)?+")
_BLANKS = re.compile(rb"\s*+")
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*+:)?+([A-Za-z_][\w.-]*+)[\s/>]")
_ENCODING = re.compile(rb"""\sencoding\s*+=\s*+["']([A-Za-z0-9._-]*+)["']""")
#: Encoding -> names that a declaration may have for it, without hyphens and underscores.
_NAMES = {
    "utf-8": (b"utf8", b"usascii", b"ascii"),
    "utf-16-le": (b"utf16", b"utf16le"),
    "utf-16-be": (b"utf16", b"utf16be"),
    "utf-32-le": (b"utf32", b"utf32le"),
    "utf-32-be": (b"utf32", b"utf32be"),
}
#: Names of encodings that are read: a declaration of another one says what the XML is in.
_READ = frozenset(name for names in _NAMES.values() for name in names)
#: By encoding, how XML begins: with its byte order mark, or with blanks and the first tag.
_STARTS = (
    ("utf-32-le", re.compile(rb"\xff\xfe\0\0|(?:[ \t\r\n]\0\0\0)*+<\0\0\0")),
    ("utf-32-be", re.compile(rb"\0\0\xfe\xff|(?:\0\0\0[ \t\r\n])*+\0\0\0<")),
    ("utf-16-le", re.compile(rb"\xff\xfe|(?:[ \t\r\n]\0)*+<\0")),
    ("utf-16-be", re.compile(rb"\xfe\xff|(?:\0[ \t\r\n])*+\0<")),
    ("utf-8", re.compile(rb"(?:\xef\xbb\xbf)?+\s*+<")),
)


@dataclass(frozen=True, slots=True)
class _Shape:
    recognised: str
    kind: str
    below_root: Tree  # each leaf is called by the field of Metadata, or by one of the words below
    until: bytes  # the child of the root after which there is nothing to read


_FORM, _CARD_FILE, _ERROR_CODE, _RESULT = "form", "card file", "error code", "result"

_SHAPES = {
    b"Hoso": _Shape(
        recognised="bhxh-envelope",
        kind="dossier",
        below_root={
            b"NoiDung": {
                b"ThongTinIVAN": {b"MaIVAN": "ivan"},
                b"ThongTinDonVi": {
                    b"MaSoBHXH": "employer_code",
                    b"MaSoThue": "tax_code",
                    b"CoQuanQuanLy": "agency",
                },
                b"ThongTinHoSo": {
                    b"SoHoSo": "dossier_number",
                    b"MaThuTuc": "procedure",
                    b"KyKeKhai": "period",
                    b"ToKhais": {b"FileToKhai": {b"NoiDungFile": _FORM}},
                },
            }
        },
        until=b"NoiDung",
    ),
    b"BHXH": _Shape(
        recognised="tb-gd-receipt",
        kind="receipt",
        below_root={
            b"XACNHAN_GDICH": {
                b"TTDVI": {b"MA_DVI": "employer_code", b"MST": "tax_code", b"TEN_COQUAN": "agency"},
                b"TTGDICH": {
                    b"SO_HSO": "dossier_number",
                    b"MALOAI_HSO": "procedure",
                    b"KY_KKHAI": "period",
                    b"MA_LOI": _ERROR_CODE,
                    b"KQUA": _RESULT,
                },
            }
        },
        until=b"XACNHAN_GDICH",
    ),
    b"GIAMDINHHS": _Shape(
        recognised="health-claim",
        kind="health-claim",
        below_root={
            b"THONGTINDONVI": {b"MACSKCB": "employer_code"},
            b"THONGTINHOSO": {b"DANHSACHHOSO": {b"HOSO": {b"FILEHOSO": {b"NOIDUNGFILE": _CARD_FILE}}}},
        },
        until=b"THONGTINHOSO",
    ),
}


def read_metadata(body: bytes | memoryview, *, limit: int = 16 * 2**20) -> MetadataReading:
    """Read what a message says about itself. Pure; never raises, whatever the bytes.

    ``limit``: XML of more bytes than this is not read. The states are "submitted" (envelope, health claim)
    and those of ``outcome`` for a notice. Nothing is read from XML that is hostile or broken; a fixed note
    says so. What is not XML at all gives an empty reading without a note. Time and memory are linear in the
    message and small: its forms are decoded one at a time, and a bounded number of tags is looked at.
    """
    encoding = next((name for name, start in _STARTS if start.match(body)), None)
    if encoding is None:
        return _NOTHING
    if len(body) > limit:
        return _refused(TOO_LARGE)
    try:
        return _read(_as_utf8(bytes(body), encoding), encoding)
    except UnicodeError:
        return _refused(ENCODING)
    except NotWellFormed:
        return _refused(BROKEN)
    except TooMuchMarkup:
        return _refused(MARKUP)
    except BeyondLimits:
        return _refused(LIMITS)


_NOTHING = MetadataReading(Metadata())


def _refused(note: str) -> MetadataReading:
    return MetadataReading(Metadata(), note=note)


def _as_utf8(body: bytes, encoding: str) -> bytes:
    """With the byte order mark, if there is one."""
    return body if encoding == "utf-8" else body.decode(encoding).encode()


def _read(body: bytes, encoding: str) -> MetadataReading:
    """``body``: in UTF-8; ``encoding``: what it was in before."""
    offset = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    declaration = _DECLARATION.match(body, offset)
    if declaration is None or b"\0" in body:
        return _refused(BROKEN)
    start = _after_comments(body, declaration.end())
    if body.startswith(b"<!DOCTYPE", start):
        return _refused(DOCTYPE)
    declared = _ENCODING.search(b" " + declaration[1]) if declaration[1] else None
    if declared:
        name = re.sub(rb"[-_]", b"", declared[1].lower())
        if name not in _NAMES[encoding]:
            return _refused(DECLARED if name in _READ else ENCODING)
    root = _ROOT.match(body, start)
    if root is None:
        return _refused(BROKEN)
    shape = _SHAPES.get(root[1])
    if shape is None:
        return _refused(OTHER_XML)
    return _read_shape(body[start:], shape)


def _after_comments(body: bytes, position: int) -> int:
    """Where the root begins, or a document type: after blanks, comments and instructions of any length."""
    for _ in range(_MOST_BEFORE_ROOT + 1):
        blanks = _BLANKS.match(body, position)
        position = blanks.end() if blanks else position
        found = next((pair for pair in _SKIPPED if body.startswith(pair[0], position)), None)
        if found is None:
            return position
        beginning, ending = found
        end = body.find(ending, position + len(beginning))
        if end < 0:
            raise NotWellFormed
        position = end + len(ending)
    raise TooMuchMarkup


def _read_shape(content: bytes, shape: _Shape) -> MetadataReading:
    found: dict[str, str] = {}
    numbers: dict[bytes, None] = {}
    note = ""
    for word, text in leaves(content, shape.below_root, until=shape.until):
        if word is _FORM or word is _CARD_FILE:
            add = add_employees if word is _FORM else add_cards
            if len(numbers) < MAX_NUMBERS and not add(text, numbers):
                note = BROKEN_FORM
        elif not found.get(word):
            found[word] = clean(text)
    if not found:
        return _refused(OTHER_XML)
    if len(numbers) >= MAX_NUMBERS:
        note = MANY_NUMBERS
    kind, state = shape.kind, "submitted"
    if kind == "receipt":
        kind, state = outcome(found.pop(_ERROR_CODE, ""), found.pop(_RESULT, ""))
    insured = tuple(number.decode() for number in islice(numbers, MAX_NUMBERS))
    metadata = Metadata(kind=kind, state=state, insurance_numbers=insured, **found)
    return MetadataReading(metadata, recognised=shape.recognised, note=note)
