"""What a year stores with its spent batches and without, and how long their clearing takes.

Messages of a simulated year come day by day, under a clock of its own, at two sites in folders; days are
compacted as they end, the keeper and a verification follow, and at the end what is spent is cleared at once.

    python benchmarks/clearing.py [--quick] [--days N] [--a-day N] [--seed N] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from built_archive import as_draft
from common import NOTHING, Originals, Stored, make_originals
from places import add_options, place_for

from vanvault.archiver.appliance import Archive, init_home, open_disposers
from vanvault.archiver.core.model import Draft
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.core.times import to_us
from vanvault.archiver.upkeep import compact, keep_locks
from vanvault.recovery.clearing import ClearingTools, ClearRequest, clear
from vanvault.recovery.maintenance import SiteRequest, prepare_site
from vanvault.recovery.verify import VerifyRequest, verify

FULL_DAYS, QUICK_DAYS = 365, 30
#: Messages of a day, and of a group commit.
A_DAY, GROUP = 100, 10
#: Days between two compactions, each of the days that are over.
_EVERY = 5
#: After the last day: locks of batches, and the thirty days until they go, are over.
_AFTER = timedelta(days=90)
_START = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)


@dataclass
class YearClock:
    """Each look moves it on by a millisecond, and the benchmark by days."""

    moment: datetime = field(default=_START)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


def write_day(archive: Archive, originals: Originals, count: int) -> int:
    """One day's messages in small batches; their bytes. Raises SiteUnavailable."""
    writer, opened = archive.open_writer()
    archive.tail.apply([batch.folded for batch in opened])
    size = 0
    try:
        for first in range(0, count, GROUP):
            drafts: Sequence[Draft] = [
                replace(as_draft(one, one.body), received_us=to_us(archive.clock.now()))
                for one in originals.take(min(GROUP, count - first))
            ]
            size += sum(draft.size for draft in drafts)
            done = writer.commit(drafts, final=first + GROUP >= count)
            archive.tail.apply([batch.folded for batch in done])
    finally:
        writer.close()
    return size


def stored(archive: Archive, site: str) -> Stored:
    """Objects and bytes at one site."""
    total = NOTHING
    for version in archive.sites[site].list():
        total += Stored(1, version.size)
    return total


def year(home: Path, days: int, a_day: int, seed: int) -> dict[str, Any]:
    """Let the days pass, and clear. Raises SystemExit: something was not clean."""
    clock, originals, raw = YearClock(), make_originals(200, seed), 0
    init_home(home, clock=clock)
    with Archive.open(home, ports=Ports.under(clock)) as archive:
        environment: dict[str, str] = {}
        for site in archive.sites:
            lines = prepare_site(archive, SiteRequest(site), {}).disposer.read_text().splitlines()
            environment |= dict(line.split("=", 1) for line in lines)
        for day in range(days):
            clock.moment = _START + timedelta(days=day)
            raw += write_day(archive, originals, a_day)
            if day % _EVERY == 0:
                compact(archive)
                keep_locks(archive)
        clock.moment = _START + timedelta(days=days) + _AFTER
        compact(archive)
        keep_locks(archive)
        clock.moment += _AFTER
        keep_locks(archive)
        if not verify(archive, VerifyRequest()).report.whole:
            raise SystemExit("the archive is not whole")
        before = stored(archive, "primary")
        tools = ClearingTools(open_disposers(archive, environment), sleep=lambda seconds: None)
        began = time.perf_counter()
        report = clear(archive, ClearRequest(), tools=tools)
        seconds = time.perf_counter() - began
        if report.halted or report.left:
            raise SystemExit(f"not cleared: {[*report.halted, *report.left[:3]]}")
        after = stored(archive, "primary")
        if not verify(archive, VerifyRequest()).report.whole:
            raise SystemExit("the archive is not whole any more")
    messages, cleared = days * a_day, report.total("primary")[0]
    return {
        "days": days,
        "messages": messages,
        "raw_per_message": round(raw / messages),
        "before_per_message": round(before.size / messages),
        "after_per_message": round(after.size / messages),
        "objects_before": before.objects,
        "objects_after": after.objects,
        "cleared_batches": cleared,
        "clear_s": round(seconds, 2),
        "clear_ms_per_batch": round(1000 * seconds / max(1, 2 * cleared), 2),
    }


def main() -> None:
    """Simulates the year, and says what it stores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--days", type=int)
    parser.add_argument("--a-day", type=int, default=A_DAY, help="messages")
    parser.add_argument("--seed", type=int, default=1)
    add_options(parser)
    options = parser.parse_args()
    days = options.days or (QUICK_DAYS if options.quick else FULL_DAYS)
    begun = time.perf_counter()
    with place_for("clearing", options) as place:
        line: dict[str, Any] = {"benchmark": "clearing", "quick": options.quick, "seed": options.seed}
        line |= {**place.facts(), **year(place.folder / "home", days, options.a_day, options.seed)}
    print(json.dumps({**line, "seconds": round(time.perf_counter() - begun, 1)}))


if __name__ == "__main__":
    main()
