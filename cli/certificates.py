"""Which authorities a client believes: those of a file that it was given, else those of the system."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from vanvault.archiver.core.errors import InvalidInput

_OF_SYSTEM = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def trusting(ca_file: Path | None, environment: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A context that checks servers by the PEM file, by SSL_CERT_FILE or SSL_CERT_DIR, or as the system does.

    Raises InvalidInput: a file or folder that cannot be read, or a file without a certificate.
    """
    if ca_file is not None:
        return _loaded(ca_file, "--ca-file")
    for name in _OF_SYSTEM:  # OpenSSL trusts nobody, and says nothing, where such a path is wrong
        given = environment.get(name)
        if given and name == "SSL_CERT_FILE":
            return _loaded(Path(given), name)
        if given and not os.access(given, os.R_OK | os.X_OK):
            raise InvalidInput(f"{name} names a folder that cannot be read: {given}", field=name)
    return ssl.create_default_context()


def untrusted(error: BaseException) -> str:
    """Why a connection failed over the server's certificate; empty when it failed over something else."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None or isinstance(cause, ssl.SSLCertVerificationError):
            break
        cause = cause.__cause__ or cause.__context__
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else ""


def _loaded(path: Path, name: str) -> ssl.SSLContext:
    try:
        found = ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else str(error)
        raise InvalidInput(f"{name}: {path} cannot be used: {reason}", field=name.lstrip("-")) from error
    if not found.cert_store_stats()["x509"]:
        raise InvalidInput(f"{name}: {path} holds no certificate in PEM", field=name.lstrip("-"))
    return found
