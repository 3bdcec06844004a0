"""boto3 clients as VanVault uses them: no retries of their own, no second hash of what is hashed already."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import boto3.session
import botocore.auth
import botocore.session
from botocore.config import Config

from vanvault.archiver.store.credentials import Credentials
from vanvault.archiver.store.s3_options import S3Options

#: A parameter of put_object and upload_part that boto3 does not know: the hex SHA-256 of the body.
KNOWN_SHA256 = "VanvaultSha256"

_session_lock = threading.Lock()  # clients are thread-safe, making them is not
_SIGNER = "vanvault-s3v4"
_CONTEXT = "vanvault_sha256"


class KnownDigestAuth:
    """Signature Version 4 whose payload digest comes from the caller, who has hashed the bytes already."""

    REQUIRES_REGION = True
    REQUIRES_TOKEN = False

    def __init__(self, credentials: Any, service_name: str, region_name: str) -> None:
        self._signer: Any = botocore.auth.S3SigV4Auth(credentials, service_name, region_name)

    def add_auth(self, request: Any) -> None:
        """Sign ``request`` in place; botocore makes a signer for each request."""
        digest = request.context.get(_CONTEXT)
        if digest is not None:
            self._signer.payload = lambda request: digest
        self._signer.add_auth(request)


def make_client(endpoint: str, credentials: Credentials, options: S3Options) -> Any:
    """A boto3 S3 client; safe to share between threads. Touches no network, no profile of the user's."""
    with _session_lock:
        client = _make(endpoint, credentials, options)
    events = client.meta.events
    for operation in ("PutObject", "UploadPart"):
        events.register_first(f"provide-client-params.s3.{operation}", _take_digest)
        events.register_first(f"choose-signer.s3.{operation}", _choose_signer)
    return client


@cache
def _session() -> Any:
    """One session for all clients: reading boto3's service descriptions takes a quarter of a second.

    Only what clients are given counts: no AWS_PROFILE, which may name a profile that this host has not.
    """
    signers: dict[str, Any] = botocore.auth.AUTH_TYPE_MAPS
    signers[_SIGNER] = KnownDigestAuth
    core: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return boto3.session.Session(botocore_session=core)


def _make(endpoint: str, credentials: Credentials, options: S3Options) -> Any:
    return _session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        verify=options.ca_file,
        config=Config(
            s3={"addressing_style": options.addressing, "payload_signing_enabled": True},
            retries={"total_max_attempts": 1},
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            max_pool_connections=options.pool,
            tcp_keepalive=True,
            parameter_validation=False,
            # Ceph 16 answers 411 to the trailing checksums that boto3 adds by itself over HTTPS.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _take_digest(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_CONTEXT] = params.pop(KNOWN_SHA256, None)


def _choose_signer(**_: Any) -> str:
    return _SIGNER
