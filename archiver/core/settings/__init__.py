"""The settings of a home: data, checked whole, without reading any file by themselves."""

from __future__ import annotations

from vanvault.archiver.core.settings.renamed import RENAMED
from vanvault.archiver.core.settings.sections import (
    BackupSettings,
    JobSettings,
    JobsSettings,
    KeysSettings,
    MetricsSettings,
    Pkcs11Settings,
)
from vanvault.archiver.core.settings.settings import (
    FILE_NAME,
    SITE_NAMES,
    Settings,
    initial_text,
    load_settings,
)

__all__ = [
    "FILE_NAME",
    "RENAMED",
    "SITE_NAMES",
    "BackupSettings",
    "JobSettings",
    "JobsSettings",
    "KeysSettings",
    "MetricsSettings",
    "Pkcs11Settings",
    "Settings",
    "initial_text",
    "load_settings",
]
