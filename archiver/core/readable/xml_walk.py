"""One XML document as lines, within limits. Pure.

Expat keeps no tree and opens nothing. A document type ends the walk, so there are no entities but XML's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from vanvault.archiver.core.readable.limits import MOST_DEPTH

#: Local name of the element, its text, and texts of the leaves before it in the same element -> what to show.
ShowText = Callable[[str, str, dict[str, str]], str]

_SIGNATURE = "Signature"


class DoctypeFound(Exception):
    """The document has a document type declaration."""


class TooDeep(Exception):
    """More elements are open than may be."""


class LinesFull(Exception):
    """No line more fits in."""


class BrokenXml(Exception):
    """It is no well-formed XML, or in an encoding that is not known."""


@dataclass(slots=True)
class WalkedLine:
    """A line in the making."""

    level: int
    name: str
    text: str = ""


@dataclass(slots=True)
class _Open:
    line: WalkedLine | None  # None: within a signature
    local: str
    pieces: list[str] = field(default_factory=list)
    leaf: bool = True
    leaves: dict[str, str] = field(default_factory=dict)


class XmlWalk:
    """Walks one document; ``lines`` has what was read, also where the walk ended early."""

    def __init__(self, room: int, show: ShowText, signature: str) -> None:
        """``room``: lines that fit in; ``signature``: what stands in place of a signature's own elements."""
        self.lines: list[WalkedLine] = []
        self.root = ""
        self._room = room
        self._show = show
        self._signature = signature
        self._open: list[_Open] = []
        self._signed = 0  # elements that are open within a signature

    def read(self, content: bytes) -> None:
        """Raises DoctypeFound, TooDeep, LinesFull, BrokenXml; what was read until then stays."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, LookupError, UnicodeError, ValueError) as error:
            raise BrokenXml from error

    def _doctype(self, *_: object) -> None:
        raise DoctypeFound

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self.root:
            self.root = local
        if len(self._open) >= MOST_DEPTH:
            raise TooDeep
        if self._open:
            self._open[-1].leaf = False
        line = None
        if not self._signed:
            line = self._line(len(self._open), name)
            for key, value in attributes.items():
                if key != "xmlns" and not key.startswith("xmlns:"):
                    self._line(len(self._open) + 1, f"@{key}").text = value
        if self._signed or local == _SIGNATURE:
            self._signed += 1
        self._open.append(_Open(line, local))

    def _line(self, level: int, name: str) -> WalkedLine:
        if len(self.lines) >= self._room:
            raise LinesFull
        line = WalkedLine(level, name)
        self.lines.append(line)
        return line

    def _text(self, text: str) -> None:
        if not self._signed and self._open:
            self._open[-1].pieces.append(text)

    def _end(self, _: str) -> None:
        ended = self._open.pop()
        if self._signed:
            self._signed -= 1
            if not self._signed and ended.line is not None:
                ended.line.text = self._signature
            return
        text = "".join(ended.pieces).strip()
        if ended.line is None or not text:
            return
        beside = self._open[-1].leaves if self._open else {}
        ended.line.text = self._show(ended.local, text, beside) if ended.leaf else text
        if ended.leaf:
            beside[ended.local] = ended.line.text
