"""Object Lock as it should be, in memory, with one switch for each way to get it wrong.

This is the part of the faulty S3 store without HTTP: buckets, versions, locks. A *fault* is a name; a
model with no faults does everything right.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Container
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Condition, RLock

Headers = dict[str, str]
LEAST = ("writer", "reader", "keeper")  # access keys that may not delete versions
DISPOSER = "disposer"  # may delete versions, and nothing else that changes something


class S3Error(Exception):
    """A refusal, with S3's code and the HTTP status."""

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass
class Version:
    """One version, or one delete marker, of a key."""

    id: str
    body: bytes = b""
    marker: bool = False
    mode: str = ""
    until: datetime | None = None
    hold: bool = False
    sha256: str = ""  # base64, as it was given


@dataclass
class Upload:
    key: str
    headers: Headers
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Bucket:
    versioning: str = "Enabled"
    lock_enabled: bool = True
    default: tuple[str, int] | None = None  # mode, days
    keys: dict[str, list[Version]] = field(default_factory=dict)  # oldest first
    uploads: dict[str, Upload] = field(default_factory=dict)


def parse_date(text: str) -> datetime:
    """An ISO 8601 date with offset; raises S3Error."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        raise S3Error("MalformedXML", 400) from None


class WormModel:
    """The whole store. Thread-safe: each operation holds the lock, as a real store's would."""

    def __init__(self, faults: Container[str], now: Callable[[], datetime]) -> None:
        self.faults = faults
        self.now = now
        self.buckets: dict[str, Bucket] = {}
        self.mutex = RLock()
        self._racing = Condition()
        self._racers: Counter[tuple[str, str]] = Counter()
        self._ids = itertools.count(1)

    def bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise S3Error("NoSuchBucket", 404)
        return self.buckets[name]

    def find(self, bucket: str, key: str, version: str = "") -> Version:
        """The version of that id, or the newest; raises S3Error when there is none."""
        versions = self.bucket(bucket).keys.get(key, [])
        if version:
            versions = [one for one in versions if one.id == version]
        if not versions or (versions[-1].marker and not version):
            raise S3Error("NoSuchVersion" if version else "NoSuchKey", 404)
        return versions[-1]

    # writes

    def put(self, bucket: str, key: str, body: bytes, headers: Headers) -> Version:
        self._check_digests(body, headers)
        if headers.get("if-none-match") != "*":
            with self.mutex:
                return self._append(bucket, key, body, headers)
        with self.mutex if "races-if-none-match" not in self.faults else nullcontext():
            self._check_absent(bucket, key)
            return self._append(bucket, key, body, headers)

    def _append(
        self, bucket: str, key: str, body: bytes, headers: Headers, multipart: bool = False
    ) -> Version:
        where = self.bucket(bucket)
        version = Version(f"v{next(self._ids):08d}", body)
        if "forgets-checksum" not in self.faults:
            version.sha256 = headers.get("x-amz-checksum-sha256", "")
        hold = headers.get("x-amz-object-lock-legal-hold", "")
        version.hold = hold == "ON"
        mode = headers.get("x-amz-object-lock-mode", "")
        if mode:
            version.mode = mode
            version.until = self._stored_date(parse_date(headers["x-amz-object-lock-retain-until-date"]))
        elif where.default and not self._default_dropped(bool(hold), multipart):
            version.mode = where.default[0]
            version.until = self.now() + timedelta(days=where.default[1])
        if hold and "hold-drops-lock" in self.faults:
            version.mode, version.until = "", None
        if multipart and mode and "multipart-drops-lock" in self.faults:
            version.mode, version.until = "", None
        if multipart and "multipart-drops-hold" in self.faults:
            version.hold = False
        versions = where.keys.setdefault(key, [])
        if versions and "overwrites-in-place" in self.faults:
            versions[-1].body = body
            return versions[-1]
        versions.append(version)
        return version

    def _default_dropped(self, hold: bool, multipart: bool) -> bool:
        if "no-default" in self.faults or (hold and "hold-drops-default" in self.faults):
            return True
        return multipart and "multipart-drops-default" in self.faults

    def complete(self, bucket: str, upload_id: str, headers: Headers) -> Version:
        with self.mutex:
            upload = self.bucket(bucket).uploads.pop(upload_id)
            if headers.get("if-none-match") == "*" and "multipart-ignores-if-none-match" not in self.faults:
                self._check_absent(bucket, upload.key)
            body = b"".join(upload.parts[number] for number in sorted(upload.parts))
            return self._append(bucket, upload.key, body, upload.headers, multipart=True)

    def start_upload(self, bucket: str, key: str, headers: Headers) -> str:
        with self.mutex:
            upload_id = f"u{next(self._ids):08d}"
            self.bucket(bucket).uploads[upload_id] = Upload(key, headers)
            return upload_id

    def copy(self, bucket: str, key: str, source: Version, headers: Headers) -> Version:
        with self.mutex:
            if "self-copy-replaces" in self.faults:
                self.bucket(bucket).keys[key].clear()
            return self._append(bucket, key, source.body, headers)

    def _check_absent(self, bucket: str, key: str) -> None:
        if "ignores-if-none-match" in self.faults:
            return
        versions = self.bucket(bucket).keys.get(key, [])
        hidden = bool(versions) and versions[-1].marker
        if versions and not (hidden and "marker-hides-key" in self.faults):
            raise S3Error("PreconditionFailed", 412)
        if "races-if-none-match" in self.faults:
            self._await_rival(bucket, key)

    def _await_rival(self, bucket: str, key: str) -> None:
        """The window between the check and the write: open until another writer is in it, or 2 s."""
        with self._racing:
            self._racers[bucket, key] += 1
            self._racing.notify_all()
            self._racing.wait_for(lambda: self._racers[bucket, key] > 1, timeout=2)

    def _check_digests(self, body: bytes, headers: Headers) -> None:
        given = headers.get("content-md5")
        actual = base64.b64encode(hashlib.md5(body).digest()).decode()
        if given and given != actual and "ignores-md5" not in self.faults:
            raise S3Error("BadDigest", 400)
        given = headers.get("x-amz-checksum-sha256")
        actual = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if given and given != actual and "ignores-sha256" not in self.faults:
            raise S3Error("BadDigest", 400)

    def _stored_date(self, until: datetime) -> datetime:
        if "loses-seconds" in self.faults:
            until = until.replace(second=0) + timedelta(minutes=1)
        if "ends-in-2030" in self.faults:
            until = min(until, datetime(2030, 1, 1, tzinfo=UTC))
        if "wraps-2038" in self.faults and until.timestamp() >= 2**31:
            until = datetime.fromtimestamp(until.timestamp() - 2**31, UTC)
        if "wraps-2106" in self.faults and until.timestamp() >= 2**32:
            until = datetime.fromtimestamp(until.timestamp() - 2**32, UTC)
        return until

    # locks

    def locked(self, version: Version, bypass: bool) -> bool:
        """May the version not be removed now?"""
        if version.hold:
            expired = version.until is not None and version.until <= self.now()
            return not (expired and "hold-ends-with-retention" in self.faults)
        if version.until is None:
            return False
        if "never-releases" in self.faults:
            return True
        if version.until <= self.now():
            return False
        if version.mode == "GOVERNANCE":
            return not bypass
        return not (bypass and "bypass-beats-compliance" in self.faults)

    def delete(self, bucket: str, key: str, version_id: str, *, bypass: bool, user: str) -> str:
        """Remove a version, or (without an id) hide the key; the id of the marker made, else ""."""
        with self.mutex:
            versions = self.bucket(bucket).keys.get(key, [])
            if not version_id:
                if "marker-removes" in self.faults:
                    versions.clear()
                marker = Version(f"v{next(self._ids):08d}", marker=True)
                self.bucket(bucket).keys.setdefault(key, []).append(marker)
                return marker.id
            if version_id == "null" and "null-deletes-newest" in self.faults and versions:
                versions.pop()
            found = [one for one in versions if one.id == version_id]
            trusted = f"trusts-{user}" in self.faults
            if user in LEAST and not trusted and "anyone-deletes-unlocked" not in self.faults:
                raise S3Error("AccessDenied")
            if found:
                if self.locked(found[0], bypass) and not trusted and not self._plain_delete_fault(bypass):
                    raise S3Error("AccessDenied")
                versions.remove(found[0])
            return ""

    def _plain_delete_fault(self, bypass: bool) -> bool:
        return "deletes-locked" in self.faults and not bypass

    def delete_many(
        self, bucket: str, entries: list[tuple[str, str]], *, bypass: bool, user: str
    ) -> list[tuple[str, str, str]]:
        """Remove each entry (key, version); the refusals as (key, version, code)."""
        refused, unchecked = [], "multi-delete-unchecked" in self.faults
        for key, version_id in entries:
            try:
                found = self.find(bucket, key, version_id)
                if unchecked:
                    self.buckets[bucket].keys[key].remove(found)
                    continue
                if "multi-delete-trusts-first" in self.faults and not self.locked(found, bypass):
                    unchecked = True
                self.delete(bucket, key, version_id, bypass=bypass, user=user)
            except S3Error as error:
                refused.append((key, version_id, error.code))
        return refused

    def retain(self, version: Version, mode: str, date: str, bypass: bool) -> None:
        """PutObjectRetention; an empty ``date`` clears."""
        with self.mutex:
            if not date:
                if "clears" not in self.faults:
                    self._may_weaken(version, bypass)
                version.mode, version.until = "", None
                return
            if not date[:4].isdigit() and "unparsable-date-clears" in self.faults:
                version.mode, version.until = "", None
                return
            until = self._stored_date(parse_date(date)) if "refuses-extension" not in self.faults else None
            if until is None:
                raise S3Error("NotImplemented", 501)
            # A wrapped date is compared before it is cut: the fault of the servers that do this.
            meant = parse_date(date)
            if meant <= self.now() and "takes-past-dates" not in self.faults:
                raise S3Error("InvalidArgument", 400)
            if self._weaker(version, mode, meant, date):
                self._may_weaken(version, bypass)
            version.mode, version.until = mode, until

    def _weaker(self, version: Version, mode: str, until: datetime, text: str) -> bool:
        if version.until is None or version.until <= self.now():
            return False
        if until <= self.now():
            return "takes-past-dates" not in self.faults
        if version.mode == "COMPLIANCE" and mode != "COMPLIANCE" and "downgrades" not in self.faults:
            return True
        as_text = text > version.until.strftime("%Y-%m-%dT%H:%M:%SZ") and not text.endswith("Z")
        if as_text and "compares-dates-as-text" in self.faults:
            return False
        return until < version.until and "shortens" not in self.faults

    def _may_weaken(self, version: Version, bypass: bool) -> None:
        if self.locked(Version("", mode=version.mode, until=version.until), bypass):
            raise S3Error("AccessDenied")

    def hold(self, version: Version, status: str) -> None:
        with self.mutex:
            expired = version.until is not None and version.until <= self.now()
            if not (expired and status == "ON" and "no-hold-after-expiry" in self.faults):
                version.hold = status == "ON"

    # buckets

    def make(self, name: str) -> None:
        with self.mutex:
            enabled = "lock-not-enabled" not in self.faults
            self.buckets[name] = Bucket(lock_enabled=enabled)

    def remove(self, name: str) -> None:
        with self.mutex:
            if any(self.bucket(name).keys.values()) and "deletes-full-bucket" not in self.faults:
                raise S3Error("BucketNotEmpty", 409)
            del self.buckets[name]

    def set_default(self, name: str, mode: str, days: int | None) -> None:
        with self.mutex:
            if days is not None and not 1 <= days <= 36_500 and "any-default-days" not in self.faults:
                raise S3Error("InvalidArgument", 400)
            where = self.bucket(name)
            where.default = None if days is None else (mode, days)
            if days is None and "default-unlocks" in self.faults:
                for versions in where.keys.values():
                    for version in versions:
                        version.mode, version.until = "", None

    def suspend(self, name: str) -> None:
        if "suspends-versioning" not in self.faults:
            raise S3Error("InvalidBucketState", 409)
        self.bucket(name).versioning = "Suspended"

    def set_lifecycle(self, name: str) -> None:
        if "lifecycle-expires-locked" in self.faults:
            with self.mutex:
                self.bucket(name).keys.clear()
