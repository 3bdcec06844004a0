"""What a probe of a store found, and the event that puts it on record. No store is touched here."""

from __future__ import annotations

from vanvault.archiver.stores.verdict.model import (
    ProbeFinding,
    ProbeResult,
    Severity,
    Verdict,
    rfc3339,
    verdict,
)
from vanvault.archiver.stores.verdict.record import (
    ProbeOnRecord,
    distrust,
    override_detail,
    override_event,
    override_until,
    probe_event,
    read_probe,
    signed_detail,
)

__all__ = [
    "ProbeFinding",
    "ProbeOnRecord",
    "ProbeResult",
    "Severity",
    "Verdict",
    "distrust",
    "override_detail",
    "override_event",
    "override_until",
    "probe_event",
    "read_probe",
    "rfc3339",
    "signed_detail",
    "verdict",
]
