"""A walk over the elements below one XML root, bounded in time and memory whatever the bytes are.

Why not a general parser: messages come from outside, all day. libxml2 as lxml uses it keeps every name
that it ever saw in a dictionary per thread, so invented names would grow it for ever, and it builds a tree
many times the size of the message. This walk keeps one open path, no tree and no names, knows no
entities but XML's own five, and opens nothing. It reads well-formed XML as a parser would (a property
test compares it with libxml2) and gives up on anything that passes a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias, Union

#: What to look for: local name of an element -> what is below it, or, for a leaf, the caller's word for it.
Tree: TypeAlias = Mapping[bytes, Union["Tree", str]]

#: Open elements at one time. The deepest known shape needs 9, its signature included.
MAX_DEPTH = 64
#: Tags in one message; enough for 25,000 files of a health claim.
MAX_TAGS = 200_000
#: Comments, instructions and CDATA sections (which count twice) in one message.
MAX_MARKUP = 50_000
#: Bytes of one tag with all its attributes.
MAX_TAG_BYTES = 64 * 1024

_BLANKS = b" \t\r\n"
_ATTRIBUTE = rb"""\s++[^\s<>="'/]++\s*+=\s*+(?:"[^"]*+"|'[^']*+')"""
_START_TAG = re.compile(rb"""([^\s<>/!?="'&]++)(?:""" + _ATTRIBUTE + rb""")*+\s*+(/?)>""")
_MARKUP = re.compile(rb"<(?:!--|!\[CDATA\[|\?)")
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_NOTHING: Tree = {}


class NotWellFormed(ValueError):
    """The bytes are not well-formed XML, as far as they were walked."""


class BeyondLimits(ValueError):
    """The XML is deeper, longer or wider than any known message."""


class TooMuchMarkup(BeyondLimits):
    """More comments, instructions and CDATA sections than any known message has; no tag is meant."""


def leaves(content: bytes, tree: Tree, *, until: bytes) -> Iterator[tuple[str, bytes]]:
    """Walk the root element and yield the caller's word and the raw text of each leaf that ``tree`` has.

    ``content`` begins with the ``<`` of the root; ``tree`` says what is below the root. A leaf is an element
    without child elements; its text has no markup left in it, but still has its references. The walk ends
    after the child of the root called ``until`` when the content ends with the root's end tag, so that
    signatures are not walked, nor is damage in them noticed. Raises NotWellFormed and BeyondLimits.
    """
    if b"!" in content or b"?" in content:  # neither is in base64, so this is one fast pass
        content = _only_tags(content)
    segments = content.split(b"<", MAX_TAGS + 1)
    if len(segments) > MAX_TAGS + 1:
        raise BeyondLimits
    name, _, empty, text = _start_tag(segments[1])
    if empty:
        return
    root_ending = ending = b"/" + name
    word, below = "", tree
    above: list[tuple[Tree, bytes]] = []  # the state outside each open element, the root excepted
    is_leaf = True
    for segment in segments[2:]:
        tag, closed, after = segment.partition(b">")
        if not closed:
            raise NotWellFormed
        if tag != ending:
            name = local = tag
            if not tag.isalnum():
                name, local, empty, after = _unusual_tag(segment, tag, ending)
                if empty:
                    is_leaf = False
                    continue
            if name:
                if len(above) >= MAX_DEPTH:
                    raise BeyondLimits
                above.append((below, ending))
                entry = below.get(local)
                if entry is None:
                    word, below = "", _NOTHING
                elif isinstance(entry, str):
                    word, below = entry, _NOTHING
                else:
                    word, below = "", entry
                ending, text, is_leaf = b"/" + name, after, True
                continue
        if is_leaf and word:
            yield word, text
        is_leaf = False
        if not above:
            if segment is not segments[-1] or after.strip(_BLANKS):
                raise NotWellFormed
            return
        below, ending = above.pop()
        if not above and tag[1:] == until and segments[-1].rstrip(_BLANKS) == root_ending + b">":
            return
    raise NotWellFormed


def _unusual_tag(segment: bytes, tag: bytes, ending: bytes) -> tuple[bytes, bytes, bool, bytes]:
    """What ``_start_tag`` says of a start tag; an empty name for the due end tag with blanks in it."""
    if tag.replace(b"_", b"").isalnum():
        return tag, tag, False, segment[len(tag) + 1 :]
    if not tag.startswith(b"/"):
        return _start_tag(segment)
    if tag.rstrip(_BLANKS) != ending:
        raise NotWellFormed
    return b"", b"", False, segment[len(tag) + 1 :]


def _start_tag(segment: bytes) -> tuple[bytes, bytes, bool, bytes]:
    """Name as written, local name, whether the element is empty, and the text after the tag."""
    match = _START_TAG.match(segment, 0, MAX_TAG_BYTES)
    if match is None:
        raise BeyondLimits if len(segment) > MAX_TAG_BYTES else NotWellFormed
    name = match[1]
    return name, name.rpartition(b":")[2], match[2] == b"/", segment[match.end() :]


def _only_tags(content: bytes) -> bytes:
    """The content without comments and processing instructions, and with CDATA sections as plain text."""
    pieces: list[bytes] = []
    position = 0
    while markup := _MARKUP.search(content, position):
        if len(pieces) > MAX_MARKUP:
            raise TooMuchMarkup
        begin = markup.group()
        end = content.find(_ENDS[begin], markup.end())
        if end < 0:
            raise NotWellFormed
        pieces.append(content[position : markup.start()])
        if begin == b"<![CDATA[":
            pieces.append(_escape(content[markup.end() : end]))
        position = end + len(_ENDS[begin])
    pieces.append(content[position:])
    return b"".join(pieces)


def _escape(text: bytes) -> bytes:
    return text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
