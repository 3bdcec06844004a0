"""The table of checks: group, severity and meaning of each, in one place, with the reasons.

Why the severities are what they are: VanVault gives every PUT an explicit COMPLIANCE date and reads it
back, addresses versions by id, names objects uniquely by itself, and uses multipart only where this probe
passed it. So a store may lack conditional writes, multipart locks, default retention or SHA-256 checks
without harm to an archive (``weak`` when it pretends to have them). It may not give up a locked version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vanvault.archiver.stores.probe.model import Finding, Severity


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is tried."""

    group: int
    severity: Severity
    title: str


CHECKS: Mapping[str, Check] = {
    "lock-enabled": Check(1, "refuse", "a bucket made with Object Lock has it, and versioning, switched on"),
    "delete-version": Check(1, "refuse", "DELETE of a locked version"),
    "delete-bypass": Check(1, "refuse", "the same with x-amz-bypass-governance-retention"),
    "delete-objects": Check(1, "refuse", "DeleteObjects of locked versions, with bypass"),
    "delete-objects-mixed": Check(1, "refuse", "DeleteObjects of [expired, locked], in this order"),
    "delete-null": Check(1, "refuse", "DELETE versionId=null on a locked key"),
    "shorten": Check(2, "refuse", "an earlier COMPLIANCE date, also with bypass"),
    "downgrade": Check(2, "refuse", "GOVERNANCE with a later date"),
    "clear": Check(2, "refuse", "an empty retention, also with bypass"),
    "past-date": Check(2, "refuse", "a date in the past"),
    "offset-date": Check(2, "refuse", "an earlier instant that looks later, by a +14:00 offset"),
    "unparsable-date": Check(2, "refuse", "a date that is not one, as new retention of a locked version"),
    "extend": Check(2, "refuse", "a later date is taken and reads back"),
    "extend-far": Check(2, "refuse", "an extension to the year 2110 must not end up earlier than it was"),
    "date-readback": Check(3, "refuse", "a COMPLIANCE date reads back to the second, with its mode"),
    "date-2036": Check(3, "refuse", "a date in 2036 reads back exactly"),
    "date-2039": Check(3, "refuse", "a date in 2039 (past 2038-01-19) reads back exactly"),
    "date-2110": Check(3, "weak", "a date in 2110 (past 2106-02-07) reads back exactly"),
    "multipart-lock": Check(4, "weak", "multipart keeps an explicit lock"),
    "multipart-hold": Check(4, "weak", "multipart keeps a legal hold"),
    "multipart-default": Check(4, "info", "multipart gets the bucket's default retention"),
    "hold-binds": Check(5, "refuse", "a version under legal hold outlives its expired retention"),
    "hold-after-expiry": Check(5, "refuse", "a hold set after expiry binds"),
    "hold-keeps-lock": Check(5, "refuse", "a hold header beside an explicit lock leaves the lock alone"),
    "expiry-releases": Check(5, "info", "an expired version without hold can be removed"),
    "hold-keeps-default": Check(5, "info", "a hold header does not switch the default retention off"),
    "default-stamped": Check(6, "info", "default retention is written to each new object"),
    "default-weakened": Check(6, "refuse", "a weakened default leaves locked objects as they are"),
    "default-bounds": Check(6, "info", "default retention of 0 and of 36,501 days is refused"),
    "overwrite": Check(7, "refuse", "PUT over a locked key: the old version stays byte-identical"),
    "self-copy": Check(7, "refuse", "COPY of a locked key onto itself: the old version stays"),
    "delete-marker": Check(7, "refuse", "a delete marker hides a locked version, no more"),
    "versioning-suspend": Check(8, "refuse", "versioning cannot be suspended"),
    "bucket-delete": Check(8, "refuse", "a bucket with a locked version cannot be deleted"),
    "lifecycle": Check(8, "refuse", "a lifecycle rule takes no locked version, while watched"),
    "if-none-match": Check(9, "weak", "If-None-Match: * refuses a second PUT"),
    "if-none-match-race": Check(9, "weak", "of 16 racing PUTs with If-None-Match: * one wins"),
    "if-none-match-marker": Check(9, "info", "If-None-Match: * refuses a PUT over a delete marker"),
    "if-none-match-multipart": Check(9, "info", "If-None-Match: * refuses a second multipart"),
    "body-digest": Check(10, "refuse", "changed bytes are refused, by one digest at least"),
    "wrong-md5": Check(10, "weak", "a wrong Content-MD5 is refused"),
    "wrong-sha256": Check(10, "weak", "a wrong x-amz-checksum-sha256 is refused"),
    "checksum-returned": Check(10, "info", "the SHA-256 is kept and given back"),
    "clock-skew": Check(11, "refuse", "the store's clock agrees with this host's"),
    "unproved-clock": Check(11, "info", "not provable: who may set the store's clock"),
    "unproved-admin": Check(11, "info", "not provable: what the store's own admin tools can remove"),
    "unproved-lifecycle": Check(11, "info", "not provable: what lifecycle and replication do later"),
    "duty-writer": Check(12, "refuse", "the writer's credentials take nothing away"),
    "duty-reader": Check(12, "refuse", "the reader's credentials take nothing away"),
    "duty-keeper": Check(12, "refuse", "the keeper's credentials take nothing away"),
    "duty-prober": Check(12, "refuse", "the prober's credentials, all-powerful here, take nothing away"),
    "duty-admin": Check(12, "refuse", "the administrator's credentials take nothing away"),
    "duty-replication": Check(12, "refuse", "the replication credentials take nothing away"),
    "least-privilege": Check(12, "info", "writer, reader and keeper may not delete even what is not locked"),
    "file-delete": Check(1, "refuse", "delete of a locked version through the store"),
    "file-shorten": Check(2, "refuse", "an earlier date"),
    "file-extend": Check(2, "refuse", "a later date is taken and reads back"),
    "file-readback": Check(3, "refuse", "date, size and bytes read back exactly"),
    "file-overwrite": Check(7, "refuse", "a second put of the key leaves the first version byte-identical"),
    "file-expiry": Check(5, "info", "an expired version can be removed"),
    "file-immutable": Check(8, "weak", "a locked file cannot be unlinked past VanVault"),
    "file-permissions": Check(12, "info", "whether another user of this host can write to the folder"),
}


def finding(check: str, ok: bool, detail: str) -> Finding:
    """A finding with the group and severity that the table gives this check."""
    row = CHECKS[check]
    return Finding(check=check, group=row.group, ok=ok, severity=row.severity, detail=detail)


def capabilities(findings: Iterable[Finding]) -> dict[str, bool]:
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
