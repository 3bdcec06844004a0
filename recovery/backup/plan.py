"""What a backup has to save, and what may be forgotten. Pure.

Objects are saved in *slices*: sets of objects of one family, none larger than the stage may hold. A slice
that was saved stays as it is, so a run saves what is new; a slice less than half full is opened again
when its family has new objects, so their number stays in proportion to the bytes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.names import family_of
from vanvault.archiver.core.times import LONGEST_SPAN


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object that a site lists."""

    key: str
    size: int  # bytes, of its newest version


@dataclass(frozen=True, slots=True)
class KnownSlice:
    """A slice that an earlier backup saved."""

    id: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewSlice:
    """Objects to be saved together, by key."""

    items: tuple[ListedObject, ...]

    @property
    def id(self) -> str:
        return slice_id(item.key for item in self.items)

    @property
    def bytes(self) -> int:
        return sum(item.size for item in self.items)


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """Every object stands in just one slice, kept or new."""

    kept: tuple[KnownSlice, ...]  # oldest first; without the keys that the site holds no more
    new: tuple[NewSlice, ...]


def slice_id(keys: Iterable[str]) -> str:
    """32 hex digits over the sorted keys. Keys hold digests, so slices of one id hold the same bytes."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]


def plan_slices(items: Iterable[ListedObject], known: Sequence[KnownSlice], limit: int) -> SlicePlan:
    """Which slices stay, and which are to be saved.

    Args:
        known: of the last backup, oldest first.
        limit: bytes of a new slice; one object above it gets a slice of its own.
    """
    sizes = {item.key: item.size for item in items}
    live = _live(known, sizes)
    saved = {key for one in live for key in one.keys}
    fresh: dict[str, list[str]] = defaultdict(list)
    for key in sizes.keys() - saved:
        fresh[family_of(key)].append(key)
    kept: list[KnownSlice] = []
    for one in live:
        family = family_of(one.keys[0])
        if family in fresh and 2 * sum(sizes[key] for key in one.keys) < limit:
            fresh[family].extend(one.keys)
        else:
            kept.append(one)
    new = [packed for family in sorted(fresh) for packed in _packed(sorted(fresh[family]), sizes, limit)]
    return SlicePlan(tuple(kept), tuple(new))


def check_floor(days: int, floor: int) -> None:
    """Raises InvalidInput for a retention below the floor of the settings, or longer than any."""
    if days > LONGEST_SPAN.days:
        raise InvalidInput(f"{days} days is more than {LONGEST_SPAN.days}", field="keep-days")
    if days < floor:
        raise InvalidInput(
            f"{days} days is below the floor of {floor} days; nothing was forgotten",
            field="keep-days",
            hint="The floor is backup.min_keep_days in the settings.",
        )


def forgettable(
    slices: Mapping[str, datetime], referenced: Collection[str], newest: datetime, days: int
) -> tuple[str, ...]:
    """Snapshots of slices to which no remaining backup refers, and which are older than ``days``.

    Args:
        slices: snapshot -> when it was made.
        referenced: snapshots that the remaining backups name.
        newest: when the newest backup was made. Age counts from it, as restic counts it: where backups
            stopped, or the clock was set on, nothing becomes old by that.
    """
    limit = newest - timedelta(days=days)
    return tuple(sorted(one for one, made in slices.items() if one not in referenced and made < limit))


def _live(known: Sequence[KnownSlice], sizes: Mapping[str, int]) -> list[KnownSlice]:
    """Without what the site holds no more: a restore must not bring back what was disposed of."""
    seen: set[str] = set()
    live = []
    for one in known:
        keys = tuple(key for key in one.keys if key in sizes and key not in seen)
        seen.update(keys)
        if keys:
            live.append(KnownSlice(one.id, keys))
    return live


def _packed(keys: Sequence[str], sizes: Mapping[str, int], limit: int) -> Iterator[NewSlice]:
    waiting: list[ListedObject] = []
    filled = 0
    for key in keys:
        if waiting and filled + sizes[key] > limit:
            yield NewSlice(tuple(waiting))
            waiting, filled = [], 0
        waiting.append(ListedObject(key, sizes[key]))
        filled += sizes[key]
    if waiting:
        yield NewSlice(tuple(waiting))
