"""Makes the golden residue segment: ``python -m tests.golden.make_residue FOLDER``.

The home of ``segment-v1/`` as it stood eleven years later, after a disposal of one message, one line of the
log and the bytes of another message. It is committed under ``residue-v1/``, and once there is a release it is
never made again.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from tests.golden.make import STARTED, leave_out_caches
from tests.golden.make_segment import copy_home
from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.upkeep.residue import Disposed, write_residue

SEGMENT_V1 = Path(__file__).parent / "segment-v1"
DISPOSED_AT = STARTED + timedelta(days=11 * 366)
DISPOSAL = "d-0123456789abcdef"
#: Ids of messages and events, and what goes of each.
GONE = {"m-1": "entry", "m-2": "original", "e-1": "entry"}


def make(folder: Path) -> None:
    """Write the home of segment-v1 with a residue segment."""
    home = folder / "home"
    copy_home(SEGMENT_V1 / "home", home)
    with Archive.open(home, ports=Ports.under(ManualClock(DISPOSED_AT), SeededEntropy(13))) as archive:
        archive.catch_up()
        segments = archive.catalogue.segments()
        for segment in segments:
            chosen = [
                Disposed(row["id"], GONE[row[name]], "QD08-2015/5", row["received_at"])
                for row in archive.locator.rows(segment)
                for name in ("message_id" if row["entry"] == "message" else "event_id",)
                if row[name] in GONE
            ]
            if chosen:
                write_residue(archive, [segment], chosen, disposal=DISPOSAL)
    leave_out_caches(home)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
