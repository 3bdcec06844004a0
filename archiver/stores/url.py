"""Where a site is, as its URL says: ``file:PATH`` or ``s3+http(s)://host:port/bucket``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from vanvault.archiver.core.errors import InvalidInput, SettingsError

# The rules of S3 for new buckets, less the dots that break virtual-hosted style under TLS.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


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
    """What the URL of a site says.

    Raises InvalidInput, without the URL, which may hold a secret; SettingsError: it can be read, but would
    name another place than its writer means.
    """
    if url.startswith("file:"):
        return _file(url.removeprefix("file:"))
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
    if "/" in bucket:
        raise SettingsError(
            "a site is a whole bucket: its URL names a folder within one",
            hint="Make a bucket of its own for the site, and end the URL with it: s3+https://HOST:PORT/BUCKET.",
        )
    if _BUCKET.fullmatch(bucket) is None:
        raise _invalid("the bucket in a site's URL has 3 to 63 characters of a-z, 0-9 and '-'")
    return S3Url(_endpoint(parts, parts.hostname, port), bucket)


def _file(rest: str) -> FileUrl:
    host, slash, below = rest.removeprefix("//").partition("/") if rest.startswith("//") else ("", "/", rest)
    if rest.startswith("//"):
        if not slash and not host:
            raise _invalid("file: is followed by the path of a folder")
        if host:
            raise _another_host(host, below)
        path = f"/{below}"
        if _ESCAPE.search(path):
            raise SettingsError(
                "file:/// is followed by a path as it is, without %-escapes",
                hint="Write the characters themselves, such as file:/srv/my folder.",
            )
    else:
        path = rest
    if not path or "\x00" in path:
        raise _invalid("file: is followed by the path of a folder")
    if path != path.strip() or not path.isprintable():
        raise SettingsError(
            "the path of a folder begins or ends with a blank, or holds a control character",
            hint="Write file:PATH without it.",
        )
    if path.startswith(("~", "$")):
        raise SettingsError(
            "no shell reads the path of a folder: ~ and $NAME stay as they are",
            hint="Write the whole path, such as file:/srv/vanvault/primary.",
        )
    return FileUrl(path)


def _another_host(host: str, below: str) -> SettingsError:
    if host.lower() in ("localhost", "127.0.0.1", "[::1]"):
        return SettingsError(
            "file:// is followed by the name of a host, and a folder of this one needs none",
            hint=f"Write file:/{below} (from the root), or file:PATH (from the home).",
        )
    return SettingsError(
        "file:// is followed by the name of a host, and no other host's folder can be reached so",
        hint="Mount that host's share here, and write file:/PATH of where it is mounted; a folder of the"
        " home is file:PATH, without slashes in front.",
    )


def _endpoint(parts: SplitResult, host: str, port: int | None) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.removeprefix('s3+')}://{bracketed}" + ("" if port is None else f":{port}")


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, field="url")
