"""How to talk to an S3 server; apart from the code that does, which brings boto3 along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to talk to one S3 server. Times in seconds, sizes in bytes."""

    region: str = "us-east-1"
    addressing: Literal["path", "virtual"] = "path"
    ca_file: str | None = None  # PEM; None: the system's
    pool: int = 32  # connections kept open for each credential
    connect_timeout: float = 3
    read_timeout: float = 10  # of silence
    page: int = 1000  # lines of a listing in one answer
    attempts: int = 3  # of what is safe to repeat
    max_single_put: int = 1024**3
    multipart_ok: bool = False  # the probe found that multipart keeps the lock
    far_dates_ok: bool = False  # the probe found that dates past 2106 hold

    @property
    def latest_retain_until(self) -> datetime | None:
        """Ceph 16 counts seconds in 32 bits: a later date, also by extension, ends the lock at once."""
        return None if self.far_dates_ok else datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
