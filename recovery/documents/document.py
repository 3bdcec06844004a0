"""A document as headings, pairs and tables in one language: what HTML and PDF both show. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Language = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and a table; a table without column names is one of pairs."""

    heading: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]  # of the columns, in parts of their sum
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What is shown."""

    language: Language
    title: str
    verdict: str  # "": nothing was judged
    passed: bool
    sections: tuple[Section, ...]
    note: str
    by_hand: tuple[str, ...]  # a line to sign for each signer


@dataclass(frozen=True, slots=True)
class PageMark:
    """What stands on every page, so that no page can be taken for an original."""

    across: str  # large and grey, from corner to corner
    below: str  # in the footer, with the page's number


def pairs(heading: str, rows: Iterable[tuple[str, str]]) -> Section:
    """A section of names and values."""
    return Section(heading, (), (36, 64), tuple(rows))
