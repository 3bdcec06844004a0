"""RPO: what was acknowledged, against what a recovered archive serves.

Acknowledged is what production's hot tail folds: batches that lie at all sites. Keys are compared as two
sorted streams; rows are counted only when something is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from vanvault.archiver.format.names import batch_prefix
from vanvault.archiver.search.query import MAX_LIMIT, Query, open_cursor
from vanvault.archiver.store.port import SiteReader
from vanvault.recovery.drill.model import Loss
from vanvault.recovery.drill.node import ReadingNode
from vanvault.recovery.verify.model import Problem, VerifyReport

#: An object with one of these findings, or a row of it, is not served.
_LOST: frozenset[Problem] = frozenset(
    ("missing", "damaged", "swapped", "undecipherable", "foreign", "header", "digest")
)


def loss(
    production: ReadingNode, recovered: SiteReader, verified: VerifyReport, garbage: Collection[str] = ()
) -> Loss:
    """Acknowledged entries that the recovered site does not list, or does not hold whole.

    ``verified``: of this site; ``garbage``: keys of what nobody ever acknowledged. Raises SiteUnavailable.
    """
    looked_for = 0

    def counted() -> Iterator[str]:
        nonlocal looked_for
        for key in production.tail.keys(""):
            looked_for += 1
            yield key

    served = (version.key for version in recovered.list(batch_prefix()))
    lost = set(absent(counted(), served))
    lost |= {
        finding.key
        for finding in verified.findings
        if finding.problem in _LOST and finding.site == recovered.site
    }.difference(garbage)
    return count(production, lost, Loss(acknowledged=looked_for))


def absent(wanted: Iterable[str], there: Iterable[str]) -> Iterator[str]:
    """Of ``wanted`` what is not ``there``: both sorted, the second with repetitions. Pure."""
    held = iter(there)
    at = next(held, None)
    for key in wanted:
        while at is not None and at < key:
            at = next(held, None)
        if at != key:
            yield key


def count(production: ReadingNode, lost: Collection[str], so_far: Loss) -> Loss:
    """Messages and events whose batch or large object is among the lost keys."""
    messages = events = 0
    query = Query(order="oldest", limit=MAX_LIMIT)
    while lost:
        page = production.search.page(query)
        for item in page.items:
            if item["object"] in lost or item.get("large_object", "") in lost:
                messages += item["entry"] == "message"
                events += item["entry"] == "event"
        if page.next is None:
            break
        query = replace(query, after=open_cursor(page.next, query, production.search.cursor_key))
    return replace(so_far, objects=len(lost), messages=messages, events=events)
