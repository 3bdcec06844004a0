"""What benchmarks share: original messages to send, a real server to send them to, and honest measures."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from places import REPOSITORY

from vanvault.archiver.core.sample import dossiers
from vanvault.archiver.home_files import SETTINGS_FILE

sys.path.insert(0, str(REPOSITORY))  # the tests' servers and doubles are no part of the package

_STAMP = (b"<NgayLap>", b"</NgayLap>")
_FIRST_STAMP = datetime(2026, 1, 1, tzinfo=UTC)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Original:
    """One message to send; both fields are unique in a run."""

    message_id: str
    body: bytes


@dataclass(slots=True)
class Originals:
    """An endless supply of unique originals over a pool of signed dossiers.

    Signing takes longer than archiving, so each dossier of the pool comes again under another creation
    time, which makes its bytes, and so its digests, unique. The pool is larger than any group that is
    committed at once, so that no copy of a dossier helps to compress another.
    """

    pool: Sequence[bytes]
    size: int = field(init=False)
    _places: list[tuple[int, int]] = field(init=False)
    _taken: int = 0

    def __post_init__(self) -> None:
        self._places = [(body.index(_STAMP[0]) + len(_STAMP[0]), body.index(_STAMP[1])) for body in self.pool]
        self.size = round(sum(map(len, self.pool)) / len(self.pool))

    def take(self, count: int) -> list[Original]:
        """The next ``count``."""
        taken = []
        for number in range(self._taken, self._taken + count):
            index = number % len(self.pool)
            body, (start, end) = self.pool[index], self._places[index]
            stamp = f"{_FIRST_STAMP + timedelta(seconds=number):%d/%m/%Y %H:%M:%S}".encode()
            taken.append(Original(f"bench-{number:09d}", body[:start] + stamp + body[end:]))
        self._taken += count
        return taken


def make_originals(pool: int, seed: int, *, size: int = 10_000) -> Originals:
    """Sign ``pool`` dossiers of about ``size`` bytes, on all cores."""
    workers = os.cpu_count() or 1
    share = -(-pool // workers)
    with ProcessPoolExecutor(workers) as executor:
        parts = executor.map(_sign, [(share, seed + worker, size) for worker in range(workers)])
        return Originals([body for part in parts for body in part][:pool])


def _sign(task: tuple[int, int, int]) -> list[bytes]:
    count, seed, size = task
    return list(dossiers(count, seed, size=size))


@dataclass(frozen=True, slots=True)
class Stored:
    """Objects at one site: how many, their bytes, and the bytes of the disk blocks they take."""

    objects: int = 0
    size: int = 0
    allocated: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.objects + other.objects, self.size + other.size, self.allocated + other.allocated)

    def __sub__(self, other: Stored) -> Stored:
        return self + Stored(-other.objects, -other.size, -other.allocated)


NOTHING = Stored()


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of a process so far, all its threads, in steps of a clock tick."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def allocated(folder: Path) -> int:
    """Bytes of the disk blocks of all files below ``folder``."""
    return 512 * sum(path.stat().st_blocks for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class Server:
    """A running node: its process, where it listens, and the first gateway's token."""

    pid: int
    port: int
    token: str

    def get(self, path: str) -> bytes:
        """The body of a GET request."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body


@contextmanager
def serving(home: Path, token: str, *, wait: bool = True) -> Iterator[Server]:
    """``vanvault serve`` over a home, as a process of its own, until the block ends.

    ``wait``: until it is ready.
    """
    port = _free_port()
    log = home / "server.log"
    command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), "serve"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        server = Server(process.pid, port, token)
        if wait:
            _wait_ready(server, process, log)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            server.get("/v1/health/ready")
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"the server is not ready:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def middle(values: Sequence[float], digits: int = 2) -> float:
    """The median, rounded for the table and the JSON line."""
    return round(median(values), digits)


def said(what: str) -> None:
    """How far it is, for whoever waits."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def new_node(home: Path, target: Path) -> Path:
    """What a new node is given: settings and keys; no hot tail, catalogue or index."""
    target.mkdir()
    for name in (SETTINGS_FILE, "gateways.json"):
        shutil.copy(home / name, target / name)
    shutil.copytree(home / "keys", target / "keys")
    return target
