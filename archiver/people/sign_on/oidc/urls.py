"""Addresses of a provider: taken apart, checked and put together; nothing is opened here."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

from vanvault.archiver.core.errors import SettingsError

_LONGEST = 2048


def check_issuer(issuer: str) -> str:
    """The issuer as it must stand in every token: exactly as it is written.

    It is an https address without query and fragment (OpenID Connect Discovery 1.0, 2); http is taken for
    this machine alone. Raises SettingsError.
    """
    if not _is_safe(issuer, loopback=True) or "?" in issuer or "#" in issuer:
        raise SettingsError(
            f"{issuer[:200]!r} is no issuer", hint="Write it like https://login.example.vn/realms/staff."
        )
    return issuer


def check_endpoint(url: object, issuer: str, name: str) -> str:
    """An address from the provider's own description: https, or http where the issuer is on this machine.

    Raises SettingsError.
    """
    if not isinstance(url, str) or not _is_safe(url, loopback=_is_loopback(issuer)) or "#" in url:
        raise SettingsError(
            f"the provider's {name} is no https address",
            hint="Mend the description that the provider gives at /.well-known/openid-configuration.",
        )
    return url


def check_redirect(uri: str) -> str:
    """The one address to which the provider sends people back. Raises SettingsError."""
    if not _is_safe(uri, loopback=True) or "#" in uri or "?" in uri:
        raise SettingsError(
            f"{uri[:200]!r} is no redirect address",
            hint="Write it like https://archive.example.vn/v1/oidc/callback, as it is registered.",
        )
    return uri


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """The address with more fields in its query, which it may have already (RFC 6749, 3.1)."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields, quote_via=quote)}"


def form_of(fields: Mapping[str, str]) -> bytes:
    """The body of a form."""
    return urlencode(fields).encode("ascii")


def form_quoted(text: str) -> str:
    """As a client's id and secret are written before they become a header (RFC 6749, 2.3.1)."""
    return quote(text, safe="")


def _is_safe(url: str, *, loopback: bool) -> bool:
    """Is it https with a host, or http of this machine where that is allowed, and no user in it?"""
    if len(url) > _LONGEST or not url.isascii() or any(one.isspace() or one in '\\"<>' for one in url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for what is no port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback and _is_loopback(url))


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
