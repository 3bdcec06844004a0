"""A backup or a load that kills itself with SIGKILL: ``killed.py HOME run|load STEP NTH``."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

from tests.recovery.backup.kit import Kit
from tests.support.lab import Lab
from vanvault.recovery.backup.restore import plan_objects, restore_objects
from vanvault.recovery.backup.stage import open_stage

HOME, VERB, STEP, NTH = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
_steps = itertools.count(1)


def fault(name: str) -> None:
    if name == STEP and next(_steps) == NTH:
        os.kill(os.getpid(), signal.SIGKILL)


kit = Kit(Lab(HOME), Path())
if VERB == "run":
    kit.run(fault=fault)
else:
    with kit.open() as (archive, repository), open_stage(HOME / "cache" / "backup") as stage:
        plan = plan_objects(archive, repository, ["primary", "standby"])
        restore_objects(archive, repository, plan, stage, fault=fault)
