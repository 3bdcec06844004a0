"""The public errors of VanVault, each telling its reader what to do next.

::

    VanVaultError
    ├── InvalidInput          the request or file is wrong; mend it and send it again
    │   ├── TooLarge          over a size limit; the limit is in the message
    │   ├── TooSlow           it came too slowly; nothing was stored, and the same may be sent again
    │   └── EncodedBody       the body is compressed or encoded otherwise; send the bytes as they are
    ├── AccessDenied          no token, a wrong token, or no right to this
    ├── ApprovalNeeded        others must approve this first; the request is on record, and is named
    ├── NotFound              no such message, event, object or site
    ├── EntryDisposed         it was here, and was disposed of; when and under which certificate is named
    ├── Conflict              the same id was archived with other bytes; nothing was stored
    ├── Busy                  a limit on work in flight is reached; wait ``retry_after`` seconds
    │   └── CacheLost         a cache of this host was damaged and is made anew; the same again is answered
    ├── SiteUnavailable       a site did not take or give bytes; says whether they may be stored
    │   ├── SiteFull          it has no room left
    │   └── SiteFaulty        it answers, but wrongly: its listing is out of order, say
    ├── LockRefused           a store refused to delete, shorten or overwrite a locked object
    ├── Damaged               bytes are not what their name, digest or chain says
    │   └── Forged            no trusted key signed the object, or it is not the one of its name
    ├── MachineLimit          open files, memory, threads or disk of this machine are used up; raise the limit
    ├── KeyUnavailable        a key is missing or does not fit; restore it from escrow
    └── SettingsError         the settings file or the home folder is wrong

Which exit code and which RFC 9457 problem each becomes stands in ``error_table.py``.
"""

from __future__ import annotations

from typing import Any, Literal

#: What a machine or a process may run out of.
Resource = Literal["files", "memory", "threads", "disk", "file-size"]


class VanVaultError(Exception):
    """Base of all errors that a caller may want to act on; ``hint`` says how (empty: see the message)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors come back whole from worker processes, whatever their constructors ask for."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[VanVaultError], args: tuple[Any, ...], fields: dict[str, Any]) -> VanVaultError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class InvalidInput(VanVaultError):
    """The input breaks a rule; nothing was stored. ``field`` names the wrong part ("" for the whole)."""

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class TooLarge(InvalidInput):
    """The input is over a size limit, in bytes."""

    def __init__(self, message: str, *, limit: int, field: str = "") -> None:
        super().__init__(message, field=field, hint=f"The limit is {limit} bytes.")
        self.limit = limit


class TooSlow(InvalidInput):
    """The input came too slowly, or stopped coming; the same request may be sent again."""


class EncodedBody(InvalidInput):
    """The body came in a coding, such as gzip: what is archived is the original itself, byte for byte."""


class AccessDenied(VanVaultError):
    """The caller is unknown (``authenticated`` false) or known but without the right."""

    def __init__(self, message: str, *, authenticated: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.authenticated = authenticated


class ApprovalNeeded(VanVaultError):
    """Others must approve this first; nothing was done. ``request``: the id under which it is on record."""

    def __init__(self, message: str, *, request: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.request = request


class NotFound(VanVaultError):
    """Nothing has this name or id."""


class EntryDisposed(VanVaultError):
    """The entry, or its original, was here and was disposed of; ``certificate``: the number of its proof."""

    def __init__(self, message: str, *, certificate: str, on: str, hint: str = "") -> None:
        """``on``: the day, YYYY-MM-DD, UTC."""
        super().__init__(message, hint=hint)
        self.certificate = certificate
        self.on = on


class Conflict(VanVaultError):
    """The same id is already archived with another digest; nothing of the new bytes was stored."""


class Busy(VanVaultError):
    """A limit on work in flight is reached; the same request may succeed after ``retry_after`` seconds."""

    def __init__(self, message: str, *, retry_after: int = 1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class CacheLost(Busy):
    """A cache was damaged, and what was asked of it is not known; it is left, and made anew from the sites.

    Nothing was decided from it. Whoever repeats the same finds a new cache.
    """


class SiteUnavailable(VanVaultError):
    """A site could not be written or read.

    ``may_be_stored`` is true when the write may have reached the disk all the same ("failed, but
    stored"): a retry with the same id is safe, and the writer settles the question itself.
    """

    def __init__(self, message: str, *, site: str, may_be_stored: bool = True, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.site = site
        self.may_be_stored = may_be_stored


class SiteFull(SiteUnavailable):
    """The site has no room left for the object; nothing of it was kept there, but maybe at another site."""

    def __init__(
        self,
        message: str,
        *,
        site: str,
        may_be_stored: bool = False,
        hint: str = "Free or add space at this site.",
    ) -> None:
        super().__init__(message, site=site, may_be_stored=may_be_stored, hint=hint)


class SiteFaulty(SiteUnavailable):
    """The site answers, but what it says cannot be right; nothing that it lists counts."""

    def __init__(self, message: str, *, site: str, hint: str = "") -> None:
        super().__init__(message, site=site, may_be_stored=False, hint=hint)


class LockRefused(VanVaultError):
    """A store kept its promise: the object is locked, so it was not deleted, shortened or overwritten."""


class Damaged(VanVaultError):
    """Bytes do not match their name, digest, signature or chain."""

    def __init__(self, message: str, *, key: str = "", site: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.key = key
        self.site = site


class BatchLost(Damaged):
    """What was asked for may lie in a batch that must exist and that no site gives: nobody knows whether."""

    retry_after = 60


class Forged(Damaged):
    """An object that no writer of this archive made: unproved by its name, by its header or within.

    Nothing in it is believed. ``unproved``: already its name says so.
    """

    def __init__(self, message: str, *, key: str = "", unproved: bool = False) -> None:
        super().__init__(
            message, key=key, hint="Run: vanvault verify. Somebody writes at a site: see its credentials."
        )
        self.unproved = unproved


class MachineLimit(VanVaultError):
    """This machine, or a limit of this process, leaves no room: no key, site or object is at fault.

    ``path``: what was being used, for whoever runs the command; a gateway is not told. ``may_be_stored``: as
    of SiteUnavailable, where a write ended so.
    """

    def __init__(
        self, message: str, *, resource: Resource, path: str = "", may_be_stored: bool = False, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.resource = resource
        self.path = path
        self.may_be_stored = may_be_stored


class KeyUnavailable(VanVaultError):
    """A master or signing key is missing, unreadable, or not the one that the bytes were wrapped with."""


class SettingsError(VanVaultError):
    """The settings, the home folder or its permissions are wrong."""
