"""The probe: attacks a store as an insider would, and says whether it may hold an archive."""

from __future__ import annotations

from vanvault.archiver.stores.probe.clients import attacker
from vanvault.archiver.stores.probe.file_site import probe_file
from vanvault.archiver.stores.probe.model import ProbeResult
from vanvault.archiver.stores.probe.record import (
    ProbeOnRecord,
    distrust,
    override_detail,
    override_event,
    override_until,
    probe_event,
    read_probe,
    signed_detail,
)
from vanvault.archiver.stores.probe.run import probe_s3

__all__ = [
    "ProbeOnRecord",
    "ProbeResult",
    "attacker",
    "distrust",
    "override_detail",
    "override_event",
    "override_until",
    "probe_event",
    "probe_file",
    "probe_s3",
    "read_probe",
    "signed_detail",
]
