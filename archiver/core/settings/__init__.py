"""The settings of a home: data, checked whole, without reading any file by themselves."""

from __future__ import annotations

from vanvault.archiver.core.settings.approvals import ApprovalSettings
from vanvault.archiver.core.settings.bounds import OUT_OF_BOUNDS, bounds_of
from vanvault.archiver.core.settings.mail import MailSettings
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
    DEMO_PREFIX,
    SITE_NAMES,
    Settings,
)

__all__ = [
    "DEMO_PREFIX",
    "OUT_OF_BOUNDS",
    "RENAMED",
    "SITE_NAMES",
    "ApprovalSettings",
    "BackupSettings",
    "GatewayLimits",
    "JobSettings",
    "JobsSettings",
    "KeysSettings",
    "MailSettings",
    "MetricsSettings",
    "Pkcs11Settings",
    "Settings",
    "bounds_of",
]
