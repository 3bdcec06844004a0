"""AWS Signature Version 4 for requests whose payload digest is known already. Pure.

Source: AWS, "Signature Version 4 signing process for S3": a request is signed with HMAC-SHA256 over its
canonical form, by a key that is derived from the secret for one day, region and service.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from vanvault.archiver.stores.credentials import Credentials

#: The digest of no payload, hex.
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_ALGORITHM = "AWS4-HMAC-SHA256"


class RequestSigner:
    """Signs for one pair of credentials and one region; safe to share between threads."""

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._credentials = credentials
        self._region = region
        self._day_key = ("", b"")  # the day, YYYYMMDD, and its signing key

    def sign(
        self,
        method: str,
        host: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        *,
        sha256: str,
        now: datetime,
    ) -> dict[str, str]:
        """All headers to send, the signature among them.

        Args:
            host: as the Host header has it.
            path, query: as they are sent: escaped, and the parameters of the query in order.
            headers: to sign and to send besides; values without spaces at their ends.
            sha256: hex digest of the payload.
            now: aware; the server compares it with its own clock.
        """
        time = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        added = {"Host": host, "X-Amz-Content-SHA256": sha256, "X-Amz-Date": time}
        signed = sorted((name.lower(), value) for name, value in (*headers.items(), *added.items()))
        listed = ";".join(name for name, _ in signed)
        lines = [method, path, query, *(f"{name}:{value}" for name, value in signed), "", listed, sha256]
        canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        scope = f"{time[:8]}/{self._region}/s3/aws4_request"
        text = f"{_ALGORITHM}\n{time}\n{scope}\n{canonical}"
        signature = hmac.digest(self._key_of(time[:8]), text.encode(), "sha256").hex()
        credential = f"{self._credentials.access_key}/{scope}"
        authorization = f"{_ALGORITHM} Credential={credential}, SignedHeaders={listed}, Signature={signature}"
        return {**headers, **added, "Authorization": authorization}

    def _key_of(self, day: str) -> bytes:
        known, key = self._day_key
        if known != day:
            key = f"AWS4{self._credentials.secret_key}".encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day_key = day, key
        return key
