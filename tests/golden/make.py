"""Makes the golden archive of format version 1: ``python -m tests.golden.make FOLDER``.

The content is the same at every run, because clock and randomness are given. The bytes are not: Parquet's
data keys and nonces come from the operating system. So the result is committed under ``v1/``. Until the first
release it is made anew when the format changes; what every later version must read is that very archive.

In it: messages and events, a large object, and two writers, the first of which crashed.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.support.archives import Node, event, message
from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.appliance.places import HOT_TAIL
from vanvault.archiver.core.model import Draft, Metadata
from vanvault.archiver.core.ports import Ports

STARTED = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
#: Put into an object of its own.
LARGE = Random(2026).randbytes(20_000)
ABOUT = Metadata(
    kind="dossier",
    transaction_id="t-1",
    ivan="00099",
    employer_code="TZ1234Z",
    tax_code="0101234567",
    insurance_numbers=("7912345678", "7900000001"),
    dossier_number="00123/2026/07900",
    procedure="600",
    period="11/2026",
    state="submitted",
    agency="Bảo hiểm xã hội Quận 1",
)
FIRST: list[Draft] = [
    message("m-1", "<hồ-sơ/>".encode(), given=ABOUT),
    message("m-2", bytes(range(256))),
    event("e-1"),
]
SECOND: list[Draft] = [
    *(message(f"m-{n}", b"<%d/>" % n * n, given=ABOUT) for n in range(4, 120)),
    event("e-2", type="dossier.accepted"),
]
#: Whose receipts are kept: of every object, and of the last row beyond a row group.
KEPT = ("m-1", "m-2", "e-1", "m-3", "m-4", "m-103", "m-104", "m-119", "e-2")


def make(folder: Path) -> None:
    """Write the archive, its keys and the receipts that were given."""
    clock, entropy = ManualClock(STARTED), SeededEntropy(2026)
    home = folder / "home"
    init_home(home, clock=clock, entropy=entropy)
    receipts: dict[str, Any] = {}

    crashing = threading.Event()

    def crash(step: str) -> None:
        if crashing.is_set():
            raise OSError("the process ends here")

    with Archive.open(home, ports=Ports.under(clock, entropy), store_fault=crash) as archive:
        node = Node(archive)
        node.wait_ready()
        receipts |= {
            draft.client_id: receipt for draft, (receipt, _) in zip(FIRST, node.submit(FIRST), strict=True)
        }
        receipts["m-3"] = node.push(node.placed(message("m-3", LARGE, given=ABOUT)))
        crashing.set()
        node.stop()
    clock.advance(timedelta(days=1))
    with Archive.open(home, ports=Ports.under(clock, entropy)) as archive, Node(archive) as node:
        node.wait_ready()
        receipts |= {
            draft.client_id: receipt for draft, (receipt, _) in zip(SECOND, node.submit(SECOND), strict=True)
        }
    leave_out_caches(home)
    kept = {client_id: receipts[client_id] for client_id in KEPT}
    (folder / "receipts.json").write_text(json.dumps(kept, indent=1) + "\n")


def leave_out_caches(home: Path) -> None:
    """Take away what any node makes again by itself."""
    for folder in ((home / HOT_TAIL).parent, home / "index", home / "index-work"):
        shutil.rmtree(folder, ignore_errors=True)
    for site in ("primary", "standby"):
        shutil.rmtree(home / "sites" / site / "tmp")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
