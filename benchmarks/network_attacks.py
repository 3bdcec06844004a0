"""How long attacks over the network keep a good push from being accepted.

    python benchmarks/network_attacks.py [--quick] [--folder DIR] [ATTACK]...

Each attack runs against a ``vanvault serve`` of its own, under a soft limit of 1,024 open files, and goes on
while another gateway pushes. Prints one line of JSON for each: ``attack``, ``first_s`` (seconds until the
first push is accepted), ``worst_s`` (the slowest of the pushes that follow), ``attempts`` of the first,
``pushes``, ``health_s`` (the slowest readiness check beside them). What is promised is 15 s.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from common import Server, serving
from places import add_options, place_for
from tests.support.attacks import half_open, huge_headers, push_until_taken, silent, trickled, unread

from vanvault.archiver.appliance import init_home
from vanvault.archiver.core.ports import SystemClock, SystemEntropy
from vanvault.archiver.people import Gateways

_SECONDS, _QUICK_SECONDS = 20.0, 4.0  # of pushes beside each attack
_SOFT_FILES = 1024

Attack = Callable[[int, str], AbstractContextManager[object]]
ATTACKS: dict[str, Attack] = {
    "half-open-4100": lambda port, token: half_open(port, 4_100),
    "silent-1100": lambda port, token: silent(port, 1_100),
    "unread-4100": lambda port, token: unread(port, 4_100),
    "unread-4100-again": lambda port, token: unread(port, 4_100, again=True),
    "header-100-mib": lambda port, token: huge_headers(port),
    "trickled-16": lambda port, token: trickled(port, token),
    "trickled-16-after-30-mib": lambda port, token: trickled(port, token, first=30 * 2**20),
}


def main() -> None:
    """Run the attacks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "attacks", nargs="*", metavar="ATTACK", help=f"without any, all: {', '.join(ATTACKS)}"
    )
    options = parser.parse_args()
    lasting = _QUICK_SECONDS if options.quick else _SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with place_for("attacks", options) as place:
        for name in options.attacks or ATTACKS:
            attack = ATTACKS[name]
            folder = Path(tempfile.mkdtemp(dir=place.folder))
            resource.setrlimit(resource.RLIMIT_NOFILE, (_SOFT_FILES, hard))  # what the server begins with
            line = run(name, attack, folder / "home", hard, lasting)
            print(json.dumps(line | place.facts()), flush=True)
            shutil.rmtree(folder, ignore_errors=True)


def run(name: str, attack: Attack, home: Path, hard: int, lasting_s: float) -> dict[str, object]:
    """One attack on a node of its own."""
    hostile = init_home(home)
    good = Gateways(home).add("gateway-2", SystemEntropy(), SystemClock()).secret
    with serving(home, good) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for the attacker's own sockets
        with attack(server.port, hostile):
            begun = time.perf_counter()
            attempts = push_until_taken(server.port, good, "good-0", b"<good/>", patience_s=120)
            first = time.perf_counter() - begun
            taken, health = [], []
            while time.perf_counter() - begun < lasting_s:
                taken.append(seconds(lambda: push(server, good, len(taken) + 1)))
                health.append(seconds(lambda: ready(server)))
                time.sleep(0.1)
    return {
        "attack": name,
        "first_s": round(first, 3),
        "worst_s": round(max(taken, default=0.0), 3),
        "attempts": attempts,
        "pushes": 1 + len(taken),
        "health_s": round(max(health, default=0.0), 3),
    }


def push(server: Server, token: str, number: int) -> None:
    """One good push, however many attempts it takes."""
    if not push_until_taken(server.port, token, f"good-{number}", b"<good/>", patience_s=120):
        raise SystemExit("a good push was not accepted within 120 s")


def ready(server: Server) -> None:
    """One check of readiness, as a load balancer makes it. Raises OSError when there is no answer."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://127.0.0.1:{server.port}/v1/health/ready", timeout=60
    ) as answer:
        answer.read()


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
