"""The table of checks: group, severity and meaning of each, in one place, with the reasons.

Why the severities are what they are: VanVault gives every PUT an explicit COMPLIANCE date and reads it
back, addresses versions by id, names objects uniquely by itself, and uses multipart only where this probe
passed it. So a store may lack conditional writes, multipart locks, default retention or SHA-256 checks
without harm to an archive (``weak`` when it pretends to have them). It may not give up a locked version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vanvault.archiver.stores.verdict import ProbeFinding, Severity


@dataclass(frozen=True, slots=True)
class ProbeCheck:
    """One thing that is tried."""

    group: int
    severity: Severity
    title: str


CHECKS: Mapping[str, ProbeCheck] = {
    "lock-enabled": ProbeCheck(
        1, "refuse", "a bucket made with Object Lock has it, and versioning, switched on"
    ),
    "delete-version": ProbeCheck(1, "refuse", "DELETE of a locked version"),
    "delete-bypass": ProbeCheck(1, "refuse", "the same with x-amz-bypass-governance-retention"),
    "delete-objects": ProbeCheck(1, "refuse", "DeleteObjects of locked versions, with bypass"),
    "delete-objects-mixed": ProbeCheck(1, "refuse", "DeleteObjects of [expired, locked], in this order"),
    "delete-null": ProbeCheck(1, "refuse", "DELETE versionId=null on a locked key"),
    "shorten": ProbeCheck(2, "refuse", "an earlier COMPLIANCE date, also with bypass"),
    "downgrade": ProbeCheck(2, "refuse", "GOVERNANCE with a later date"),
    "clear": ProbeCheck(2, "refuse", "an empty retention, also with bypass"),
    "past-date": ProbeCheck(2, "refuse", "a date in the past"),
    "offset-date": ProbeCheck(2, "refuse", "an earlier instant that looks later, by a +14:00 offset"),
    "unparsable-date": ProbeCheck(
        2, "refuse", "a date that is not one, as new retention of a locked version"
    ),
    "extend": ProbeCheck(2, "refuse", "a later date is taken and reads back"),
    "extend-far": ProbeCheck(
        2, "refuse", "an extension to the year 2110 must not end up earlier than it was"
    ),
    "date-readback": ProbeCheck(3, "refuse", "a COMPLIANCE date reads back to the second, with its mode"),
    "date-2036": ProbeCheck(3, "refuse", "a date in 2036 reads back exactly"),
    "date-2039": ProbeCheck(3, "refuse", "a date in 2039 (past 2038-01-19) reads back exactly"),
    "date-2110": ProbeCheck(3, "weak", "a date in 2110 (past 2106-02-07) reads back exactly"),
    "multipart-lock": ProbeCheck(4, "weak", "multipart keeps an explicit lock"),
    "multipart-hold": ProbeCheck(4, "weak", "multipart keeps a legal hold"),
    "multipart-default": ProbeCheck(4, "info", "multipart gets the bucket's default retention"),
    "hold-binds": ProbeCheck(5, "refuse", "a version under legal hold outlives its expired retention"),
    "hold-after-expiry": ProbeCheck(5, "refuse", "a hold set after expiry binds"),
    "hold-keeps-lock": ProbeCheck(5, "refuse", "a hold header beside an explicit lock leaves the lock alone"),
    "expiry-releases": ProbeCheck(5, "info", "an expired version without hold can be removed"),
    "hold-keeps-default": ProbeCheck(5, "info", "a hold header does not switch the default retention off"),
    "default-stamped": ProbeCheck(6, "info", "default retention is written to each new object"),
    "default-weakened": ProbeCheck(6, "refuse", "a weakened default leaves locked objects as they are"),
    "default-bounds": ProbeCheck(6, "info", "default retention of 0 and of 36,501 days is refused"),
    "overwrite": ProbeCheck(7, "refuse", "PUT over a locked key: the old version stays byte-identical"),
    "self-copy": ProbeCheck(7, "refuse", "COPY of a locked key onto itself: the old version stays"),
    "delete-marker": ProbeCheck(7, "refuse", "a delete marker hides a locked version, no more"),
    "versioning-suspend": ProbeCheck(8, "refuse", "versioning cannot be suspended"),
    "bucket-delete": ProbeCheck(8, "refuse", "a bucket with a locked version cannot be deleted"),
    "lifecycle": ProbeCheck(8, "refuse", "a lifecycle rule takes no locked version, while watched"),
    "if-none-match": ProbeCheck(9, "weak", "If-None-Match: * refuses a second PUT"),
    "if-none-match-race": ProbeCheck(9, "weak", "of 16 racing PUTs with If-None-Match: * one wins"),
    "if-none-match-marker": ProbeCheck(9, "info", "If-None-Match: * refuses a PUT over a delete marker"),
    "if-none-match-multipart": ProbeCheck(9, "info", "If-None-Match: * refuses a second multipart"),
    "body-digest": ProbeCheck(10, "refuse", "changed bytes are refused, by one digest at least"),
    "wrong-md5": ProbeCheck(10, "weak", "a wrong Content-MD5 is refused"),
    "wrong-sha256": ProbeCheck(10, "weak", "a wrong x-amz-checksum-sha256 is refused"),
    "checksum-returned": ProbeCheck(10, "info", "the SHA-256 is kept and given back"),
    "clock-skew": ProbeCheck(11, "refuse", "the store's clock agrees with this host's"),
    "unproved-clock": ProbeCheck(11, "info", "not provable: who may set the store's clock"),
    "unproved-admin": ProbeCheck(11, "info", "not provable: what the store's own admin tools can remove"),
    "unproved-lifecycle": ProbeCheck(11, "info", "not provable: what lifecycle and replication do later"),
    "duty-writer": ProbeCheck(12, "refuse", "the writer's credentials take nothing away"),
    "duty-reader": ProbeCheck(12, "refuse", "the reader's credentials take nothing away"),
    "duty-keeper": ProbeCheck(12, "refuse", "the keeper's credentials take nothing away"),
    "duty-disposer": ProbeCheck(12, "refuse", "the disposer's credentials take nothing away that is locked"),
    "duty-prober": ProbeCheck(12, "refuse", "the prober's credentials, all-powerful here, take nothing away"),
    "duty-admin": ProbeCheck(12, "refuse", "the administrator's credentials take nothing away"),
    "duty-replication": ProbeCheck(12, "refuse", "the replication credentials take nothing away"),
    "least-privilege": ProbeCheck(
        12, "info", "writer, reader and keeper may not delete even what is not locked"
    ),
    "disposer-rights": ProbeCheck(
        12, "weak", "the disposer may remove a version that is not locked, and do nothing else"
    ),
    "file-delete": ProbeCheck(1, "refuse", "delete of a locked version through the store"),
    "file-shorten": ProbeCheck(2, "refuse", "an earlier date"),
    "file-extend": ProbeCheck(2, "refuse", "a later date is taken and reads back"),
    "file-readback": ProbeCheck(3, "refuse", "date, size and bytes read back exactly"),
    "file-overwrite": ProbeCheck(
        7, "refuse", "a second put of the key leaves the first version byte-identical"
    ),
    "file-expiry": ProbeCheck(5, "info", "an expired version can be removed"),
    "file-immutable": ProbeCheck(8, "weak", "a locked file cannot be unlinked past VanVault"),
    "file-permissions": ProbeCheck(12, "info", "whether another user of this host can write to the folder"),
}


def finding(check: str, ok: bool, detail: str) -> ProbeFinding:
    """A finding with the group and severity that the table gives this check."""
    row = CHECKS[check]
    return ProbeFinding(check=check, group=row.group, ok=ok, severity=row.severity, detail=detail)


def capabilities(findings: Iterable[ProbeFinding]) -> dict[str, bool]:
    """What the store proved to be able to do; false where the check failed or was not made."""
    passed = {one.check for one in findings if one.ok}
    return {
        "checksum_md5": "wrong-md5" in passed,
        "checksum_sha256": "wrong-sha256" in passed,
        "checksum_returned": "checksum-returned" in passed,
        "dates_past_2106": {"date-2110", "extend-far"} <= passed,
        "default_retention": "default-stamped" in passed,
        "exact_dates": {"date-readback", "date-2036", "date-2039"} <= passed or "file-readback" in passed,
        "legal_hold": {"hold-binds", "hold-after-expiry"} <= passed,
        "multipart_lock": "multipart-lock" in passed,
        "put_if_absent": {"if-none-match", "if-none-match-race"} <= passed,
    }
