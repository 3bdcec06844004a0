"""A message as sections: itself, and each form that travels in its base64. Pure; no bytes make it raise."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import deque
from dataclasses import dataclass, field

import orjson

from vanvault.archiver.core.readable.json_walk import json_lines
from vanvault.archiver.core.readable.kinds import UNKNOWN, kind_of
from vanvault.archiver.core.readable.limits import (
    LEAST_FILE,
    MOST_BYTES,
    MOST_DEPTH,
    MOST_FILES,
    MOST_LINES,
    MOST_NESTED,
)
from vanvault.archiver.core.readable.reading import (
    AttachedFile,
    EntryReading,
    ReadingLine,
    ReadingOf,
    ReadingSection,
    visible,
)
from vanvault.archiver.core.readable.words import ReadingLanguage, numbered, say, title_of, words_of
from vanvault.archiver.core.readable.xml_walk import (
    BrokenXml,
    DoctypeFound,
    LinesFull,
    TooDeep,
    WalkedLine,
    XmlWalk,
)

#: Elements whose text is a file, without case and underscores.
_FILES = frozenset(("noidungfile", "embeddeddocumentbinaryobject", "attachment"))
#: Elements beside it that say its name, the best first.
_NAMES = ("TenFile", "MaToKhai", "LOAIHOSO", "MoTaToKhai")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")


@dataclass(frozen=True, slots=True)
class _Document:
    content: bytes
    kind: str
    where: str
    file: int | None
    nested: int


@dataclass(slots=True)
class _Reader:
    """One message being read."""

    language: ReadingLanguage
    waiting: deque[_Document] = field(default_factory=deque)
    sections: list[ReadingSection] = field(default_factory=list)
    files: list[AttachedFile] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    lines: int = 0
    bytes: int = 0

    def note(self, sentence: str, **values: object) -> None:
        self.notes[say(sentence, self.language, **values)] = None


def read_for_people(
    body: bytes, of: ReadingOf, language: ReadingLanguage = "en", *, event: bool = False
) -> EntryReading:
    """A message as people can read it, whatever its bytes.

    Args:
        event: it is a line of the log, in its canonical form.
    """
    reader = _Reader(language)
    kind = kind_of(body)
    reader.waiting.append(_Document(body, kind, say("message", language), None, 0))
    title = ""
    while reader.waiting:
        heading = _read(reader, reader.waiting.popleft())
        title = title or heading
    if event:
        title = say("event", language)
    return EntryReading(of, language, title, tuple(reader.sections), tuple(reader.files), tuple(reader.notes))


def _read(reader: _Reader, document: _Document) -> str:
    """Add a section for it; its heading."""
    language = reader.language
    if document.kind not in ("XML", "JSON"):
        reader.note("not-opened", kind=document.kind)
        return say("opaque", language, kind=document.kind)
    if reader.bytes + len(document.content) > MOST_BYTES:
        reader.note("large", where=document.where)
        return say("opaque", language, kind=document.kind)
    reader.bytes += len(document.content)
    if document.kind == "JSON":
        return _read_json(reader, document)
    walk = XmlWalk(
        MOST_LINES - reader.lines,
        lambda name, text, beside: _shown(reader, document, name, text, beside),
        say("signature", language),
    )
    try:
        walk.read(document.content)
    except DoctypeFound:
        reader.note("doctype", where=document.where)
    except TooDeep:
        reader.note("deep", where=document.where, most=MOST_DEPTH)
    except LinesFull:
        reader.note("long", most=numbered(MOST_LINES, reader.language))
    except BrokenXml:
        reader.note("broken", where=document.where)
    heading = title_of(visible(walk.root), language) if walk.root else say("opaque", language, kind="XML")
    _add(reader, document, heading, walk.lines)
    return heading


def _read_json(reader: _Reader, document: _Document) -> str:
    heading = say("json", reader.language)
    try:
        lines = json_lines(document.content, MOST_LINES - reader.lines)
    except (orjson.JSONDecodeError, RecursionError):
        reader.note("not-opened", kind=UNKNOWN)
        return say("opaque", reader.language, kind=UNKNOWN)
    except TooDeep:
        reader.note("deep", where=document.where, most=MOST_DEPTH)
    except LinesFull:
        reader.note("long", most=numbered(MOST_LINES, reader.language))
    else:
        _add(reader, document, heading, lines)
    return heading


def _add(reader: _Reader, document: _Document, heading: str, walked: list[WalkedLine]) -> None:
    reader.lines += len(walked)
    lines = tuple(
        ReadingLine(one.level, one.name, words_of(one.name.rpartition(":")[2], reader.language), one.text)
        for one in walked
    )
    where = "" if document.file is None else f"{document.where}: "
    reader.sections.append(ReadingSection(f"{where}{heading}", document.file, lines))


def _shown(reader: _Reader, document: _Document, name: str, text: str, beside: dict[str, str]) -> str:
    """What stands for the text of a leaf: itself, or the file that it is."""
    named = name.replace("_", "").lower() in _FILES
    if len(text) < LEAST_FILE or (text[:1] + text[-1:]).isspace() or not _BASE64.fullmatch(text):
        if named:
            reader.note("base64", where=document.where)
        return text
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        if named:
            reader.note("base64", where=document.where)
        return text
    kind = kind_of(content)
    if not named and kind in (UNKNOWN, "JSON"):
        return text  # long words, numbers and digests are in the alphabet of base64, too
    return _attached(reader, document, content, kind, beside)


def _attached(reader: _Reader, document: _Document, content: bytes, kind: str, beside: dict[str, str]) -> str:
    language = reader.language
    file = AttachedFile(
        len(reader.files) + 1,
        next((beside[one] for one in _NAMES if beside.get(one)), ""),
        kind,
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    if len(reader.files) >= MOST_FILES:
        reader.note("many", most=numbered(MOST_FILES, language))
    else:
        reader.files.append(file)
        if kind == "XML" and document.nested < MOST_NESTED:
            name = visible(file.name) or say("unnamed", language)
            where = say("file", language, number=file.number, name=name)
            reader.waiting.append(_Document(content, kind, where, file.number, document.nested + 1))
        elif kind == "XML":
            reader.note("nested", where=document.where, most=MOST_NESTED)
    told = {"kind": kind, "size": numbered(file.size, language), "sha256": file.sha256}
    return say("is-file", language, number=file.number, **told)
