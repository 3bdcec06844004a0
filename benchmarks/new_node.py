"""A new node's first search after the loss of the primary and of the node, with and without the kept index.

    python benchmarks/new_node.py [--segments N] [--rows N] [--sites file|minio] [--quick] [--rounds N]
        [--seed N] [--folder DIR]

Ends with one line of JSON. What it measures and how to read it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from commands import run
from common import middle, new_node, said
from minio_sites import BUCKET, give_credentials, minio
from places import add_options, place_for
from ten_years import DAYS, day_of, write_segment
from tests.servers.minio import MinioServer

from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.settings import SITE_NAMES

_MOST_S = 1800  # until all must be found
_INDEX_BUCKET = "index"


class Ground(Protocol):
    """Two sites of one kind, which both keep the index."""

    def init(self, home: Path) -> None:
        """Make a home whose sites are here."""
        ...

    def lose_primary(self, home: Path) -> None:
        """It is gone, with all that it held."""
        ...

    def point(self, home: Path, node: Path) -> None:
        """Let a new node reach the sites of the home."""
        ...

    def without_kept(self, home: Path) -> AbstractContextManager[None]:
        """The standby keeps no index until the block ends."""
        ...


class Files:
    """Folders in the home."""

    def init(self, home: Path) -> None:
        init_home(home)

    def lose_primary(self, home: Path) -> None:
        shutil.rmtree(home / "sites" / "primary")

    def point(self, home: Path, node: Path) -> None:
        (node / "sites").symlink_to(home / "sites")

    @contextmanager
    def without_kept(self, home: Path) -> Iterator[None]:
        index, aside = home / "sites" / "standby" / "index", home / "index-aside"
        index.rename(aside)
        yield
        aside.rename(index)


@dataclass(frozen=True, slots=True)
class Servers:
    """Two MinIO servers; each keeps the index in a bucket without locks."""

    servers: Mapping[str, MinioServer]  # by site

    def init(self, home: Path) -> None:
        for site, server in self.servers.items():
            give_credentials(server, site)
            server.endpoint.client().create_bucket(Bucket=_INDEX_BUCKET)
            os.environ[_index_url(site)] = server.endpoint.site_url(_INDEX_BUCKET)
        init_home(home, **{site: one.endpoint.site_url(BUCKET) for site, one in self.servers.items()})

    def lose_primary(self, home: Path) -> None:
        self.servers["primary"].stop()

    def point(self, home: Path, node: Path) -> None:
        """The settings name the servers."""

    @contextmanager
    def without_kept(self, home: Path) -> Iterator[None]:
        url = os.environ[_index_url("standby")]
        os.environ[_index_url("standby")] = "none"
        yield
        os.environ[_index_url("standby")] = url


@contextmanager
def ground(kind: str, folder: Path) -> Iterator[Ground]:
    """Sites of this kind, "file" or "minio"."""
    if kind == "file":
        yield Files()
        return
    with ExitStack() as stack:
        yield Servers({site: stack.enter_context(minio(folder / site)) for site in SITE_NAMES})


def _index_url(site: str) -> str:
    return f"VANVAULT_SITES__{site.upper()}__INDEX_URL"


@dataclass(slots=True)
class Bench:
    """An archive that the standby alone holds, and what new nodes of it took."""

    home: Path
    sites: Ground
    wanted: str  # the id of a message in the oldest segment
    figures: dict[str, list[float]] = field(default_factory=dict)

    def round(self, number: int) -> None:
        """A new node of each kind, with the kept index and without."""
        for column in ("kept", "without"):
            with self.sites.without_kept(self.home) if column == "without" else nullcontext():
                self._whole_command(column, self._new(f"{column}-{number}"))
                self._phases(column, self._new(f"{column}-phases-{number}"))

    def _new(self, name: str) -> Path:
        path = new_node(self.home, self.home.parent / name)
        self.sites.point(self.home, path)
        return path

    def _whole_command(self, column: str, home: Path) -> None:
        """``vanvault search`` from nothing; again, until the answer leaves nothing out."""
        begun, cpu = time.perf_counter(), 0.0
        while True:
            command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), "search", "--json"]
            done = run([*command, "--message-id", self.wanted])
            first, cpu = not cpu, cpu + done.cpu_s
            if first:
                self._note(column, "first_search", done.seconds, done.cpu_s, done.peak_bytes)
            answer = json.loads(done.output[done.output.index(b"{") :])
            if not answer["unread"]:
                break
            if time.perf_counter() - begun > _MOST_S:
                raise SystemExit(f"not all is found: {answer['unread'][:3]}")
        if [item["message_id"] for item in answer["items"]] != [self.wanted]:
            raise SystemExit(f"a wrong answer: {answer}")
        self._note(column, "all_found", time.perf_counter() - begun, cpu)
        shutil.rmtree(home)

    def _phases(self, column: str, home: Path) -> None:
        done = run([sys.executable, __file__, "--phases-of", str(home), self.wanted])
        for name, (wall, cpu) in json.loads(done.output.splitlines()[-1]).items():
            self._note(column, name, wall, cpu)
        shutil.rmtree(home)

    def _note(self, column: str, name: str, wall: float, cpu: float, peak: int = 0) -> None:
        values = {f"{name}_s": wall, f"{name}_cpu_s": cpu} | ({"peak_mb": peak / 1e6} if peak else {})
        for key, value in values.items():
            self.figures.setdefault(f"{column}_{key}", []).append(value)


def build(home: Path, sites: Ground, segments: int, rows: int, seed: int) -> Bench:
    """An archive of small day segments of which both sites keep the index; then the primary is lost."""
    sites.init(home)
    with Archive.open(home) as archive:
        first = None
        for number in range(segments):
            day = day_of(number, segments, rows, seed)
            first = first or day.log.column("message_id")[0].as_py()
            write_segment(archive, day, level=1, sites=SITE_NAMES, whole=True)
        said(f"{segments} segments")
        archive.index.rebuild()
        said("index")
        for kept in archive.keep_index():
            if kept.failure:
                raise SystemExit(f"{kept.site} keeps no index: {kept.failure}")
    said("kept")
    sites.lose_primary(home)
    return Bench(home, sites, first)


def phases(home: Path, wanted: str) -> dict[str, tuple[float, float]]:
    """Seconds and CPU seconds of the steps up to the first answer, and of what comes after it."""
    found: dict[str, tuple[float, float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun, cpu = time.perf_counter(), _cpu_s()
        value = work()
        found[name] = time.perf_counter() - begun, _cpu_s() - cpu
        return value

    archive = timed("open", lambda: Archive.open(home))
    with archive:
        timed("manifests", archive.catch_up_segments)
        timed("index", lambda: archive.index.catch_up(within_s=20.0))
        timed("fold", archive.refresh)
        timed("answer", lambda: archive.search.page(Query({"message_id": wanted}, limit=50)))
        timed("claim", lambda: archive.claims.find("message", "gateway-1", "not-there"))

        def fetch() -> None:
            while archive.index.bring_next():
                pass

        timed("fetch", fetch)
    return found


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Builds the archive, and lets new nodes begin."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="89 segments, one round, under a minute")
    parser.add_argument("--segments", type=int, default=DAYS, help=f"one for each day (default: {DAYS:,})")
    parser.add_argument("--rows", type=int, default=100, help="of each segment (default: 100)")
    parser.add_argument("--sites", choices=("file", "minio"), default="file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases-of", nargs=2, help=argparse.SUPPRESS)
    add_options(parser)
    options = parser.parse_args()
    if options.phases_of:
        print(json.dumps(phases(Path(options.phases_of[0]), options.phases_of[1])))
        return
    segments, rounds = (89, 1) if options.quick else (options.segments, options.rounds)
    begun = time.perf_counter()
    with place_for("new-node", options) as place, ground(options.sites, place.folder) as sites:
        bench = build(place.folder / "home", sites, segments, options.rows, options.seed)
        for number in range(rounds):
            bench.round(number)
            said(f"round {number + 1} of {rounds}")
    figures = {name: middle(values) for name, values in bench.figures.items()}
    facts = {
        "benchmark": "new_node",
        "quick": options.quick,
        "seed": options.seed,
        "sites": options.sites,
        "segments": segments,
        "rows": options.rows * segments,
        "rounds": rounds,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    for name in sorted({name.partition("_")[2] for name in figures}):
        values = [f"{figures.get(f'{column}_{name}', 0):10.2f}" for column in ("kept", "without")]
        print(f"{name:20}", *values)
    print(json.dumps({**facts, **place.facts(), **figures}))


if __name__ == "__main__":
    main()
