"""An original on a page: its exact bytes as text that runs nothing and turns nothing round. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of an original that are shown; all of it is in the file.
MOST_SHOWN_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class OriginalView:
    """The page."""

    id: str
    size: int
    sha256: str  # of the bytes that were read now
    unchanged: bool  # is it the digest that is on record?
    readable: str  # for people; "" where nothing could be made of it
    text: str  # the bytes as they are
    cut: bool  # there are more bytes than the text has
    purpose: str


def exact_text(body: bytes) -> str:
    """Bytes as text, line by line; one that has no look of its own stands as its number: ``⟨U+202E⟩``.

    So nothing turns the direction of writing, and no letter hides. What is no UTF-8 is told as such.
    """
    text = body[:MOST_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() or one in "\n\t" else f"⟨U+{ord(one):04X}⟩" for one in text)
