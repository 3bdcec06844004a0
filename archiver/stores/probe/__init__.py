"""The probe: attacks a store as an insider would; what it finds is a ``ProbeResult`` (``stores.verdict``)."""

from __future__ import annotations

from vanvault.archiver.stores.probe.clients import attacker
from vanvault.archiver.stores.probe.file_site import probe_file
from vanvault.archiver.stores.probe.run import probe_s3

__all__ = ["attacker", "probe_file", "probe_s3"]
