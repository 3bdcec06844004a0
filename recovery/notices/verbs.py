"""Notices of planned stops, as the job and an operator send them: the mail first, then the line on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound, SettingsError
from vanvault.archiver.core.times import from_us
from vanvault.archiver.journal import own_events
from vanvault.archiver.journal.availability import Window, read_windows
from vanvault.recovery.notices.mail import MailPort, SmtpMail
from vanvault.recovery.notices.notice import (
    DAYS_AHEAD,
    NOTIFIED,
    GivenNotice,
    OwedNotice,
    addresses_to_tell,
    notice_message,
    notice_of,
    notified_detail,
    overdue_notices,
    owed_notices,
    refused_windows,
)
from vanvault.recovery.work import QUIET, Observer, catch_up

_MOST_TEXT = 200
_EVER = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class NoticeRequest:
    """Which notices: all that are to be given now, or that of one window."""

    window: str = ""  # "": all that are owed
    by_hand: str = ""  # how people were told otherwise; then no mail is sent
    who: str = ""


@dataclass(frozen=True, slots=True)
class NoticeReport:
    """What was told, as it lies on record."""

    given: tuple[dict[str, object], ...] = field(default=())

    @property
    def exit_code(self) -> ExitCode:
        """CHECK_FAILED: an address was refused by the server, so somebody was not told."""
        return ExitCode.CHECK_FAILED if any(one["refused"] for one in self.given) else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"notices": list(self.given)}


def give_notices(
    archive: Archive, request: NoticeRequest, observer: Observer = QUIET, *, mail: MailPort | None = None
) -> NoticeReport:
    """Announce planned stops, and those that are called off, and put each notice on record.

    Where some addresses were refused, a notice that is asked for again goes to those that were not told yet.
    Killed between mail and record it is sent again, under the same Message-ID.

    Args:
        mail: takes the messages; None: the server of the settings.

    Raises NotFound (no such window), Conflict (people were told of it, or it has begun), InvalidInput,
    SettingsError (no server, or no address is set), Busy (the server took nothing), SiteUnavailable.
    """
    catch_up(archive, observer.warn)
    owed = _owed(archive, request)
    by_hand = _by_hand(request)
    if not owed:
        return NoticeReport()
    settings = archive.settings.mail
    if not by_hand and not settings.announce_to:
        raise SettingsError(
            "a planned stop is to be announced, and no address is set",
            hint="Set mail.announce_to; or tell people otherwise, and say so: --by-hand TEXT.",
        )
    port = None if by_hand else mail or SmtpMail(archive.home, settings)
    before = given_notices(archive.search)
    given = []
    for one in owed:
        now = archive.clock.now()
        to: tuple[str, ...] = ()
        refused: dict[str, str] = {}
        asked = () if port is None else addresses_to_tell(one, before, settings.announce_to)
        if port is not None and asked:
            message = notice_message(one, archive.settings.archive, sender=settings.sender, now=now)
            refused = dict(port.send(message, asked))
            to = tuple(address for address in asked if address not in refused)
        detail = notified_detail(one, now, to=to, refused=refused, how=by_hand or "mail", who=request.who)
        if not refused or to:  # also where nobody is left: who was refused is set no longer
            archive.record(NOTIFIED, detail)
        for address, why in refused.items():
            observer.warn(f"{address} was not told of the window {one.window.id}: {why}")
        if one.is_late(now):
            observer.warn(
                f"the window {one.window.id} is announced {one.days_ahead(now)} days ahead, not {DAYS_AHEAD}"
            )
        given.append(detail)
    return NoticeReport(tuple(given))


def given_notices(search: Search) -> list[GivenNotice]:
    """Notices on record, oldest first. Raises Damaged, SiteUnavailable (the index cannot be read)."""
    return [notice_of(event) for event in own_events(search, NOTIFIED, order="oldest")]


def unannounced(archive: Archive) -> dict[str, datetime]:
    """Windows of which people should have been told by now, and since when; by what is folded here."""
    now = archive.clock.now()
    found = overdue_notices(read_windows(archive.search), given_notices(archive.search), now)
    return {one.id: _owed_since(one) for one in found}


def _owed_since(window: Window) -> datetime:
    """Ten days before it begins, or when it was put on record, if that was later."""
    return max(from_us(window.start_us) - timedelta(days=DAYS_AHEAD), from_us(window.announced_us))


def _owed(archive: Archive, request: NoticeRequest) -> list[OwedNotice]:
    windows, given, now = read_windows(archive.search), given_notices(archive.search), archive.clock.now()
    if not request.window:
        return owed_notices(windows, given, now)
    if not any(one.id == request.window for one in windows):
        raise NotFound(f"there is no window {request.window[:40]}", hint="vanvault availability window list")
    again = refused_windows(given)
    missing = [one for one in given if one.window not in again]
    owed = [one for one in owed_notices(windows, missing, now, lead=_EVER) if one.window.id == request.window]
    if not owed:
        raise Conflict(f"people were told of the window {request.window}, or it has begun; nothing was done")
    return owed


def _by_hand(request: NoticeRequest) -> str:
    text = request.by_hand.strip()
    if request.by_hand and (not text or len(text) > _MOST_TEXT or not text.isprintable()):
        raise InvalidInput(f"this needs 1 to {_MOST_TEXT} printable characters", field="by_hand")
    if text and not request.window:
        raise InvalidInput("say of which window", field="window", hint="Name it: --window ID.")
    return text
