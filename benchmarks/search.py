"""Ten years found in milliseconds: the same rows in VanVault, an encrypted DuckDB file and chDB.

    python benchmarks/search.py [--rows N] [--sites file|minio] [--quick] [--seed N] [--folder DIR]
        [--without duckdb|chdb]

See README.md beside this file for what is measured and how it is kept fair.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import percentile
from benchmarks.places import add_options, place_for
from benchmarks.search_rivals import CONDITIONS, KEYS, ChDb, DuckDb, Rival
from benchmarks.ten_years import DAYS, days, folder_bytes, plain, write_segment

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.times import to_us

#: Queries whose ratios count: those of the four keys and the two lists.
RATED = (*CONDITIONS, "histogram")
_INDEX_BUCKET = "index"


@dataclass
class Wanted:
    """Values that some rows have, drawn while the rows are made."""

    samples: list[dict[str, str]] = field(default_factory=list)

    def note(self, log: pa.Table, generator: random.Random, share: float) -> None:
        if generator.random() > share:
            return
        row = log.slice(generator.randrange(log.num_rows), 1).to_pylist()[0]
        at: datetime = row["received_at"]
        year, month = at.year, at.month
        self.samples.append(
            {
                "message_id": row["message_id"],
                "dossier_number": row["dossier_number"],
                "insurance_number": row["insurance_numbers"][0],
                "transaction_id": row["transaction_id"],
                "employer_code": row["employer_code"],
                "procedure": row["procedure"],
                "state": row["state"],
                "year_from": f"{year}-01-01",
                "year_to": f"{year + 1}-01-01",
                "month_from": f"{year}-{month:02d}-01",
                "month_to": f"{year + month // 12}-{month % 12 + 1:02d}-01",
            }
        )

    def of(self, query: str, count: int) -> list[dict[str, str]]:
        """Values for one query, each with its span of time."""
        span = "month" if "month" in query else "year"
        chosen = [one for one in self.samples if one["message_id"]] if query == "message_id" else self.samples
        return [{**one, "from": one[f"{span}_from"], "to": one[f"{span}_to"]} for one in chosen[:count]]


def main() -> None:
    """Build, ask, print a table and one line of JSON."""
    arguments = _arguments()
    with place_for("search", arguments) as place:
        line = _run(place.folder, arguments)
    print(json.dumps(line | place.facts()))


def _run(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    wanted = Wanted()
    generator = random.Random(arguments.seed)
    share = min(1.0, 4 * arguments.samples / min(DAYS, arguments.rows))
    home = folder / "home"
    with _places(home, arguments) as index_bytes:
        return _compared(folder, home, index_bytes, wanted, generator, share, arguments)


def _compared(
    folder: Path,
    home: Path,
    index_bytes: Callable[[], int],
    wanted: Wanted,
    generator: random.Random,
    share: float,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    results: dict[str, Any] = {
        "rows": 0,
        "sites": arguments.sites,
        "build_s": {},
        "p50_ms": {},
        "p99_ms": {},
        "cold_p99_ms": {},
    }
    sizes: dict[str, int] = {}
    with Archive.open(home) as archive:
        with _timed(results["build_s"], "vanvault"):
            for day in days(arguments.rows, arguments.seed):
                sizes["log"] = sizes.get("log", 0) + write_segment(archive, day, level=arguments.level)
                results["rows"] += day.log.num_rows
                wanted.note(day.log, generator, share)
            report = archive.index.rebuild()
        assert not report.unreadable
        sizes["index"] = index_bytes()
    generator.shuffle(wanted.samples)
    results["index_segments"] = report.indexed
    results["bytes_per_row"] = round((sizes["log"] + sizes["index"]) / results["rows"], 1)
    results["log_bytes_per_row"] = round(sizes["log"] / results["rows"], 1)
    results["index_bytes_per_row"] = round(sizes["index"] / results["rows"], 1)
    results["build_peak_rss_mb"] = _peak_mb()
    _ask_vanvault(home, wanted, arguments, results)
    rivals: dict[str, Callable[[Path], Rival]] = {"duckdb": DuckDb, "chdb": ChDb}
    for name, make in rivals.items():
        if name not in arguments.without:
            _ask_rival(name, make, folder, wanted, arguments, results)
    _print_table(results)
    return results


@contextmanager
def _places(home: Path, arguments: argparse.Namespace) -> Iterator[Callable[[], int]]:
    """Where the log and the index lie; gives what tells the bytes of the index."""
    if arguments.sites == "file":
        init_home(home)
        yield lambda: folder_bytes(home / "index")
        return
    from benchmarks.minio_sites import minio_sites

    with minio_sites(home.parent) as sites:
        endpoint = sites.servers[0].endpoint
        client = endpoint.client()
        client.create_bucket(Bucket=_INDEX_BUCKET)
        os.environ["VANVAULT_INDEX__URL"] = endpoint.site_url(_INDEX_BUCKET)
        os.environ["VANVAULT_INDEX_ACCESS_KEY"] = endpoint.access_key
        os.environ["VANVAULT_INDEX_SECRET_KEY"] = endpoint.secret_key
        sites.init(home)

        def listed() -> int:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=_INDEX_BUCKET)
            return sum(line["Size"] for page in pages for line in page.get("Contents", []))

        yield listed


def _ask_vanvault(home: Path, wanted: Wanted, arguments: argparse.Namespace, results: dict[str, Any]) -> None:
    """In a process of its own, so that its memory is that of searching."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            try:
                json.dump(_measured_vanvault(home, wanted, arguments), pipe)
            except BaseException as error:
                json.dump({"error": repr(error)}, pipe)
                raise
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = json.load(pipe)
    os.waitpid(child, 0)
    if "error" in answer:
        raise SystemExit(answer["error"])
    for key in ("p50_ms", "p99_ms", "cold_p99_ms"):
        results[key]["vanvault"] = answer[key]
    results |= {key: answer[key] for key in ("peak_rss_mb", "claim_us")}


def _measured_vanvault(home: Path, wanted: Wanted, arguments: argparse.Namespace) -> dict[str, Any]:
    times: dict[str, dict[str, list[float]]] = {"warm": {}, "cold": {}}
    for query in RATED:
        values = wanted.of(query, arguments.samples)
        times["cold"][query] = []
        for one in values[: arguments.cold]:
            _drop_cache(home)
            with Archive.open(home) as archive:
                archive.index.reader(archive.catalogue.state(archive.tail.connection()).logs)
                times["cold"][query].append(_one_vanvault(archive, query, one))
    with Archive.open(home) as archive:
        for query in RATED:
            values = wanted.of(query, arguments.samples)
            for one in values:
                _one_vanvault(archive, query, one)  # what is asked again is warm
            times["warm"][query] = [_one_vanvault(archive, query, one) for one in values]
        claim_us = _claims_us(archive, arguments.samples * 20)
        peak = _peak_mb()
    return {
        "p50_ms": {query: _ms(found, 0.5) for query, found in times["warm"].items()},
        "p99_ms": {query: _ms(found, 0.99) for query, found in times["warm"].items()},
        "cold_p99_ms": {query: _ms(found, 0.99) for query, found in times["cold"].items()},
        "peak_rss_mb": peak,
        "claim_us": claim_us,
    }


def _one_vanvault(archive: Archive, query: str, values: dict[str, str]) -> float:
    began = time.perf_counter()
    if query == "histogram":
        rollups = archive.index.reader().months()
        found: int = len(rollups.select(procedure=values["procedure"]).by("month"))
    else:
        found = len(archive.search.page(_query(query, values)).items)
    took = time.perf_counter() - began
    if not found:
        raise SystemExit(f"{query} found nothing for {values}")
    return took


def _query(query: str, values: dict[str, str]) -> Query:
    fields = [name for name in (*KEYS, "procedure", "state") if f"{{{name}}}" in CONDITIONS[query]]
    filters = {name: values[name] for name in fields}
    if "{from}" not in CONDITIONS[query]:
        return Query(filters)
    return Query(filters, from_us=_us(values["from"]), to_us=_us(values["to"]))


def _us(day: str) -> int:
    return to_us(datetime.fromisoformat(day).replace(tzinfo=UTC))


def _claims_us(archive: Archive, count: int) -> float:
    """Microseconds of asking whether a new id was archived before."""
    ids = [f"VAN-new-{number:09d}" for number in range(count)]
    archive.claims.find("message", "gateway-1", ids[0])
    began = time.perf_counter()
    for one in ids:
        if archive.claims.find("message", "gateway-1", one) is not None:
            raise SystemExit("a new id was found")
    return round((time.perf_counter() - began) / count * 1e6, 1)


def _ask_rival(
    name: str,
    make: Callable[[Path], Rival],
    folder: Path,
    wanted: Wanted,
    arguments: argparse.Namespace,
    results: dict[str, Any],
) -> None:
    rival = make(folder)
    with _timed(results["build_s"], name):
        rival.load(_plain_rows(arguments))
    warm: dict[str, list[float]] = {}
    for query in RATED:
        values = wanted.of(query, arguments.rival_samples)
        for one in values:
            _one_rival(rival, query, one)
        warm[query] = [_one_rival(rival, query, one) for one in values]
    results[f"{name}_bytes_per_row"] = round(rival.size() / results["rows"], 1)
    rival.close()
    results["p50_ms"][name] = {query: _ms(found, 0.5) for query, found in warm.items()}
    results["p99_ms"][name] = {query: _ms(found, 0.99) for query, found in warm.items()}
    ours = results["p50_ms"]["vanvault"]
    ratios = {query: round(results["p50_ms"][name][query] / max(ours[query], 1e-3), 2) for query in RATED}
    results[f"{name}_ratios"] = ratios
    results[f"{name}_ratio"] = min(ratios.values())


def _one_rival(rival: Rival, query: str, values: dict[str, str]) -> float:
    began = time.perf_counter()
    found = rival.histogram(values) if query == "histogram" else rival.rows(query, values)
    took = time.perf_counter() - began
    if not found:
        raise SystemExit(f"{rival.name}: {query} found nothing for {values}")
    return took


def _plain_rows(arguments: argparse.Namespace) -> Iterator[pa.Table]:
    for day in days(arguments.rows, arguments.seed):
        yield plain(day.log)


def _drop_cache(folder: Path) -> None:
    """Ask the kernel to forget these files."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def _ms(seconds: Sequence[float], share: float) -> float:
    return round(percentile(seconds, share) * 1000, 2) if seconds else 0.0


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@contextmanager
def _timed(results: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    results[name] = round(time.perf_counter() - began, 1)


def _print_table(results: dict[str, Any]) -> None:
    names = list(results["p50_ms"])
    print(
        f"{'query':24}" + "".join(f"{name + ' p50':>16}{'p99':>10}" for name in names) + f"{'cold p99':>12}"
    )
    for query in RATED:
        cells = "".join(
            f"{results['p50_ms'][name][query]:>16}{results['p99_ms'][name][query]:>10}" for name in names
        )
        print(f"{query:24}{cells}{results['cold_p99_ms']['vanvault'][query]:>12}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument(
        "--sites", choices=("file", "minio"), default="file", help="where VanVault keeps log and index"
    )
    parser.add_argument("--quick", action="store_true", help="400,000 rows, few samples")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--level", type=int, default=6, help="zstd level of the log")
    add_options(parser)
    parser.add_argument("--without", action="append", default=[], choices=("duckdb", "chdb"))
    parser.add_argument("--keep", action="store_true", help="leave the folder for another look")
    arguments = parser.parse_args()
    arguments.samples, arguments.rival_samples, arguments.cold = 200, 40, 10
    if arguments.quick:
        arguments.rows, arguments.samples, arguments.rival_samples, arguments.cold = 400_000, 40, 10, 1
    arguments.as_it_is |= arguments.keep  # a loop mount cannot be left
    return arguments


if __name__ == "__main__":
    main()
