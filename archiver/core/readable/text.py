"""A reading as plain text. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from vanvault.archiver.core.readable.reading import EntryReading, ReadingLine, visible
from vanvault.archiver.core.readable.words import numbered, say

#: Levels that are indented; deeper ones stand at the last of them.
_MOST_INDENTED = 20


def text_page(reading: EntryReading) -> str:
    """All of it, for a terminal: no character moves a cursor or turns the direction of writing."""
    return "\n".join(_lines(reading)) + "\n"


def _lines(reading: EntryReading) -> Iterator[str]:
    of, language = reading.of, reading.language
    yield reading.title
    yield f"{of.id}  {visible(of.gateway)}  {of.received_at}  {visible(of.content_type)}"
    yield say("reading", language, size=numbered(of.size, language), sha256=of.sha256)
    yield say("unchecked", language)
    for section in reading.sections:
        yield ""
        yield f"== {visible(section.heading)}"
        yield from map(_line, section.lines)
    if reading.files:
        yield ""
        yield f"== {say('files', language)}"
        for file in reading.files:
            name = visible(file.name) or say("unnamed", language)
            size = f"{numbered(file.size, language)} B"
            yield f"{file.number:>4}  {file.kind}  {size}  sha256 {file.sha256}  {name}"
    if reading.notes:
        yield ""
        yield f"== {say('notes', language)}"
        yield from (visible(note) for note in reading.notes)


def _line(line: ReadingLine) -> str:
    name = visible(line.name)
    words = f"{line.words} [{name}]" if line.words else name
    return f"{'  ' * min(line.level, _MOST_INDENTED)}{words}" + (
        f": {visible(line.text)}" if line.text else ""
    )
