"""boto3 clients as VanVault uses them: no retries of their own, no checksums that a server refuses.

boto3 and its description of S3 take a quarter of a second to load. What every object costs needs neither
(``wire.py``), so a client is made when something is asked that only boto3 can put together.
"""

from __future__ import annotations

import os
import socket
import threading
from functools import cache
from typing import Any

from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from vanvault.archiver.core.options import S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.s3.bounded import BoundedSession
from vanvault.archiver.stores.s3.certificates import system_certificates

_session_lock = threading.Lock()  # clients are thread-safe, making them is not

#: As boto3 sets them: no waiting for more to send, and a peer that is gone is noticed.
_SOCKET_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


class S3Client:
    """Connections to a server for one pair of credentials, and a boto3 client over the same ones.

    Safe to share between threads. Touches no network, no profile of the user's.
    """

    def __init__(self, endpoint: str, credentials: Credentials, options: S3Options) -> None:
        self.endpoint = endpoint
        self.connections = _connections(endpoint, options)
        self._credentials = credentials
        self._options = options
        self._boto3: Any = None

    @property
    def boto3(self) -> Any:
        """A boto3 client, made at the first use."""
        with _session_lock:
            if self._boto3 is None:
                self._boto3 = _make(self.endpoint, self._credentials, self._options, self.connections)
            return self._boto3

    @property
    def hooks(self) -> Any:
        """The hooks of the boto3 client; None: none was made, so nobody has hung anything on it."""
        return self._boto3.meta.events if self._boto3 is not None else None

    def close(self) -> None:
        """Close all connections."""
        self.connections.close()


def make_client(endpoint: str, credentials: Credentials, options: S3Options) -> Any:
    """A boto3 S3 client; safe to share between threads. Touches no network, no profile of the user's."""
    return S3Client(endpoint, credentials, options).boto3


def _connections(endpoint: str, options: S3Options) -> BoundedSession:
    """As boto3 would make them, with the proxies and authorities that the environment names."""
    arguments: dict[str, Any] = {  # of more types than their annotations allow, as boto3 gives them
        "verify": _authorities(options),
        "proxies": get_environ_proxies(endpoint),
        "timeout": (options.connect_timeout_s, options.read_timeout_s),
        "max_pool_connections": options.pool,
        "socket_options": _SOCKET_OPTIONS,
    }
    return BoundedSession(URLLib3Session(**arguments), options)


def _authorities(options: S3Options) -> str | bool:
    """The file of those that are trusted; True: botocore's own list."""
    found = options.ca_file or system_certificates()
    return found or os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True


@cache
def _session() -> Any:
    """One session for all clients: reading boto3's service descriptions takes a quarter of a second.

    Only what clients are given counts: no AWS_PROFILE, which may name a profile that this host has not.
    """
    import boto3.session  # half a second to load, which a home without S3 sites does not pay
    import botocore.session

    core: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return boto3.session.Session(botocore_session=core)


def _make(endpoint: str, credentials: Credentials, options: S3Options, connections: BoundedSession) -> Any:
    from botocore.config import Config

    client = _session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        verify=_authorities(options),
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
    client._endpoint.http_session = connections  # no public name; no option of botocore's bounds a request
    return client


def _stay_here(context: Any, **_: Any) -> None:
    """A site is where its URL says: boto3 would ask a server that redirects for its region, without end."""
    context["s3_redirect"]["redirected"] = True
