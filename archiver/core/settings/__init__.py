"""The door of core.settings."""

from __future__ import annotations

from vanvault.archiver.core.settings.sections import (
    BackupSettings,
    JobSettings,
    JobsSettings,
    KeysSettings,
    MetricsSettings,
    Pkcs11Settings,
)
from vanvault.archiver.core.settings.settings import (
    SITE_NAMES,
    Settings,
)

__all__ = [
    "SITE_NAMES",
    "BackupSettings",
    "JobSettings",
    "JobsSettings",
    "KeysSettings",
    "MetricsSettings",
    "Pkcs11Settings",
    "Settings",
]
