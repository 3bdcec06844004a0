"""Clocks of ten years: a round of the keeper, and looking at all that is due, in seconds and memory.

    python benchmarks/retention.py [--rows N] [--quick] [--segments N] [--seed N] [--folder DIR]

See README.md beside this file for what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.places import add_options, place_for
from benchmarks.ten_years import DAYS, days, folder_bytes, write_segment

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import KnownSegment, Query, Unread
from vanvault.archiver.core.times import to_us
from vanvault.recovery.retention import clock_beside, clocks_of_segments

#: The lines of the made log that end a transaction are of this type.
CLOSING = "VANVAULT_RETENTION__CLOSING"
CLOSES = '{"dossier.closed": "success"}'
_HALF_A_YEAR = 180
_ALONE = 200  # transactions that are asked for one by one


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of clocks."""

    segments: int
    rows: int
    due: int  # of them, entries whose log is due now
    open: int
    seconds: float
    peak_mb: int


def main() -> None:
    """Measure, and print one line of JSON."""
    arguments = _arguments()
    os.environ[CLOSING] = CLOSES
    if arguments.measure:
        print(json.dumps(_measured(arguments)))
        return
    rows = 400_000 if arguments.quick else arguments.rows
    with place_for("retention", arguments) as place:
        home = place.folder / "home"
        began = time.perf_counter()
        init_home(home)
        with Archive.open(home) as archive:
            for day in days(rows, arguments.seed):
                write_segment(archive, day, level=1)
            assert not archive.index.rebuild().unreadable
        line = {"rows": rows, "build_s": round(time.perf_counter() - began, 1)}
        line |= {"stored_bytes": folder_bytes(home)}
        for what in ("keeper", "due", "alone"):  # each in a process of its own, for its peak of memory
            line[what] = _apart(arguments, home, what)
        print(json.dumps(line | place.facts()))


def _apart(arguments: argparse.Namespace, home: Path, what: str) -> dict[str, object]:
    words = ["--measure", what, "--home", str(home), "--segments", str(arguments.segments)]
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(arguments: argparse.Namespace) -> dict[str, object]:
    with Archive.open(arguments.home) as archive:
        segments = archive.catalogue.segments()
        share = len(segments) / DAYS
        if arguments.measure == "keeper":  # locks of half a year end at about one time
            return asdict(_pass(archive, segments[: max(1, round(_HALF_A_YEAR * share))], arguments.segments))
        now_us = to_us(archive.clock.now())
        due = [one for one in segments if one.manifest.last_us < now_us - 10 * 365 * 86_400_000_000]
        if arguments.measure == "due":
            return asdict(_pass(archive, due, arguments.segments))
        return _alone(archive, due[:1])


def _pass(archive: Archive, segments: tuple[KnownSegment, ...] | list[KnownSegment], together: int) -> Pass:
    now_us, rows, due, opened = to_us(archive.clock.now()), 0, 0, 0
    began = time.perf_counter()
    for start in range(0, len(segments), together):
        for entry in clocks_of_segments(archive, segments[start : start + together], _unread):
            rows += 1
            opened += entry.due_log_us is None
            due += entry.due_log_us is not None and entry.due_log_us <= now_us
    seconds = time.perf_counter() - began
    return Pass(len(segments), rows, due, opened, round(seconds, 1), _peak_mb())


def _alone(archive: Archive, segments: list[KnownSegment]) -> dict[str, object]:
    """The same clocks, each asked for by searches of its own."""
    span = Query(to_us=segments[0].manifest.last_us, order="oldest", limit=_ALONE)
    items = archive.search.page(span, bare=True).items
    began = time.perf_counter()
    for item in items:
        clock_beside(archive, item)
    each_ms = (time.perf_counter() - began) / max(1, len(items)) * 1000
    return {
        "entries": len(items),
        "each_ms": round(each_ms, 2),
        "is_indexed": not archive.catalogue.unindexed(),
    }


def _unread(one: Unread) -> None:
    raise SystemExit(f"{one.object} could not be read: {one.reason}")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000, help="up to 50,000,000: 3,652 days")
    parser.add_argument("--quick", action="store_true", help="400,000 rows")
    parser.add_argument("--segments", type=int, default=100, help="retention.segments_together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", choices=("keeper", "due", "alone"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
