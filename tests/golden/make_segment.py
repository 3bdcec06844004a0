"""Makes the golden segment: ``python -m tests.golden.make_segment FOLDER``.

The home of ``v1/`` as it stood three days later, after a compaction by this version. Like ``v1/`` it is
committed, under ``segment-v1/``, and once there is a release it is never made again.
"""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

from tests.golden.make import STARTED, leave_out_caches
from tests.support.clocks import ManualClock
from tests.support.entropy import SeededEntropy
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.upkeep import compact

V1 = Path(__file__).parent / "v1"
COMPACTED = STARTED + timedelta(days=3)


def copy_home(golden: Path, home: Path) -> None:
    """A copy that can be opened: permissions and empty folders are what no version control keeps."""
    shutil.copytree(golden, home)
    (home / "keys").chmod(0o700)
    for key in (home / "keys").iterdir():
        key.chmod(0o644 if key.name.endswith(".pub.pem") else 0o600)
    for site in ("primary", "standby"):
        (home / "sites" / site / "tmp").mkdir()


def make(folder: Path) -> None:
    """Write the home of v1 with its segments."""
    home = folder / "home"
    copy_home(V1 / "home", home)
    with Archive.open(home, ports=Ports.under(ManualClock(COMPACTED), SeededEntropy(12))) as archive:
        compact(archive)
    leave_out_caches(home)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
