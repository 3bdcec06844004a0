"""Runbooks as tests read them: their sections, and the commands that they tell people to run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "runbooks"
LANGUAGES = ("en", "vi")
#: Bold openings that every page has, in this order.
SECTIONS = {
    "en": ("Symptom", "Decide", "Do", "It worked when", "Tell"),
    "vi": ("Dấu hiệu", "Quyết định", "Thực hiện", "Thành công khi", "Báo cho"),
}
NAMES = sorted({path.name.split(".")[0] for path in FOLDER.glob("*.*.md")})

#: An indented line of at least 4 spaces after a blank line, and what is indented as far below it.
_BLOCK = re.compile(r"(?<=\n\n)((?: {4,}\S.*\n)+)")
_INLINE = re.compile(r"`(vanvault [^`]+)`")


def text_of(name: str, language: str = "en") -> str:
    return (FOLDER / f"{name}.{language}.md").read_text(encoding="utf-8")


def commands_in(text: str) -> list[list[str]]:
    """The command lines of a page's indented blocks, in order, as words; a backslash joins lines."""
    blocks = "".join(_BLOCK.findall(text)).replace("\\\n", " ")
    return [shlex.split(line) for line in blocks.splitlines()]


def mentioned_in(text: str) -> list[list[str]]:
    """The commands that a page names in its sentences."""
    return [shlex.split(found) for found in _INLINE.findall(text.replace("\n", " "))]
