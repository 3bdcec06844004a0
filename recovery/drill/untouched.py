"""The proof that a drill left production alone: its listing before and after, compared.

Listings are kept in a file, so memory is bounded by the versions of one key. A node may work meanwhile: what
came new, and locks that were moved later, are told apart from what is gone or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.stores import SiteReader, StoredVersion

_Line = tuple[str, str, str, str]  # key, version, size, retain-until ("": the listing does not tell)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the production sites after a drill differ from what they were before it."""

    same: int = 0  # versions
    added: int = 0  # by a node that worked meanwhile
    extended: int = 0  # locks moved later, by its keeper
    harmed: tuple[str, ...] = ()  # site and key of what is gone, changed or locked for less; the first few

    @property
    def untouched(self) -> bool:
        return not self.harmed

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.same + other.same,
            self.added + other.added,
            self.extended + other.extended,
            (self.harmed + other.harmed)[:_NAMED],
        )


_NAMED = 20


class Listings:
    """The listings of some sites at one moment, in files."""

    def __init__(self, folder: Path, sites: Mapping[str, SiteReader]) -> None:
        """Raises SiteUnavailable."""
        self._folder = folder
        self._sites = sites
        folder.mkdir(parents=True)
        for name, site in sites.items():
            with (folder / name).open("w", encoding="ascii") as file:
                file.writelines("\t".join(_line(version)) + "\n" for version in site.list())

    def compare(self) -> Comparison:
        """With the sites as they are now. Raises SiteUnavailable."""
        total = Comparison()
        for name, site in self._sites.items():
            with (self._folder / name).open(encoding="ascii") as file:
                before = (_split(line) for line in file)
                total += compare(name, before, (_line(version) for version in site.list()))
        return total


def compare(site: str, before: Iterable[_Line], after: Iterable[_Line]) -> Comparison:
    """Two listings of one site, by key."""
    same = added = extended = 0
    harmed: list[str] = []
    for key, old, new in _by_key(before, after):
        for version in old.keys() | new.keys():
            if version not in old:
                added += 1
            elif old[version] == new.get(version):
                same += 1
            elif version in new and new[version][0] == old[version][0] and new[version][1] > old[version][1]:
                extended += 1
            elif len(harmed) < _NAMED:
                harmed.append(f"{site}: {key}")
    return Comparison(same, added, extended, tuple(harmed))


def _by_key(
    before: Iterable[_Line], after: Iterable[_Line]
) -> Iterator[tuple[str, dict[str, tuple[str, str]], dict[str, tuple[str, str]]]]:
    """Key, and by version (size, retain-until) before and after: a merge of two sorted listings."""
    one, other = _groups(before), _groups(after)
    old, new = next(one, None), next(other, None)
    while old or new:
        key = min(group[0] for group in (old, new) if group)
        here = old[1] if old and old[0] == key else {}
        there = new[1] if new and new[0] == key else {}
        yield key, here, there
        old = next(one, None) if old and old[0] == key else old
        new = next(other, None) if new and new[0] == key else new


def _groups(lines: Iterable[_Line]) -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    for key, found in groupby(lines, key=lambda line: line[0]):
        yield key, {version: (size, until) for _, version, size, until in found}


def _line(version: StoredVersion) -> _Line:
    until = rfc3339_seconds(version.retain_until) if version.retain_until else ""
    return version.key, version.version, str(version.size), until


def _split(line: str) -> _Line:
    key, version, size, until = line.rstrip("\n").split("\t")
    return key, version, size, until
