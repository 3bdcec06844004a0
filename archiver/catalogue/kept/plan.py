"""What a site has to keep, by what it keeps and what this node's index holds. Pure.

Nodes make their index files by themselves, each with names of its own, and keep them at one place. So files
that say the same are not exchanged: a node adds what is lacking, and replaces files when its own cover more,
or the same with fewer files, as after a merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vanvault.archiver.catalogue.index.store import FILTER_SUFFIX
from vanvault.archiver.catalogue.kept.directory import MOST_KEPT_FILES, KeptFile, is_index_file
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds

#: How long a file stays that is in use no more: a reader that began with it goes on, and a node that is just
#: putting files finds them still there when it writes its directory.
GRACE = timedelta(days=1)
#: Files that one round removes.
MOST_REMOVED = 200


@dataclass(frozen=True, slots=True)
class OwnFile:
    """An index file of this node."""

    name: str
    logs: frozenset[str]  # keys of log parts


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files a site shall keep."""

    kept: tuple[KeptFile, ...]  # of those that it has
    added: tuple[str, ...]  # of this node's


def whole_files(files: Iterable[KeptFile], listing: Mapping[str, int]) -> list[KeptFile]:
    """Those that the site lists, with their filters, in the size that its directory says."""
    return [
        one
        for one in files
        if listing.get(one.name) == one.size and listing.get(one.name + FILTER_SUFFIX) == one.filter_size
    ]


def choose_files(kept: Sequence[KeptFile], own: Sequence[OwnFile]) -> Choice:
    """Of each group of files that share segments, the site's own or this node's."""
    held = {one.name: one for one in kept}
    named = {one.name: one for one in own}
    logs = {**{one.name: one.logs for one in own}, **{one.name: one.logs for one in kept}}
    stays: list[KeptFile] = []
    added: list[str] = []
    for group in _groups(logs):
        theirs, ours = group & held.keys(), group & named.keys()
        if _better(ours, theirs, logs):
            stays += [held[name] for name in ours & held.keys()]
            added += ours - held.keys()
        else:
            stays += [held[name] for name in theirs]
    return Choice(tuple(sorted(stays, key=lambda one: one.name)), tuple(sorted(added)))


def leaving_since(
    listing: Iterable[str], used: frozenset[str], before: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Index files of the site that are in use no more, and since when that is known."""
    at = rfc3339_seconds(now)
    names = {name.removesuffix(FILTER_SUFFIX) for name in listing}
    found = [(before.get(name, at), name) for name in names - used if is_index_file(name)]
    # What a flood of files leaves no room for comes in once others are gone.
    return {name: since for since, name in sorted(found)[:MOST_KEPT_FILES]}


def removable(leaving: Mapping[str, str], now: datetime) -> list[str]:
    """Those that may go now, oldest first; no more than a round removes."""
    over = [(since, name) for name, since in leaving.items() if now - parse_rfc3339(since) >= GRACE]
    return [name for _, name in sorted(over)][:MOST_REMOVED]


def _better(ours: set[str], theirs: set[str], logs: Mapping[str, frozenset[str]]) -> bool:
    """Do our files of a group say more than theirs, or the same in fewer files?"""
    mine = frozenset[str]().union(*(logs[name] for name in ours))
    other = frozenset[str]().union(*(logs[name] for name in theirs))
    if mine == other:
        return len(ours) < len(theirs)
    return mine > other or (not mine < other and len(mine) > len(other))


def _groups(logs: Mapping[str, frozenset[str]]) -> list[set[str]]:
    """Files by groups that share segments, directly or through others."""
    group_of: dict[str, set[str]] = {}  # by name
    first_with: dict[str, str] = {}  # by segment
    for name, segments in logs.items():
        group = {name}
        group_of[name] = group
        for log in segments:
            other = group_of[first_with.setdefault(log, name)]
            if other is not group:
                small, large = sorted((group, other), key=len)
                large |= small
                for one in small:
                    group_of[one] = large
                group = large
    return list({id(group): group for group in group_of.values()}.values())
