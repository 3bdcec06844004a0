"""The third copy: a restic repository elsewhere that is written, checked and restored from."""

from __future__ import annotations

from vanvault.recovery.backup.control import BUNDLE
from vanvault.recovery.backup.holding import CopyLooked, look_for_objects
from vanvault.recovery.backup.restore import ObjectsPlan
from vanvault.recovery.backup.run import BackupPlan, BackupReport
from vanvault.recovery.backup.standing import BackupStanding, backup_standing, may_hold_objects
from vanvault.recovery.backup.third_copy import BackupReader, backup_reader
from vanvault.recovery.backup.verbs import (
    BackupCheckRequest,
    BackupRequest,
    ControlRequest,
    Elsewhere,
    ForgetRequest,
    LoadRequest,
    backup,
    backup_check,
    backup_forget,
    backup_init,
    backup_list,
    backup_load,
    backup_restore_control,
)

__all__ = [
    "BUNDLE",
    "BackupCheckRequest",
    "BackupPlan",
    "BackupReader",
    "BackupReport",
    "BackupRequest",
    "BackupStanding",
    "ControlRequest",
    "CopyLooked",
    "Elsewhere",
    "ForgetRequest",
    "LoadRequest",
    "ObjectsPlan",
    "backup",
    "backup_check",
    "backup_forget",
    "backup_init",
    "backup_list",
    "backup_load",
    "backup_reader",
    "backup_restore_control",
    "backup_standing",
    "look_for_objects",
    "may_hold_objects",
]
