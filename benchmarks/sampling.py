"""Where the server's CPU goes, by part: samples of its stacks, taken from outside by py-spy."""

from __future__ import annotations

import linecache
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*):(?P<line>\d+)\)")
_HASHING = re.compile(r"sha(256|512)\(|sha(256|512)\.(update|digest)|Sha")

#: (pattern over "file:function", part), tried on each frame from the innermost outwards. What matches
#: nothing, such as shared helpers, counts for whoever called it.
_PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        (r"archiver/core/metadata/", "reading metadata (XML)"),
        (r"archiver/core/evidence/", "receipts: canonical JSON, Merkle tree"),
        (r"archiver/keys/signing", "receipts: signature"),
        (r"archiver/keys/parquet", "Parquet: data keys"),
        (r"archiver/core/format/batch|pyarrow/", "Parquet: columns, zstd, AES"),
        (r"archiver/catalogue/hot_tail.*:claim$", "id look-up"),
        (r"archiver/catalogue/(hot_tail|items)|intake/folder", "hot tail: fold into SQLite"),
        (r"archiver/(stores|replicas|disk)/", "store: write, fsync, read back"),
        (r"archiver/people/", "token check"),
        (r"archiver/intake/(pool|intake|committer)", "pool and hand-over"),
        (r"archiver/intake/writer", "rows and commit"),
        (r"archiver/intake/", "drafts and checks"),
        (r"api/batch_body", "cutting batch requests"),
        (r"api/", "routes"),
        (r"(fastapi|starlette)/", "FastAPI and Starlette"),
        (r"(uvicorn|httptools)/", "uvicorn"),
        (r"asyncio/|uvloop/", "event loop, sockets"),
        (r"concurrent/futures|threading", "thread hand-over"),
    )
)


def available() -> str | None:
    """The path of py-spy, which stands beside the interpreter or on the PATH; None without it."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


@contextmanager
def sampled(pid: int, output: Path, *, rate: int = 250) -> Iterator[None]:
    """Sample a process during the block; only threads on a CPU count. Collapsed stacks go to ``output``."""
    tool = available()
    if tool is None:
        raise SystemExit("--profile needs py-spy: pip install py-spy")
    command = [
        tool,
        "record",
        "--pid",
        str(pid),
        "--format",
        "raw",
        "--rate",
        str(rate),
        "--nonblocking",
        "--full-filenames",
    ]
    process = subprocess.Popen(
        [*command, "--output", str(output)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    if not output.exists():
        raise SystemExit(f"py-spy took no samples: {errors.decode(errors='replace').strip()}")


def parts_of(stacks: Path) -> list[tuple[str, float]]:
    """(part, share of all samples), largest first."""
    counts: Counter[str] = Counter()
    for line in stacks.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        counts[_part(stack.split(";"))] += int(count)
    total = sum(counts.values())
    return [(part, count / total) for part, count in counts.most_common()]


def _part(frames: Sequence[str]) -> str:
    for depth, frame in enumerate(reversed(frames)):
        match = _FRAME.fullmatch(frame)
        if match is None:
            continue
        if depth == 0:
            source = linecache.getline(match["file"], int(match["line"]))
            if "/api/" in match["file"] or "intake/writer" in match["file"]:
                if _HASHING.search(source):
                    return "hashing: SHA-256, SHA-512"
                if "orjson.dumps" in source:
                    return "answers: JSON"
        place = f"{match['file']}:{match['function']}"
        for pattern, part in _PARTS:
            if pattern.search(place):
                return part
    return "other"
