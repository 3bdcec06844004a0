"""Where a site is, as its URL says: ``file:PATH`` or ``s3+http(s)://host:port/bucket``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from vanvault.archiver.core.errors import InvalidInput, SettingsError

# The rules of S3 for new buckets, less the dots that break virtual-hosted style under TLS.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_OTHER_BACKEND = re.compile(r"(sftp|b2|azure|gs|swift|rclone):")  # restic knows them, VanVault does not
_SCHEME = re.compile(r"[^/]*:")  # a scheme, or a host as scp and rsync name it
_REPOSITORIES = (
    "Write /PATH for a folder (a share: where it is mounted here; a relative path starts at the home, and one"
    " with a colon is ./PATH), s3:https://HOST/BUCKET or rest:https://HOST/."
)


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
        raise _invalid("a site's URL is file:PATH or s3+http(s)://host:port/bucket", _instead(url))
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
            raise _no_path()
        if host:
            raise _another_host(host, below)
        path = f"/{below}"
    else:
        path = rest
    if not path or "\x00" in path:
        raise _no_path()
    check_folder(path, "file:")
    return FileUrl(path)


def check_folder(path: str, scheme: str = "") -> None:
    """Raises SettingsError: a folder would bear another name than its writer means.

    ``scheme``: what stands before the path where it is written.
    """
    if _ESCAPE.search(path):
        raise SettingsError(
            "the path of a folder is read as it is, without %-escapes",
            hint=f"Write the characters themselves, such as {scheme}/srv/my folder.",
        )
    if path != path.strip() or not path.isprintable():
        raise SettingsError(
            "the path of a folder begins or ends with a blank, or holds a control character",
            hint=f"Write {scheme}PATH without it.",
        )
    if path.startswith(("~", "$")):
        raise SettingsError(
            "no shell reads the path of a folder: ~ and $NAME stay as they are",
            hint=f"Write the whole path, such as {scheme}/srv/vanvault/primary.",
        )


def check_repository(repository: str) -> bool:
    """Is it a folder of this host? Else it is ``s3:`` or ``rest:``, as restic names these.

    restic takes whatever begins with no kind that it knows for a path, so a URL would become a folder within
    the home. Raises SettingsError, without the text, which may hold a secret.
    """
    if repository.startswith(("s3:", "rest:")):
        return False
    if _OTHER_BACKEND.match(repository):
        raise SettingsError("this kind of backup repository is not supported", hint=_REPOSITORIES)
    if _SCHEME.match(repository) or repository.startswith("//") or not repository.strip():
        raise SettingsError(
            "the backup repository is neither a path nor of a kind that is known", hint=_REPOSITORIES
        )
    check_folder(repository)
    return True


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


def _instead(url: str) -> str:
    """What to write in place of a URL of another kind; none of it is repeated."""
    if url.lower().startswith("file:"):
        return "Write file: in small letters, such as file:/srv/vanvault/primary."
    if url.startswith("//") or re.match(r"(smb|cifs|nfs|afp)[0-9]?:", url, re.IGNORECASE):
        return "Mount that share here, and write file:/PATH of where it is mounted."
    return "Write file:/srv/vanvault/primary for a folder, s3+https://HOST:PORT/BUCKET for a bucket."


def _no_path() -> InvalidInput:
    return _invalid("file: is followed by the path of a folder", "Such as file:/srv/vanvault/primary.")


def _invalid(message: str, hint: str = "") -> InvalidInput:
    return InvalidInput(message, field="url", hint=hint)
