"""Degraded receipts are followed by whole ones, once every site holds what they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged, NotFound, SiteUnavailable
from vanvault.archiver.core.model import Commit
from vanvault.archiver.core.times import to_us
from vanvault.recovery.objects import is_of_one_object
from vanvault.recovery.work import Effort, in_order

_PAGE = 200
#: Objects that a site which answers may fail to give or take, before that is an outage.
_FEW = 8

#: Puts commit records on record: a writer that holds them in its next object.
RecordCommits = Callable[[Sequence[Commit]], None]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What a pass over the degraded batches did."""

    batches: int
    damaged: tuple[str, ...]  # keys that no site gives whole: verify and repair tell more


def for_the_next_start(commits: Sequence[Commit]) -> None:
    """Without a writer, the next one that opens records what the hot tail has and no header holds."""


def upgrade_all(
    archive: Archive,
    *,
    record: RecordCommits = for_the_next_start,
    effort: Effort | None = None,
    patience: timedelta | None = None,
) -> Upgraded:
    """Upgrade every batch that the hot tail knows as degraded; what a site lacks is copied there.

    Args:
        patience: leave alone what is younger and has no commit record: its writer may be putting it yet.

    Raises SiteUnavailable as soon as a site does not answer, or takes nothing (what was done is kept),
    KeyUnavailable. One object that a site cannot give, although it answers, stops no other.
    """
    upgraded, damaged = 0, list[str]()
    before_us = to_us(archive.clock.now() - patience) if patience is not None else None
    for commits in _pages(archive, effort or Effort(), before_us):
        good = [commit for commit in commits if isinstance(commit, Commit)]
        damaged += [key for key in commits if isinstance(key, str)]
        upgraded += len(good)
        record(good)
    return Upgraded(upgraded, tuple(damaged))


def _pages(archive: Archive, effort: Effort, before_us: int | None) -> Iterator[list[Commit | str]]:
    def upgrade(key: str) -> Commit | str | None:
        try:
            batch = archive.tail.batch_of(key)
            if batch.commit is None and before_us is not None and batch.header.created_us > before_us:
                return None
            return archive.upgrade(key)
        except (Damaged, NotFound):
            return key
        except SiteUnavailable as error:
            if next(given_up) < _FEW and is_of_one_object(error, archive.sites):
                return key
            raise

    after, given_up = "", count()
    while keys := archive.tail.degraded(_PAGE, after):
        done: list[Commit | str] = []
        try:
            for _, outcome in in_order(keys, upgrade, size=lambda _: 0, effort=effort):
                if outcome is not None:
                    done.append(outcome)
        except SiteUnavailable:
            yield done
            raise
        yield done
        after = keys[-1]
