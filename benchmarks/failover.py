"""Time from ``vanvault failover promote`` to the first search answer and the first accepted message.

A node runs on two sites; the primary dies under it, by going away (file sites) or by freezing so that it
takes connections and never answers (MinIO); an operator promotes the standby. Clients ask all the time.
Runs differ in when the site is lost and how soon the operator acts: the node checks its clocks and sites
twice a minute, and a check that a loss catches must not keep intake shut after the promotion.

    python benchmarks/failover.py [--quick] [--sites file|minio] [--runs N]

The last line is JSON: ``promote_to_search_s`` and ``promote_to_intake_s`` are the longest of all runs, from
the start of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from common import Server, serving
from places import add_options, place_for

from vanvault.archiver.appliance import init_home

#: Longest wait for an answer after the promotion, in seconds; the target is 60.
_PATIENCE_S = 180


@dataclass(frozen=True, slots=True)
class Phase:
    """When things happen, in seconds."""

    serving_s: float  # from readiness to the loss
    loss_s: float  # from the loss to the promotion: the node notices, clients are refused


#: The node's checks are due about 30 and 60 s after its start (``clock.check_interval_s``): well before the
#: loss, between loss and promotion, and after the promotion.
_PHASES = (Phase(35, 1), Phase(35, 5), Phase(57, 5), Phase(50, 20))
#: Under ``--quick``, with checks that come every so many seconds.
_QUICK, _QUICK_CHECK_S = Phase(6, 5), 5


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one run, from the start of the command ``promote``."""

    search_s: float
    intake_s: float
    command_s: float
    search_during_loss_s: float  # the slowest search between the loss and the promotion


class Client:
    """A gateway that waits for each answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def push(self, message_id: str) -> bool:
        """True when it is acknowledged."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._server.port}/v1/messages",
            data=b"<m>%s</m>" % message_id.encode(),
            headers={
                "Authorization": f"Bearer {self._server.token}",
                "Vanvault-Message-Id": message_id,
                "Content-Type": "application/xml",
            },
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=_PATIENCE_S) as answer:
                return bool(answer.status in (200, 201))
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return False
            raise

    def finds(self, message_id: str) -> bool:
        """True when the search gives the message and its original is given, too."""
        items = json.loads(self._server.get(f"/v1/search?message_id={message_id}"))["items"]
        return bool(items) and bool(self._server.get(f"/v1/messages/{items[0]['id']}/original"))


def measure(home: Path, token: str, phase: Phase, lose: Callable[[], None]) -> Times:
    """One life: serve, lose the primary, promote."""
    with serving(home, token) as server:
        client = Client(server)
        _until(lambda: client.push("before"))
        time.sleep(phase.serving_s)
        lose()
        refused = threading.Thread(target=lambda: client.push("during"), daemon=True)
        refused.start()
        slowest, lost_at = 0.0, time.monotonic()
        while time.monotonic() - lost_at < phase.loss_s:
            asked = time.monotonic()
            _until(lambda: client.finds("before"))
            slowest = max(slowest, time.monotonic() - asked)
        began = time.monotonic()
        command = [sys.executable, "-m", "vanvault.cli", "--home", str(home), "failover", "promote"]
        promotion = subprocess.Popen(
            [*command, "--reason", "benchmark", "--yes", "--json"], stdout=subprocess.DEVNULL
        )
        found: dict[str, float] = {}
        search = threading.Thread(
            target=lambda: _note(found, "search", began, lambda: client.finds("before"))
        )
        intake = threading.Thread(target=lambda: _note(found, "intake", began, lambda: client.push("after")))
        search.start()
        intake.start()
        if promotion.wait(_PATIENCE_S):
            raise SystemExit("the promotion failed")
        command_s = time.monotonic() - began
        search.join(_PATIENCE_S)
        intake.join(_PATIENCE_S)
        if len(found) < 2:
            raise SystemExit(
                f"no answer within {_PATIENCE_S} s after the promotion; answered: {sorted(found)}"
            )
    return Times(found["search"], found["intake"], command_s, slowest)


def _note(found: dict[str, float], name: str, began: float, done: Callable[[], bool]) -> None:
    _until(done)
    found[name] = time.monotonic() - began


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not done() and time.monotonic() < until:
        time.sleep(0.05)


def run_on_files(folder: Path, phase: Phase) -> Times:
    """The primary's folder goes away."""
    home = folder / "home"
    token = init_home(home)
    primary = home / "sites" / "primary"

    def lose() -> None:
        primary.rename(folder / "lost")

    return measure(home, token, phase, lose)


def run_on_minio(folder: Path, phase: Phase) -> Times:
    """The primary's server freezes: connections are taken, nothing answers."""
    from minio_sites import minio_sites  # the tests' servers, which file sites do not need

    with minio_sites(folder) as sites:
        token = sites.init(folder / "home")
        return measure(folder / "home", token, phase, sites.servers[0].processes.freeze)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", choices=("file", "minio"), default="minio")
    parser.add_argument("--runs", type=int, default=len(_PHASES), help="each in the next phase")
    parser.add_argument("--quick", action="store_true", help="one run, under 50 s")
    add_options(parser)
    options = parser.parse_args()
    began = time.perf_counter()
    run = {"file": run_on_files, "minio": run_on_minio}[options.sites]
    phases = list(islice(cycle(_PHASES), options.runs))
    if options.quick:
        phases = [_QUICK]
        os.environ["VANVAULT_CLOCK__CHECK_INTERVAL_S"] = str(_QUICK_CHECK_S)  # of the node to come
    times = []
    with place_for("failover", options) as place:
        for number, phase in enumerate(phases, start=1):
            times.append(run(Path(tempfile.mkdtemp(dir=place.folder)), phase))
            print(f"run {number}: {phase} {times[-1]}")
    line = {
        "benchmark": "failover",
        "sites": options.sites,
        "quick": options.quick,
        "runs": len(times),
        **place.facts(),
        "seconds": round(time.perf_counter() - began, 1),
        "promote_to_search_s": round(max(one.search_s for one in times), 2),
        "promote_to_intake_s": round(max(one.intake_s for one in times), 2),
        "promote_command_s": round(max(one.command_s for one in times), 2),
        "search_during_loss_s": round(max(one.search_during_loss_s for one in times), 2),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
