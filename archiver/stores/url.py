"""Where a site is, as its URL says: ``file:PATH`` or ``s3+http(s)://host:port/bucket``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from vanvault.archiver.core.errors import InvalidInput

# The rules of S3 for new buckets, less the dots that break virtual-hosted style under TLS.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class FileUrl:
    """A folder of this host; a relative path starts at the home."""

    path: str


@dataclass(frozen=True, slots=True)
class S3Url:
    """A bucket of an S3 server."""

    endpoint: str  # http://host:port or https://host:port
    bucket: str


def parse_site_url(url: str) -> FileUrl | S3Url:
    """What the URL of a site says. Raises InvalidInput, without the URL, which may hold a secret."""
    if url.startswith("file:"):
        path = url.removeprefix("file:").removeprefix("//")
        if not path or "\x00" in path:
            raise _invalid("file: is followed by the path of a folder")
        return FileUrl(path)
    if not url.startswith(("s3+http://", "s3+https://")):
        raise _invalid("a site's URL is file:PATH or s3+http(s)://host:port/bucket")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid("the host or port of the site's URL is not valid") from error
    if "@" in parts.netloc:
        raise _invalid(
            "a site's URL holds no credentials; give them as VANVAULT_<SITE>_ACCESS_KEY and _SECRET_KEY"
        )
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise _invalid("a site's URL ends with the bucket; options stand in the settings")
    if not parts.hostname:
        raise _invalid("the site's URL names no host")
    bucket = parts.path.removeprefix("/").removesuffix("/")
    if _BUCKET.fullmatch(bucket) is None:
        raise _invalid("the bucket in a site's URL has 3 to 63 characters of a-z, 0-9 and '-'")
    return S3Url(_endpoint(parts, parts.hostname, port), bucket)


def _endpoint(parts: SplitResult, host: str, port: int | None) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.removeprefix('s3+')}://{bracketed}" + ("" if port is None else f":{port}")


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, field="url")
