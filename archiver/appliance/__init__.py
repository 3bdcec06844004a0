"""The door of appliance."""

from __future__ import annotations

from vanvault.archiver.appliance.archive import Archive
from vanvault.archiver.appliance.home import INDEX_WORK, KEYS_FOLDER, hot_tail_of, init_home
from vanvault.archiver.appliance.keys_on_record import ESCROWED
from vanvault.archiver.appliance.rotation import rotate_in_escrow, rotate_master
from vanvault.archiver.appliance.worker_home import open_home

__all__ = [
    "ESCROWED",
    "INDEX_WORK",
    "KEYS_FOLDER",
    "Archive",
    "hot_tail_of",
    "init_home",
    "open_home",
    "rotate_in_escrow",
    "rotate_master",
]
