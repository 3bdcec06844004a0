"""The system's list of authorities as a file: botocore asks for one, and has a list of its own otherwise."""

from __future__ import annotations

import ssl
from pathlib import Path

#: Where distributions keep all authorities in one file.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def system_certificates() -> str | None:
    """The file that SSL_CERT_FILE names, else OpenSSL's own, else the distribution's; None: there is none."""
    found = ssl.get_default_verify_paths().cafile
    return found or next((path for path in _BUNDLES if Path(path).is_file()), None)
