"""Objects at several sites: listed together, and copied one by one with their locks."""

from __future__ import annotations

from vanvault.recovery.objects.compacted import DIGEST_BYTES, CompactedBatches, CompactedRange
from vanvault.recovery.objects.copying import (
    lock_of,
    pass_on,
    read_good,
    write_good,
)
from vanvault.recovery.objects.listing import LAST, Copies, Known, Listing, SegmentCopies, nothing_known
from vanvault.recovery.objects.locks import (
    SignedDates,
    listed_with_locks,
    newest_with_locks,
    nothing_signed,
    signed_dates,
    with_lock,
)
from vanvault.recovery.objects.outage import is_of_one_object
from vanvault.recovery.objects.passed import PassedOver, nothing_passed, passed_over
from vanvault.recovery.objects.replaced import standing_at

__all__ = [
    "DIGEST_BYTES",
    "LAST",
    "CompactedBatches",
    "CompactedRange",
    "Copies",
    "Known",
    "Listing",
    "PassedOver",
    "SegmentCopies",
    "SignedDates",
    "is_of_one_object",
    "listed_with_locks",
    "lock_of",
    "newest_with_locks",
    "nothing_known",
    "nothing_passed",
    "nothing_signed",
    "pass_on",
    "passed_over",
    "read_good",
    "signed_dates",
    "standing_at",
    "with_lock",
    "write_good",
]
