"""The order of a timeline in which a clock was ahead for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vanvault.archiver.catalogue.hot_tail import WrongClock
from vanvault.archiver.catalogue.items import Item
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us


def in_true_order(items: Sequence[Item], wrong: Mapping[str, WrongClock]) -> list[Item]:
    """Items that are given by the time of receipt, the oldest first, in the order in which they were written.

    What a writer wrote under a clock ahead stands, in its own order, at the moment when that was accepted.
    Such an item keeps its ``received_at`` and says that moment in ``counts_as``.
    """
    if not wrong:
        return list(items)
    placed: list[tuple[int, bool, Item]] = []
    for item in items:
        us = to_us(parse_rfc3339(str(item["received_at"])))
        one = wrong.get(str(item["id"]).partition("-")[0])
        at = us if one is None else one.counts_as(us)
        placed.append((at, at == us, item if at == us else {**item, "counts_as": rfc3339_us(at)}))
    placed.sort(key=lambda place: place[:2])  # stable: what counts as one moment keeps its order
    return [item for _, _, item in placed]
