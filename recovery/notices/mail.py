"""The port by which mail leaves, and its adapter for SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from vanvault.archiver.core.errors import Busy, SettingsError
from vanvault.archiver.core.settings import MailSettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_RETRY_S = 900


class MailPort(Protocol):
    """Takes one message for several addresses."""

    def send(self, message: EmailMessage, to: tuple[str, ...]) -> Mapping[str, str]:
        """Hand it to the server; the addresses that it did not take, each with why.

        Raises Busy (no server took it; it may later), SettingsError (it never will, as it is set).
        """
        ...


class SmtpMail:
    """SMTP by the standard library."""

    def __init__(self, home: Path, settings: MailSettings) -> None:
        """Raises SettingsError: no server, a password without protection, or its file cannot be used."""
        if settings.host is None:
            raise SettingsError(
                "no mail server is set", hint="Set mail.host and mail.announce_to: see docs/settings.md."
            )
        if settings.security == "none" and settings.host not in _LOOPBACK:
            raise SettingsError(
                "mail.security = none is for a server on this host only", hint="Use starttls or tls."
            )
        self._host: str = settings.host
        self._settings = settings
        self._password = _password(home, settings)
        self._ca_file = str(home / settings.ca_file) if settings.ca_file else None

    def send(self, message: EmailMessage, to: tuple[str, ...]) -> Mapping[str, str]:
        """As the port says."""
        try:
            with self._connected() as server:
                refused = server.send_message(message, self._settings.sender, list(to))
        except smtplib.SMTPRecipientsRefused as error:
            return {address: _told(code, text) for address, (code, text) in error.recipients.items()}
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
            raise SettingsError(
                f"the mail server {self._host} refuses this as it is set: {error}",
                hint="See mail.user, mail.password_file, mail.security and mail.ca_file.",
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Busy(
                f"the mail server {self._host} did not take the notice: {error}",
                retry_after=_RETRY_S,
                hint="See that it runs and can be reached; the notice is sent at the next run.",
            ) from error
        return {address: _told(code, text) for address, (code, text) in refused.items()}

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            context = ssl.create_default_context(cafile=self._ca_file)
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, settings.port, timeout=settings.timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(self._host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.security == "starttls":
                server.starttls(context=ssl.create_default_context(cafile=self._ca_file))
            if settings.user is not None:
                server.login(settings.user, self._password)
        except BaseException:
            server.close()
            raise
        return server


def _told(code: int, text: bytes) -> str:
    return f"{code} {text.decode(errors='replace')}"[:200]


def _password(home: Path, settings: MailSettings) -> str:
    if settings.user is None:
        return ""
    if settings.password_file is None:
        raise SettingsError("mail.user is set without mail.password_file", hint="Name the file.")
    path = home / settings.password_file
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError("mail.password_file can be read by others", hint=f"Run: chmod 600 {path}")
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("mail.password_file cannot be read", hint="See docs/settings.md.") from error
    if not password or not (settings.user + password).isascii():
        raise SettingsError(
            "mail.user and its password must be ASCII: servers take no other",
            hint="Give the account another password.",
        )
    return password
