"""The boto3 clients that attack: no retries, so that every answer is the store's first one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.s3 import system_certificates

THREADS = 24  # how many requests may be under way at once

_raw_body: ContextVar[bytes | None] = ContextVar("raw_body", default=None)


@contextmanager
def raw_body(body: bytes) -> Iterator[None]:
    """Within it, this thread's requests carry ``body`` instead of what boto3 would serialise."""
    token = _raw_body.set(body)
    try:
        yield
    finally:
        _raw_body.reset(token)


def _replace_body(params: dict[str, Any], **_: Any) -> None:
    # Before signing and before the checksum is taken, so both are right for the replaced body.
    if (body := _raw_body.get()) is not None:
        params["body"] = body


@dataclass(frozen=True, slots=True)
class Attacker:
    """One set of credentials that the appliance holds, and a client that uses it."""

    duty: str  # writer, reader, keeper, disposer, prober, admin, replication
    access_key: str
    client: Any  # boto3 S3 client


def attacker(
    duty: str, endpoint: str, credentials: Credentials, options: S3Options | None = None
) -> Attacker:
    """An Attacker for ``endpoint`` (``http(s)://host:port``); it does not retry, whatever the options say."""
    import boto3.session  # half a second to load: only who probes an S3 site pays for it
    import botocore.session
    from botocore.config import Config

    options = options or S3Options()
    config = Config(
        s3={"addressing_style": options.addressing},
        retries={"total_max_attempts": 1},
        connect_timeout=options.connect_timeout_s,
        read_timeout=options.read_timeout_s,
        max_pool_connections=THREADS,
        # Ceph 16 answers 411 to the trailing checksums that boto3 adds by itself over HTTPS.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # Only what is given here counts: no profile, and no configuration file of this host.
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    client = boto3.session.Session(botocore_session=core).client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        verify=options.ca_file or system_certificates(),
        config=config,
    )
    client.meta.events.register("before-call.s3", _replace_body)
    return Attacker(duty, credentials.access_key, client)
