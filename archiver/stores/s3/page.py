"""A page of a bucket's versions, and whether it has Object Lock, out of the XML that a server wrote. Pure.

What a server sends is input: its document type is refused, entities with it; nesting and sizes have libxml2's
limits; elements that count are there once and hold text. Sources: "ListObjectVersions" and
"GetObjectLockConfiguration" of the S3 API.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from botocore.parsers import ResponseParserError
from lxml import etree

_ROOT = "ListVersionsResult"
_LOCK = "ObjectLockConfiguration"
_LOCK_FACTS = frozenset({"ObjectLockEnabled"})
_LINES = ("Version", "DeleteMarker")
#: Of one line. Others, such as the owner, are passed over.
_FIELDS = frozenset({"Key", "VersionId", "LastModified", "ETag", "Size", "IsLatest"})
#: Of the page.
_FACTS = frozenset({"IsTruncated", "NextKeyMarker", "NextVersionIdMarker", "EncodingType"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing; it does not tell the lock."""

    key: str
    version: str
    size: int  # bytes
    etag: str
    stored_at: datetime  # UTC, whole seconds
    is_marker: bool  # a delete marker: hides the versions below it, removes none
    is_latest: bool  # the newest of its key


@dataclass(frozen=True, slots=True)
class Following:
    """Where the next page starts."""

    key: str
    version: str

    def query(self) -> dict[str, str]:
        """As a request has it."""
        found = {"key-marker": self.key, "version-id-marker": self.version}
        return {name: value for name, value in found.items() if value}


def parse_page(data: bytes) -> tuple[list[Listed], Following | None]:
    """The lines of a page by key, and where the next one starts; None: there is none.

    Raises ResponseParserError, KeyError, TypeError, ValueError, OverflowError: no page of a listing.
    """
    root = _root(data, _ROOT)
    facts: dict[str, str] = {}
    lines: list[tuple[bool, dict[str, str]]] = []
    names: dict[str, str] = {}  # by the tag, in which the namespace comes first
    has_markers = False
    for one in root:
        tag = one.tag
        name = names.get(tag) or names.setdefault(tag, tag.rpartition("}")[2])
        if name in _LINES:
            is_marker = name != "Version"
            has_markers |= is_marker
            lines.append((is_marker, _texts(one, names, _FIELDS)))
        elif name in _FACTS:
            _add(facts, name, one)
    escaped = facts.get("EncodingType") == "url"
    found = [_line(is_marker, line, escaped=escaped) for is_marker, line in lines]
    if has_markers:
        # Some servers write all versions first.
        found.sort(key=lambda listed: listed.key)
    if facts.get("IsTruncated") != "true":
        return found, None
    return found, Following(
        _key(facts.get("NextKeyMarker", ""), escaped), facts.get("NextVersionIdMarker", "")
    )


def says_locked(data: bytes) -> bool:
    """Does a bucket's Object Lock configuration say that it is enabled? Raises as ``parse_page`` does."""
    return _texts(_root(data, _LOCK), {}, _LOCK_FACTS).get("ObjectLockEnabled") == "Enabled"


def _root(data: bytes, wanted: str) -> Any:
    # A parser of its own for each page: they are not shared between threads.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ResponseParserError(f"a {wanted} is no XML: {error.msg}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ResponseParserError(f"a {wanted} has a document type")
    if etree.QName(root).localname != wanted:
        raise ResponseParserError(f"an answer is no {wanted}")
    return root


def _texts(element: Any, names: dict[str, str], wanted: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in element:
        tag = one.tag
        name = names.get(tag) or names.setdefault(tag, tag.rpartition("}")[2])
        if name in wanted:
            _add(found, name, one)
    return found


def _add(found: dict[str, str], name: str, element: Any) -> None:
    if name in found or len(element):
        raise ValueError(f"{name} is there twice, or is no text")
    found[name] = element.text or ""


def _line(is_marker: bool, line: dict[str, str], *, escaped: bool) -> Listed:
    size = int(line.get("Size") or 0)
    if size < 0:
        raise ValueError("a size below zero")
    stored_at = datetime.fromisoformat(line["LastModified"]).astimezone(UTC).replace(microsecond=0)
    etag, latest = line.get("ETag", "").strip('"'), line.get("IsLatest") == "true"
    return Listed(_key(line["Key"], escaped), line["VersionId"], size, etag, stored_at, is_marker, latest)


def _key(text: str, escaped: bool) -> str:
    return unquote_plus(text) if escaped and ("%" in text or "+" in text) else text
