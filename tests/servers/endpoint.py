"""What a test needs to know of a running server."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

import boto3
from botocore.config import Config

from tests.servers.processes import Processes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server answers, and the credentials that may do everything there."""

    url: str  # http://127.0.0.1:PORT
    access_key: str
    secret_key: str

    def client(self, access_key: str = "", secret_key: str = "", *, read_timeout: float = 30) -> Any:
        """A plain boto3 S3 client without retries, as these credentials or as the administrator."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key or self.access_key,
            aws_secret_access_key=secret_key or self.secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=read_timeout,
                max_pool_connections=32,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def site_url(self, bucket: str) -> str:
        """The URL that ``vanvault init --primary`` takes."""
        scheme, rest = self.url.split("://", 1)
        return f"s3+{scheme}://{rest}/{bucket}"

    def new_bucket(self, stem: str = "test") -> str:
        """Make an empty bucket of a fresh name, with Object Lock; return the name."""
        name = f"{stem}-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        return name


class Server:
    """A running server: its endpoint, and the processes that make it up."""

    kind: ClassVar[str] = ""
    endpoint: Endpoint
    processes: Processes

    def stop(self) -> None:
        """End its processes. Its folder is the caller's."""
        self.processes.stop()
