"""The third copy: a restic repository elsewhere that is written, checked and restored from."""

from __future__ import annotations

from vanvault.recovery.backup.check import Backup, BackupCheck
from vanvault.recovery.backup.control import BUNDLE
from vanvault.recovery.backup.restore import ControlReport, ObjectsPlan, ObjectsReport
from vanvault.recovery.backup.run import BackupPlan, BackupReport
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
    "Backup",
    "BackupCheck",
    "BackupCheckRequest",
    "BackupPlan",
    "BackupReader",
    "BackupReport",
    "BackupRequest",
    "ControlReport",
    "ControlRequest",
    "Elsewhere",
    "ForgetRequest",
    "LoadRequest",
    "ObjectsPlan",
    "ObjectsReport",
    "backup",
    "backup_check",
    "backup_forget",
    "backup_init",
    "backup_list",
    "backup_load",
    "backup_reader",
    "backup_restore_control",
]
