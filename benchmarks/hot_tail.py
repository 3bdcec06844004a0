"""What is not compacted yet: how fast it is folded, found, and back after the loss of the cache.

Messages are archived by the product's own writer at two file sites, and folded in groups as a node folds
them; beside them a plain SQLite table (no encryption, five indexes) takes the same rows in
the same groups. Then both are asked, the cache is removed, and a node starts.

    python benchmarks/hot_tail.py [--messages N] [--quick] [--seed N] [--folder DIR]

The last line is JSON; its keys: README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import shutil
import sqlite3
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import Server, middle, percentile, serving
from places import add_options, place_for

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.model import Message, MessageDraft, Metadata

_ROWS = 100  # of a batch
_GROUP = 5  # batches of one fold, as a busy node makes them in its quarter of a second
_MARKS = (50_000, 100_000, 200_000, 400_000, 800_000)
_EMPLOYERS = 20_000
_PROCEDURES = ("600", "601", "602", "603", "607", "610", "630a", "630b")
_SHOWN = 50
_MOST_S = 900  # until the node without a cache is ready
_ASKED = 30  # times each question, each time for another value
_FIELDS = ("message_id", "dossier_number", "employer_code", "procedure", "transaction_id")
_NEWEST = f"SELECT item FROM plain WHERE {{}} ORDER BY received_us DESC LIMIT {_SHOWN}"


@dataclass(slots=True)
class Costs:
    """What the folds cost, ours and the plain table's, and what the file holds, at each mark."""

    messages: list[int] = field(default_factory=list)
    fold_cpu_us: list[float] = field(default_factory=list)  # a message since the mark before
    plain_cpu_us: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)

    def facts(self) -> dict[str, list[float]]:
        """For the JSON line."""
        return {
            "at": [*self.messages],
            "fold_cpu_us": self.fold_cpu_us,
            "plain_cpu_us": self.plain_cpu_us,
            "rss_mb": self.rss_mb,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=800_000)
    parser.add_argument("--quick", action="store_true", help="20,000 messages")
    parser.add_argument("--seed", type=int, default=1)
    add_options(parser)
    options = parser.parse_args()
    messages = 20_000 if options.quick else options.messages
    with place_for("hot-tail", options) as place:
        home, table = place.folder / "home", place.folder / "plain.sqlite"
        token = init_home(home)
        with closing(sqlite3.connect(table, isolation_level=None)) as plain:
            _make(plain)
            costs = _fill(home, plain, messages, options.seed)
            asked = _ask(home, plain, messages, options.seed)
        stored = {
            "bytes_a_message": round(_size(home / "cache", "hot-tail*") / messages),
            "plain_bytes_a_message": round(_size(place.folder, "plain.sqlite*") / messages),
        }
        shutil.rmtree(home / "cache")
        ready = _ready(home, token)
        line = {"benchmark": "hot_tail", "messages": messages, "seed": options.seed, **place.facts()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(json.dumps({**line, **costs.facts(), "peak_mb": peak, **stored, **asked, **ready}))


def _drafts(first: int, count: int, chance: random.Random) -> list[MessageDraft]:
    drafts = []
    for number in range(first, first + count):
        body = f"<HoSo><So>{number}</So>{chance.randbytes(150).hex()}</HoSo>".encode()
        about = Metadata(
            kind="dossier",
            transaction_id=f"tx-{number:012d}",
            ivan="00001",
            employer_code=f"TZ{chance.randrange(_EMPLOYERS):05d}",
            insurance_numbers=tuple(f"79{chance.randrange(10**8):08d}" for _ in range(2)),
            dossier_number=f"{number:07d}/2026/07900",
            procedure=chance.choice(_PROCEDURES),
            period="03/2026",
            state="accepted",
            agency="BHXH tỉnh 01",
        )
        draft = MessageDraft(
            gateway="gateway-1",
            message_id=f"bench-{number:012d}",
            received_us=time.time_ns() // 1000,
            content_type="application/xml",
            size=len(body),
            sha256=hashlib.sha256(body).digest(),
            sha512=hashlib.sha512(body).digest(),
            metadata=about,
            metadata_note="",
            body=body,
            large=(),
        )
        drafts.append(draft)
    return drafts


def _fill(home: Path, plain: sqlite3.Connection, messages: int, seed: int) -> Costs:
    """Archive and fold; the CPU of writing is not counted."""
    chance, costs, done, at = random.Random(seed), Costs(), 0, 0
    cpu = [0.0, 0.0]
    with Archive.open(home) as archive:
        writer, opened = archive.open_writer()
        archive.tail.apply([one.folded for one in opened])
        while done < messages:
            group = []
            for _ in range(_GROUP):
                group += [one.folded for one in writer.commit(_drafts(done, _ROWS, chance))]
                done += _ROWS
            cpu[0] += _cpu(lambda group=group: archive.tail.apply(group))  # type: ignore[misc]
            entries = [entry for batch in group for entry in batch.entries]
            rows = [_plain_row(entry) for entry in entries if isinstance(entry, Message)]
            cpu[1] += _cpu(lambda rows=rows: _insert(plain, rows))  # type: ignore[misc]
            if done in _MARKS or done >= messages:
                costs.messages.append(done)
                costs.fold_cpu_us.append(round(cpu[0] / (done - at) * 1e6, 1))
                costs.plain_cpu_us.append(round(cpu[1] / (done - at) * 1e6, 1))
                costs.rss_mb.append(_rss_mb())
                cpu, at = [0.0, 0.0], done
        closed = writer.commit([archive.system_event("writer.closed", {})], final=True)
        archive.tail.apply([one.folded for one in closed])
        writer.close()
    return costs


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return round(pages * resource.getpagesize() / 1e6)


def _make(plain: sqlite3.Connection) -> None:
    plain.execute("PRAGMA journal_mode=WAL")
    plain.execute("PRAGMA synchronous=NORMAL")
    plain.execute(f"CREATE TABLE plain(received_us INTEGER, {', '.join(_FIELDS)}, item)")
    for name in _FIELDS:
        plain.execute(f"CREATE INDEX plain_{name} ON plain({name}, received_us)")


def _plain_row(entry: Message) -> tuple[Any, ...]:
    about = entry.metadata
    item = {"id": entry.id, "sha256": entry.sha256.hex(), "sha512": entry.sha512.hex(), "size": entry.size}
    item |= {name: getattr(about, name) for name in about.__dataclass_fields__}
    values = (entry.message_id, about.dossier_number, about.employer_code, about.procedure)
    return entry.received_us, *values, about.transaction_id, json.dumps(item)


def _insert(plain: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    plain.execute("BEGIN")
    plain.executemany(f"INSERT INTO plain VALUES({', '.join('?' * (len(_FIELDS) + 2))})", rows)
    plain.execute("COMMIT")


def _questions(messages: int, seed: int) -> Iterator[tuple[str, dict[str, str]]]:
    chance = random.Random(seed + 1)
    for _ in range(_ASKED):
        number = chance.randrange(messages)
        yield "message_id", {"message_id": f"bench-{number:012d}"}
        yield "dossier", {"dossier_number": f"{number:07d}/2026/07900"}
        yield "employer", {"employer_code": f"TZ{number % _EMPLOYERS:05d}"}
        yield "procedure", {"procedure": _PROCEDURES[number % len(_PROCEDURES)]}


def _ask(home: Path, plain: sqlite3.Connection, messages: int, seed: int) -> dict[str, float]:
    """Median and 95th percentile of each question, in milliseconds, and the plain table's beside them."""
    times: dict[str, list[float]] = {}
    with Archive.open(home) as archive:
        archive.catch_up()
        for name, filters in _questions(messages, seed):
            query = Query(filters, limit=_SHOWN)
            began = time.perf_counter()
            ours = archive.search.page(query, bare=True).items
            times.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
            (column, value), *_ = filters.items()
            began = time.perf_counter()
            theirs = [json.loads(row[0]) for row in plain.execute(_NEWEST.format(f"{column} = ?"), (value,))]
            times.setdefault(f"plain_{name}", []).append((time.perf_counter() - began) * 1e3)
            if [item["id"] for item in ours] != [item["id"] for item in theirs]:
                raise SystemExit(f"{filters} was answered wrongly")
    found: dict[str, float] = {}
    for name, taken in times.items():
        found |= {f"{name}_ms": middle(taken), f"{name}_p95_ms": round(percentile(taken, 0.95), 2)}
    return found


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


def _ready(home: Path, token: str) -> dict[str, float]:
    """Seconds from the start of a node without a cache until it answers and until it accepts."""
    began = time.monotonic()
    answered = found = 0.0
    oldest = f"/v1/search?message_id=bench-{0:012d}"
    with serving(home, token, wait=False) as server:
        while True:
            answered = answered or _after(began, server, "/v1/search?procedure=600&limit=1", "items")
            found = found or _after(began, server, oldest, f'"bench-{0:012d}"')
            ready = _after(began, server, "/v1/health/ready", "")
            if ready and found:
                return {
                    "first_answer_s": round(answered, 1),
                    "oldest_found_s": round(found, 1),
                    "ready_s": round(ready, 1),
                }
            if time.monotonic() - began > _MOST_S:
                raise SystemExit(f"the node was not ready within {_MOST_S} s")
            time.sleep(0.2)


def _after(began: float, server: Server, path: str, wanted: str) -> float:
    """Seconds since then if the node gives that now; 0 else."""
    try:
        text = server.get(path).decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return 0.0
    return time.monotonic() - began if wanted in text else 0.0


if __name__ == "__main__":
    main()
