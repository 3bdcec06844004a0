"""boto3 clients as VanVault uses them: no retries of their own, no checksums that a server refuses."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials

_session_lock = threading.Lock()  # clients are thread-safe, making them is not


def make_client(endpoint: str, credentials: Credentials, options: S3Options) -> Any:
    """A boto3 S3 client; safe to share between threads. Touches no network, no profile of the user's."""
    with _session_lock:
        return _make(endpoint, credentials, options)


@cache
def _session() -> Any:
    """One session for all clients: reading boto3's service descriptions takes a quarter of a second.

    Only what clients are given counts: no AWS_PROFILE, which may name a profile that this host has not.
    """
    import boto3.session  # half a second to load, which a home without S3 sites does not pay
    import botocore.session

    core: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return boto3.session.Session(botocore_session=core)


def _make(endpoint: str, credentials: Credentials, options: S3Options) -> Any:
    from botocore.config import Config

    from vanvault.archiver.stores.s3.bounded import BoundedSession
    from vanvault.archiver.stores.s3.certificates import system_certificates

    client = _session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        verify=options.ca_file or system_certificates(),
        config=Config(
            s3={"addressing_style": options.addressing, "payload_signing_enabled": True},
            retries={"total_max_attempts": 1},
            connect_timeout=options.connect_timeout_s,
            read_timeout=options.read_timeout_s,
            max_pool_connections=options.pool,
            tcp_keepalive=True,
            parameter_validation=False,
            # Ceph 16 answers 411 to the trailing checksums that boto3 adds by itself over HTTPS.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client.meta.events.register_last("before-parameter-build.s3", _stay_here)
    ends = client._endpoint  # no public name; no option of botocore's bounds a request
    ends.http_session = BoundedSession(ends.http_session, options)
    return client


def _stay_here(context: Any, **_: Any) -> None:
    """A site is where its URL says: boto3 would ask a server that redirects for its region, without end."""
    context["s3_redirect"]["redirected"] = True
