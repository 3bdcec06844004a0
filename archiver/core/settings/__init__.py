"""The settings of a home: data, checked whole, without reading any file by themselves."""

from __future__ import annotations

from vanvault.archiver.core.settings.renamed import RENAMED
from vanvault.archiver.core.settings.sections import (
    BackupSettings,
    GatewayLimits,
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
    "RENAMED",
    "SITE_NAMES",
    "BackupSettings",
    "GatewayLimits",
    "JobSettings",
    "JobsSettings",
    "KeysSettings",
    "MetricsSettings",
    "Pkcs11Settings",
    "Settings",
]
