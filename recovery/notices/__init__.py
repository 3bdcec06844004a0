"""Planned stops announce themselves ahead, to the addresses set, and on record."""

from __future__ import annotations

from vanvault.recovery.notices.mail import MailPort, SmtpMail
from vanvault.recovery.notices.notice import DAYS_AHEAD, GivenNotice
from vanvault.recovery.notices.verbs import (
    NoticeReport,
    NoticeRequest,
    give_notices,
    given_notices,
    unannounced,
)

__all__ = [
    "DAYS_AHEAD",
    "GivenNotice",
    "MailPort",
    "NoticeReport",
    "NoticeRequest",
    "SmtpMail",
    "give_notices",
    "given_notices",
    "unannounced",
]
