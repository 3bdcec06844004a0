"""What lies where, compared: no two parts of a home may be one place, or one within the other. Pure.

``where.py`` finds out what the places are that settings name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePath
from urllib.parse import urlsplit

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.stores.url import S3Url

#: A folder as the file system knows it, whatever its path is: device and number on it.
FolderId = tuple[int, int]

#: One host under several names, by which it talks to itself.
_THIS_HOST = frozenset(("localhost", "127.0.0.1", "::1"))
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder of this host, which need not be there yet."""

    path: PurePath  # absolute, links followed
    id: FolderId | None = None  # None: it is not there, or nobody looked
    above: frozenset[FolderId] = frozenset()  # the folders that it lies in
    device: int | None = None  # its own, or that on which it will be made


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A bucket of a server, or what in it begins with a prefix."""

    server: tuple[str, int]  # host and port
    name: str
    prefix: str = ""  # ends with a slash, or is empty


SomePlace = FolderPlace | BucketPlace

#: Part, and what may lie within it all the same: both can be made again.
_MAY_HOLD = {("the cache", "index.url"), ("the cache", "backup.stage")}


def bucket_of(url: S3Url, prefix: str = "") -> BucketPlace:
    """The bucket of a site's URL, so that one bucket is one value however it is written."""
    parts = urlsplit(url.endpoint)
    host = (parts.hostname or "").rstrip(".")
    try:
        port = parts.port
    except ValueError:  # whoever uses the URL says so
        port = None
    server = "localhost" if host in _THIS_HOST else host, port or _PORTS[parts.scheme]
    return BucketPlace(server, url.bucket, prefix)


def check_apart(parts: Mapping[str, SomePlace], home: SomePlace) -> None:
    """Raises SettingsError: two of ``parts`` (by name) are one place, or one lies within the other, or the
    home lies within one of them.
    """
    for (first, one), (second, other) in combinations(parts.items(), 2):
        if same(one, other):
            raise _in_the_way(f"{first} and {second} are one place")
        for outer, inner, holds in ((first, second, within(other, one)), (second, first, within(one, other))):
            if holds and (outer, inner) not in _MAY_HOLD:
                raise _in_the_way(f"{inner} lies within {outer}")
    for name, place in parts.items():
        if same(place, home) or within(home, place):
            raise _in_the_way(f"the home lies within {name}")


def same(one: SomePlace, other: SomePlace) -> bool:
    """Are they one place?"""
    if isinstance(one, FolderPlace) and isinstance(other, FolderPlace):
        return one.path == other.path or (one.id is not None and one.id == other.id)
    return one == other


def within(inner: SomePlace, outer: SomePlace) -> bool:
    """Does one place lie within the other?"""
    if isinstance(inner, FolderPlace) and isinstance(outer, FolderPlace):
        return outer.path in inner.path.parents or outer.id in inner.above
    if isinstance(inner, BucketPlace) and isinstance(outer, BucketPlace):
        one_bucket = (inner.server, inner.name) == (outer.server, outer.name)
        return one_bucket and inner != outer and inner.prefix.startswith(outer.prefix)
    return False


def lost_together(one: SomePlace, other: SomePlace) -> str:
    """Why two sites may be lost at once, for people; empty: nothing that can be seen from here."""
    if isinstance(one, FolderPlace) and isinstance(other, FolderPlace):
        return "both sites are on one device" if one.device is not None and one.device == other.device else ""
    if isinstance(one, BucketPlace) and isinstance(other, BucketPlace) and one.server == other.server:
        return f"both sites are on one server, {one.server[0]}:{one.server[1]}"
    return ""


def _in_the_way(what: str) -> SettingsError:
    return SettingsError(
        what,
        hint="Give each a folder or a bucket of its own: the sites on two machines, best in two buildings.",
    )
