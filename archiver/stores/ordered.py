"""A listing as its reader may rely on it: in order, within its prefix, after its start. Pure.

Folds and comparisons merge the listings of several sites, which loses or doubles objects where one of them is
out of order. A site that lists like that is faulty, whatever else it answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from vanvault.archiver.core.errors import SiteFaulty

#: Versions of one key that a listing may show. Names hold digests, so that a few are many.
MOST_VERSIONS = 10_000


class Line(Protocol):
    """One version of one key."""

    @property
    def key(self) -> str: ...

    @property
    def version(self) -> str: ...


_Line = TypeVar("_Line", bound=Line)


def in_order(lines: Iterable[_Line], site: str, prefix: str, after: str) -> Iterator[_Line]:
    """The lines of a listing, as long as keys only increase; one that is repeated is left out.

    Raises SiteFaulty at the first key that is out of order, outside of ``prefix``, not after ``after``, or
    has more than ``MOST_VERSIONS`` lines.
    """
    last, seen, count = "", set[str](), 0
    for line in lines:
        key = line.key
        if key != last:
            if key < last or key <= after or not key.startswith(prefix):
                raise _faulty(site, "its listing is out of order")
            last, seen, count = key, set(), 0
        count += 1
        if count > MOST_VERSIONS:
            raise _faulty(site, f"its listing shows more than {MOST_VERSIONS} versions of one key")
        if line.version not in seen:
            seen.add(line.version)
            yield line


def _faulty(site: str, what: str) -> SiteFaulty:
    return SiteFaulty(
        f"site {site} answers, but {what}",
        site=site,
        hint="Nothing that it lists counts until its listing is right: look at its store.",
    )
