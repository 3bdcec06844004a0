"""The door of backup."""

from __future__ import annotations

from vanvault.recovery.backup.check import Backup, check_backup, forget_backups, list_backups
from vanvault.recovery.backup.control import BUNDLE
from vanvault.recovery.backup.place import Place, open_restic, place_of
from vanvault.recovery.backup.plan import check_floor
from vanvault.recovery.backup.record import Record
from vanvault.recovery.backup.repository import Repository
from vanvault.recovery.backup.restore import (
    ObjectsPlan,
    load_objects,
    plan_load,
    plan_objects,
    restore_control,
    restore_objects,
)
from vanvault.recovery.backup.run import BackupPlan, BackupReport, plan_backup, run_backup
from vanvault.recovery.backup.stage import Stage, open_stage

__all__ = [
    "BUNDLE",
    "Backup",
    "BackupPlan",
    "BackupReport",
    "ObjectsPlan",
    "Place",
    "Record",
    "Repository",
    "Stage",
    "check_backup",
    "check_floor",
    "forget_backups",
    "list_backups",
    "load_objects",
    "open_restic",
    "open_stage",
    "place_of",
    "plan_backup",
    "plan_load",
    "plan_objects",
    "restore_control",
    "restore_objects",
    "run_backup",
]
