"""``python -m tests.faults.chaos.run``: seeded runs, and one line of JSON at the end (``make chaos``).

The history of each run stays in ``--folder`` (build/chaos): JSON lines of time, actor, action, outcome. The
exit code is 0 only when nothing was lost, duplicated or unverified.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.servers.host_clock import library
from tests.servers.minio import binary

MODES = ("namespaces", "loopback", "memory")
_UNSHARE = ["unshare", "--net", "--mount"]
#: Sums over all runs; a run without one of these was broken off.
_COUNTS = ("acknowledged", "lost", "duplicated", "unverified", "twins", "conflicts")
#: What no run of the mode tries, and why.
_NOT_TRIED = {
    "namespaces": ["clock jumps of stores"],
    "loopback": [
        "clock jumps of stores",
        "gateways cut off, links down, full disks (these need network namespaces)",
    ],
    "memory": ["processes, sockets and disks", "clock jumps of stores"],
}
_NO_CLOCKS = "clock jumps of nodes (their clock is not built: python -m tests.servers.install)"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    mode = options.mode or best_mode()
    last = options.first + options.runs - 1
    print(f"chaos: {mode}, seed {options.seed}, runs {options.first} to {last}", file=sys.stderr)
    began = time.monotonic()
    numbers = range(options.first, last + 1)
    if mode == "memory":
        from tests.faults.chaos.memory import run_in_memory

        results = [run_in_memory(options.folder, options.seed, number) for number in numbers]
    else:
        results = [_one(mode, options, number) for number in numbers]
    report = summary(results)
    report |= {
        "mode": mode,
        "seed": options.seed,
        "not_tried": _NOT_TRIED[mode] + [_NO_CLOCKS] * (mode != "memory" and not library().is_file()),
        "histories": str(options.folder),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(report))
    return 0 if good(report) else 3


def best_mode() -> str:
    """Network namespaces where they are permitted, else processes on loopback."""
    try:
        done = subprocess.run([*_UNSHARE, "ip", "link"], capture_output=True, check=False)
    except FileNotFoundError:
        return "loopback"
    return "namespaces" if done.returncode == 0 and os.geteuid() == 0 else "loopback"


def summary(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All runs together."""
    nemeses: Counter[str] = Counter()
    for result in results:
        nemeses.update(result.get("nemeses", ()))
    counts = {name: sum(result.get(name, 0) for result in results) for name in _COUNTS}
    failed = [result["run"] for result in results if not good(result)]
    return {"runs": len(results), **counts, "failed": failed, "nemeses": dict(sorted(nemeses.items()))}


def good(result: dict[str, Any]) -> bool:
    """Was every promise kept, in a run that came to its end?"""
    kept = not any(result.get(name, 1) for name in ("lost", "duplicated", "unverified"))
    return kept and not result.get("failed") and not result.get("broken_off")


def _one(mode: str, options: argparse.Namespace, number: int) -> dict[str, Any]:
    """One run in a process of its own, which takes its network and its mounts with it when it ends."""
    command = [sys.executable, "-m", "tests.faults.chaos.real", mode, str(options.seed), str(number)]
    command += [str(options.seconds), str(options.folder), str(options.nodes)]
    command = [*_UNSHARE, *command] if mode == "namespaces" else command
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    result: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    if not lines:
        result = {"run": f"seed-{options.seed}-run-{number}", "broken_off": True, "unverified": 1}
    print(f"chaos: {json.dumps(result)}", file=sys.stderr)
    return result


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Seeded runs of faults against whole clusters.")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="number of the first run; repeats one run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="of load in each run")
    parser.add_argument("--nodes", type=int, choices=(1, 2), default=2, help="API nodes at each site")
    parser.add_argument("--mode", choices=MODES, help="default: namespaces where permitted, else loopback")
    parser.add_argument("--folder", type=Path, default=Path("build/chaos"))
    options = parser.parse_args(arguments)
    if options.mode != "memory" and not binary().is_file():
        parser.error("MinIO is not built: run `python -m tests.servers.install`")
    return options


if __name__ == "__main__":
    sys.exit(main())
