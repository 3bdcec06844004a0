"""Which planned stops are to be announced now, and what a notice says. Pure.

A notice on record is the event ``vanvault.availability.notified``::

    window, about       of which window; ``planned``, or ``cancelled`` where a stop that was announced is off
    to, refused         addresses that the server took, and those that it did not, each with why
    how                 ``mail``, or how somebody told people otherwise, in his words
    days_ahead, late    whole days before the window began; true when these are fewer than the law asks for
    who
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Literal

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.law import figure
from vanvault.archiver.core.times import VIETNAM, from_us
from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.journal.availability import Window

NOTIFIED = "availability.notified"
NoticeAbout = Literal["planned", "cancelled"]

#: Days before a planned stop by which people are told (how that is known: ``vanvault law``).
DAYS_AHEAD = int(figure("maintenance-notice", text="QD08-2015") or 0)
#: The notice leaves so long before that, so that the job that sends it may run once a day.
_LEAD = timedelta(days=DAYS_AHEAD + 1)
_IN_TIME = timedelta(days=DAYS_AHEAD)


@dataclass(frozen=True, slots=True)
class GivenNotice:
    """A notice on record."""

    window: str
    about: NoticeAbout
    at: datetime
    late: bool
    to: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    how: str = "mail"


@dataclass(frozen=True, slots=True)
class OwedNotice:
    """A notice that is to be given now."""

    window: Window
    about: NoticeAbout

    def days_ahead(self, now: datetime) -> int:
        """Whole days until the window begins; negative once it has begun."""
        return (from_us(self.window.start_us) - now) // timedelta(days=1)

    def is_late(self, now: datetime) -> bool:
        """Is it less than the law asks for? A stop that is called off is told whenever it is."""
        return self.about == "planned" and from_us(self.window.start_us) - now < _IN_TIME


def owed_notices(
    windows: Iterable[Window], given: Iterable[GivenNotice], now: datetime, *, lead: timedelta = _LEAD
) -> list[OwedNotice]:
    """What is to be told now, by the windows' beginnings.

    Of a window that has begun nothing is told any more. ``lead``: how long before its beginning one is.
    """
    told = {(one.window, one.about) for one in given}
    found = []
    for window in sorted(windows, key=lambda one: (one.start_us, one.id)):
        start = from_us(window.start_us)
        if start <= now:
            continue
        if window.cancelled_us is not None:
            if (window.id, "planned") in told and (window.id, "cancelled") not in told:
                found.append(OwedNotice(window, "cancelled"))
        elif start - now <= lead and (window.id, "planned") not in told:
            found.append(OwedNotice(window, "planned"))
    return found


def overdue_notices(windows: Iterable[Window], given: Iterable[GivenNotice], now: datetime) -> list[Window]:
    """Windows to come that nobody was told of, or not everybody, although the law asks for it by now."""
    notices = list(given)
    refused = refused_windows(notices)
    silent = {one.window.id for one in owed_notices(windows, notices, now, lead=_IN_TIME)}
    to_come = [one for one in windows if one.cancelled_us is None and from_us(one.start_us) > now]
    return [one for one in to_come if one.id in silent or one.id in refused]


def refused_windows(given: Iterable[GivenNotice]) -> set[str]:
    """Windows whose newest notice did not reach everybody; ``given``: oldest first."""
    last = {one.window: one for one in given}
    return {id for id, one in last.items() if one.refused}


def addresses_to_tell(
    owed: OwedNotice, given: Iterable[GivenNotice], addresses: Iterable[str]
) -> tuple[str, ...]:
    """Those of the addresses that no notice of this reached yet: refused before, or set since."""
    reached = {
        address
        for one in given
        if (one.window, one.about) == (owed.window.id, owed.about)
        for address in one.to
    }
    return tuple(address for address in addresses if address not in reached)


def notified_detail(
    owed: OwedNotice, now: datetime, *, to: tuple[str, ...], refused: Mapping[str, str], how: str, who: str
) -> dict[str, object]:
    """The detail of the event about a notice."""
    return {
        "about": owed.about,
        "days_ahead": owed.days_ahead(now),
        "how": how,
        "late": owed.is_late(now),
        "refused": dict(refused),
        "to": list(to),
        "who": who,
        "window": owed.window.id,
    }


def notice_of(event: OwnEvent) -> GivenNotice:
    """The notice that an event tells of. Raises Damaged: it has not the form of one."""
    detail: dict[str, Any] = event.detail
    try:
        about: NoticeAbout = "cancelled" if detail["about"] == "cancelled" else "planned"
        return GivenNotice(
            window=str(detail["window"]),
            about=about,
            at=event.at,
            late=detail["late"] is True,
            to=tuple(map(str, detail.get("to", []))),
            refused={str(name): str(why) for name, why in dict(detail.get("refused", {})).items()},
            how=str(detail.get("how", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"the event {event.id} has not the form of a notice", key=event.id) from error


def notice_message(owed: OwedNotice, archive: str, *, sender: str, now: datetime) -> EmailMessage:
    """The mail, first in Vietnamese, then in English. Who gets it stands in no header."""
    window = owed.window
    start, end = (from_us(us).astimezone(VIETNAM) for us in (window.start_us, window.end_us))
    title = _TITLES[owed.about].format(start=f"{start:%H:%M %d/%m/%Y}")
    message = EmailMessage()
    message["Subject"] = title
    message["From"] = sender
    message["To"] = "undisclosed-recipients:;"
    message["Date"] = format_datetime(now)
    # The same for a notice that is sent again, so that whoever got it sees it once.
    message["Message-ID"] = f"<{window.id}.{owed.about}@{archive}.vanvault>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        _TEXTS[owed.about].format(
            begin_vi=f"{start:%H:%M} ngày {start:%d/%m/%Y}",
            end_vi=f"{end:%H:%M} ngày {end:%d/%m/%Y}",
            begin=f"{start:%Y-%m-%d %H:%M}",
            end=f"{end:%Y-%m-%d %H:%M}",
            reason=window.reason,
            window=window.id,
        )
    )
    return message


_TITLES: dict[NoticeAbout, str] = {
    "planned": "Thông báo tạm dừng hệ thống để bảo trì từ {start}",
    "cancelled": "Hủy thông báo tạm dừng hệ thống từ {start}",
}
_TEXTS: dict[NoticeAbout, str] = {
    "planned": """\
Kính gửi Quý đơn vị,

Hệ thống sẽ tạm dừng để bảo trì từ {begin_vi} đến {end_vi} (giờ Việt Nam).
Lý do: {reason}
Trong thời gian này hệ thống không tiếp nhận hồ sơ. Đề nghị Quý đơn vị sắp xếp việc gửi hồ sơ phù hợp.

Mã thông báo: {window}

--

The service stops for maintenance from {begin} to {end} (Vietnam, UTC+7).
Reason: {reason}
No dossier is taken meanwhile. Please plan what you send accordingly.

Notice: {window}
""",
    "cancelled": """\
Kính gửi Quý đơn vị,

Đợt tạm dừng hệ thống đã thông báo, từ {begin_vi} đến {end_vi} (giờ Việt Nam), đã được hủy.
Hệ thống hoạt động bình thường.

Mã thông báo: {window}

--

The stop that was announced from {begin} to {end} (Vietnam, UTC+7) is called off.
The service runs as usual.

Notice: {window}
""",
}
