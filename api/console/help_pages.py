"""Help in place: the runbooks and the guide for auditors, as they are shipped, as safe HTML.

They are written in Markdown. Raw HTML in them is shown as text; links between them lead on within the
console, and what is not served here is named without a link: no page leads to another host.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from vanvault.api.console.pages import HELP, PREFIX
from vanvault.archiver.core.errors import NotFound
from vanvault.recovery.documents import LANGUAGES, Language

if TYPE_CHECKING:
    from markdown_it.token import Token

#: What is shipped with the program.
FOLDER = Path(__file__).parent / "help"

#: Name -> its file in English and in Vietnamese, beside the runbooks.
_GUIDES = {"auditors": ("auditors.md", "auditors.vi.md")}
#: How pages name each other: ``keys-lost.vi.md``, ``../docs/auditors.md``.
_LINK = re.compile(r"(?:\.\./)?(?:docs/|runbooks/)?([a-z-]+?)(?:\.(en|vi))?\.md(?:#.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page of help in one language."""

    name: str
    title: str
    body: Markup  # without the title


def help_names() -> tuple[str, ...]:
    """The guides, and the runbooks in the order of their names."""
    return (
        *_GUIDES,
        *sorted(path.name.removesuffix(".en.md") for path in (FOLDER / "runbooks").glob("*.en.md")),
    )


@cache
def help_page(name: str, language: Language) -> HelpPage:
    """A page, rendered once. Raises NotFound."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(_text(name, language))
    title = name
    if len(tokens) >= 3 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        title, tokens = tokens[1].content, tokens[3:]
    for token in tokens:
        if token.children:
            token.children = _linked(token.children, language)
    body = reader.renderer.render(tokens, reader.options, {})
    return HelpPage(name, title, Markup(body))  # noqa: S704 - the reader escapes all that is not Markdown


def help_title(name: str, language: Language) -> str:
    """The title of a page, its name where there is none."""
    try:
        return help_page(name, language).title
    except NotFound:
        return name


def _text(name: str, language: Language) -> str:
    """Raises NotFound."""
    if name not in help_names():
        raise _no_help(name)
    english, vietnamese = _GUIDES.get(name, (f"runbooks/{name}.en.md", f"runbooks/{name}.vi.md"))
    return (FOLDER / (vietnamese if language == "vi" else english)).read_text(encoding="utf-8")


def _linked(children: Sequence[Token], language: Language) -> list[Token]:
    """The parts of a paragraph, its links led to pages of help; a link to anything else is text alone."""
    found: list[Token] = []
    drops: list[bool] = []  # of the links that are open here
    for child in children:
        if child.type == "link_open":
            address = _address(str(child.attrGet("href") or ""), language)
            drops.append(not address)
            if not address:
                continue
            child.attrs = {"href": address}
        elif child.type == "link_close" and drops.pop():
            continue
        found.append(child)
    return found


def _address(href: str, language: Language) -> str:
    """Where a link of a page in this language leads within the console; "": nowhere."""
    match = _LINK.fullmatch(href)
    if match is None or match[1] not in help_names():
        return ""
    address, other = HELP.path.format(name=match[1]), match[2] or LANGUAGES[0]
    return address if other == language else f"{PREFIX}/language/{other}?next={address}"


def _no_help(name: str) -> NotFound:
    return NotFound(f"there is no help page {name[:40]!r}", hint="They are listed at /console/help.")
