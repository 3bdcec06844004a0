"""How much time and memory the compaction of a huge day takes: many small messages, none compacted yet.

    python benchmarks/compaction.py [--quick] [--seed N] [--messages N] [--workers N] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commands import run_group
from places import add_options, place_for

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.model import MessageDraft, Metadata
from vanvault.archiver.core.times import to_us

#: Messages: two busy days of the whole sector, and a few of them.
FULL, QUICK = 800_000, 40_000
#: Messages of one batch, and random bytes of each: about 600 bytes in all.
BATCH, RANDOM = 500, 150


def build(home: Path, count: int, seed: int) -> int:
    """Archive so many messages as batches of one writer; returns their bytes. Raises SiteUnavailable."""
    chance, size = random.Random(seed), 0
    with Archive.open(home) as archive:
        writer, opened = archive.open_writer()
        archive.tail.apply([batch.folded for batch in opened])
        try:
            for first in range(0, count, BATCH):
                drafts = [_draft(number, chance) for number in range(first, min(first + BATCH, count))]
                size += sum(draft.size for draft in drafts)
                archive.tail.apply([batch.folded for batch in writer.commit(drafts)])
            closed = writer.commit([archive.system_event("writer.closed", {})], final=True)
            archive.tail.apply([batch.folded for batch in closed])
        finally:
            writer.close()
    return size


def _draft(number: int, chance: random.Random) -> MessageDraft:
    employer, procedure = f"TZ{number % 5000:05d}", f"6{number % 37:02d}"
    about = Metadata(
        kind="dossier",
        transaction_id=f"T{number // 3:09d}",
        employer_code=employer,
        tax_code=f"01{number % 5000:08d}",
        insurance_numbers=(f"79{number % 90000:08d}",),
        dossier_number=f"{number:08d}/2026/0101",
        procedure=procedure,
        period="2026-11",
        state="received",
        agency="BHXH TP HCM",
    )
    text = f"<GiaoDich><So>{number}</So><ThuTuc>{procedure}</ThuTuc><DonVi>{employer}</DonVi>"
    body = f"{text}<NoiDung>{chance.randbytes(RANDOM).hex()}</NoiDung></GiaoDich>".encode()
    digests = hashlib.sha256(body).digest(), hashlib.sha512(body).digest()
    now = to_us(datetime.now(UTC))
    name = f"day-{number:09d}"
    return MessageDraft("gateway-1", name, now, "application/xml", len(body), *digests, about, "", body, ())


def main() -> None:
    """Builds the days, compacts them, and says what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 50 s, set-up included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int)
    parser.add_argument("--workers", type=int, default=0, help="jobs.workers; 1: one process does it all")
    add_options(parser)
    options = parser.parse_args()
    count = options.messages or (QUICK if options.quick else FULL)
    begun = time.perf_counter()
    with place_for("compaction", options) as place:
        home = place.folder / "home"
        init_home(home)
        raw = build(home, count, options.seed)
        command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), "compact", "--json"]
        until = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        variables = {"VANVAULT_JOBS__WORKERS": str(options.workers)}
        finished = run_group([*command, "--until", until], variables)
        report = json.loads(finished.output.splitlines()[-1])
        if report["rows"] < count or report["damaged"]:
            raise SystemExit(f"not compacted: {finished.output.decode()}")
    line: dict[str, Any] = {"benchmark": "compaction", "quick": options.quick, "seed": options.seed}
    line |= {
        "seconds": round(time.perf_counter() - begun, 1),
        "workers": options.workers,
    }
    line |= {
        "messages": count,
        "raw_bytes": raw,
        "segments": report["segments"],
        "compact_s": round(finished.seconds, 2),
        "cpu_s": round(finished.cpu_s, 2),
        "cpu_us_per_message": round(1e6 * finished.cpu_s / count, 1),
        "peak_mb": round(finished.peak_bytes / 1e6),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
