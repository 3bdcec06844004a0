"""An archive put together: components, what reads, what writes, and the making of a home."""

from __future__ import annotations

from vanvault.archiver.appliance.archive import Archive
from vanvault.archiver.appliance.components import Components, open_components
from vanvault.archiver.appliance.disposers import check_no_disposer, open_disposers
from vanvault.archiver.appliance.home import init_home
from vanvault.archiver.appliance.keys_on_record import ESCROWED, missing_acts, sealed_on_record
from vanvault.archiver.appliance.reader import ArchiveReader
from vanvault.archiver.appliance.rotation import credentials_master, rotate_in_escrow, rotate_master
from vanvault.archiver.appliance.worker_home import open_home, open_sites

__all__ = [
    "ESCROWED",
    "Archive",
    "ArchiveReader",
    "Components",
    "check_no_disposer",
    "credentials_master",
    "init_home",
    "missing_acts",
    "open_components",
    "open_disposers",
    "open_home",
    "open_sites",
    "rotate_in_escrow",
    "rotate_master",
    "sealed_on_record",
]
