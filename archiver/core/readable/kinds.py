"""What a file is, by how it begins. Pure; nothing of it is opened."""

from __future__ import annotations

import re

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"GIF8", "GIF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office 97"),
    (b"{\\rtf", "RTF"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
)
#: Names at the begin of a ZIP that say what it holds.
_ZIPPED: tuple[tuple[bytes, str], ...] = ((b"word/", "DOCX"), (b"xl/", "XLSX"), (b"ppt/", "PPTX"))
_ZIP_LOOKED = 64 * 1024
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[?!A-Za-z_]")
_XML_16 = (b"\xff\xfe<\0", b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?")
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")

UNKNOWN = "bytes"


def kind_of(content: bytes) -> str:
    """``PDF``, ``DOCX``, ``XML``, ...; ``bytes`` where it is not known."""
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content.startswith(b"PK\x03\x04"):
        begin = content[:_ZIP_LOOKED]
        return next((kind for name, kind in _ZIPPED if name in begin), "ZIP")
    if content.startswith(_XML_16) or _XML.match(content):
        return "XML"
    return "JSON" if _JSON.match(content) else UNKNOWN
