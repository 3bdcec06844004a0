"""What a reading consists of. Frozen data, with its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vanvault.archiver.core.readable.limits import MOST_TEXT
from vanvault.archiver.core.readable.words import ReadingLanguage


@dataclass(frozen=True, slots=True)
class ReadingOf:
    """Of which original a reading is."""

    id: str
    gateway: str
    received_at: str
    content_type: str
    size: int
    sha256: str  # hex


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """One element, attribute or member."""

    level: int
    name: str  # as it is written; an attribute begins with @
    words: str  # what the name means; "" where that is not known
    text: str  # "" of what has others below it


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that travelled in base64."""

    number: int  # counted through the message, from 1
    name: str  # as the message says it; "" where it says none
    kind: str  # "XML", "PDF", "DOCX", ...; "bytes" where that is not known
    size: int
    sha256: str  # hex

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "number": self.number,
            "name": visible(self.name),
            "kind": self.kind,
            "size": self.size,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class ReadingSection:
    """The message itself, or a form within it."""

    heading: str
    file: int | None  # number of the attached file that this is; None: the message
    lines: tuple[ReadingLine, ...]


@dataclass(frozen=True, slots=True)
class EntryReading:
    """One message for people."""

    of: ReadingOf
    language: ReadingLanguage
    title: str
    sections: tuple[ReadingSection, ...]
    files: tuple[AttachedFile, ...]
    notes: tuple[str, ...]  # what was left out, and why

    def as_json(self) -> dict[str, Any]:
        """As JSON values; texts with what cannot be seen made visible."""
        return {
            "id": self.of.id,
            "original": {
                "size": self.of.size,
                "sha256": self.of.sha256,
                "content_type": visible(self.of.content_type),
            },
            "language": self.language,
            "title": self.title,
            "sections": [
                {
                    "heading": visible(section.heading),
                    "file": section.file,
                    "lines": [
                        {
                            "level": line.level,
                            "name": visible(line.name),
                            "words": line.words,
                            "text": visible(line.text),
                        }
                        for line in section.lines
                    ],
                }
                for section in self.sections
            ],
            "files": [one.as_json() for one in self.files],
            "notes": list(self.notes),
        }


def visible(text: str) -> str:
    """The text on one line; each character without a look of its own as ``⟨U+202E⟩``.

    So nothing turns the direction of writing, moves a cursor, or hides within a word. A text of more than
    ``MOST_TEXT`` characters is cut, and says of how many.
    """
    more = len(text) - MOST_TEXT
    kept = text[:MOST_TEXT] if more > 0 else text
    joined = " ".join(kept.split(" ")) if kept.isprintable() else _marked(kept)
    return f"{joined} … (+{more:,})" if more > 0 else joined


def _marked(text: str) -> str:
    plain = " ".join(part for part in text.replace("\t", " ").replace("\r", "\n").split("\n") if part.strip())
    return "".join(one if one.isprintable() else f"⟨U+{ord(one):04X}⟩" for one in plain)
