"""One look: who asked, by what authority and from where, what was asked, and what was shown. Pure.

The detail of the event ``vanvault.access.looked`` is this object, without what is empty::

    who, by, by_id        the viewer's name; what it is of (``account``, ``os-account``, ``token``); its id
    session, roles        of a person's account: the session or token, and the roles that let it look
    os_account            of a person at a command line: whose process of the operating system it was
    address, port         where the request came from; neither for a command on the host itself
    act, outcome, reason  what was done, how it ended, and the kind of error where nothing was shown
    asked                 the fields of the question: name -> value
    shown, count          ids of the entries that were shown (a thousand at most); entries shown or counted
    objects               of keys that were shown: what they open, beside the entries that were asked for
    purpose               why, in the viewer's words, where that is asked for
    request               the id of the request
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import AccessDenied, ApprovalNeeded, Damaged, VanVaultError
from vanvault.archiver.core.times import rfc3339_seconds

LookAct = Literal[
    "search",  # entries that match fields
    "count",  # numbers only: a histogram
    "display",  # what the archive knows about one entry
    "original",  # the bytes of one message
    "receipt",  # the receipt of one entry
    "timeline",  # all entries of one transaction
    "export",  # entries taken away as a file
    "extract",  # the fields of a form, taken away as a file
    "unwrap",  # the data key of one object
    "access",  # the record of looks itself, or of what was asked of others: extractions, approvals
    "results",  # what verifications and drills came to
]
LookOutcome = Literal[
    "shown",  # or about to be: the record comes first
    "failed",  # it was allowed, and nothing could be shown
    "refused",  # the viewer has no right to it
]
LookAuthority = Literal["account", "os-account", "token"]

ACTS: tuple[LookAct, ...] = get_args(LookAct)
OUTCOMES: tuple[LookOutcome, ...] = get_args(LookOutcome)

#: Characters of a purpose.
MOST_PURPOSE = 500
#: Ids that one look names; of more entries ``count`` and what was asked tell.
MOST_SHOWN = 1000
#: Acts that show all that was asked for, however much.
_WHOLE = ("export", "timeline")
#: Characters of what a caller wrote (a value of the question, a purpose) that go on record.
_LONGEST = 1000
#: Characters of a look's identity: half a SHA-256, in hex.
_IDENTITY = 32


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, by what the archive knows them, and from where."""

    name: str  # of the account, of the account of the operating system, or of the gateway
    by: LookAuthority
    id: str = ""  # of the account, of the operating system's account, or of the token
    address: str = ""  # "" on the host itself
    port: int = 0
    session: str = ""  # its id
    roles: tuple[str, ...] = ()  # by which an account may look
    os_account: str = ""  # of the process, where a person is signed on at a command line


@dataclass(frozen=True, slots=True)
class Look:
    """One request to see something, and what came of it."""

    viewer: Viewer
    act: LookAct
    asked: Mapping[str, str] = field(default_factory=dict)
    outcome: LookOutcome = "shown"
    shown: tuple[str, ...] = ()  # ids of the archive
    count: int = 0  # entries shown or counted
    purpose: str = ""
    reason: str = ""  # kind of the error that kept it from being shown
    request: str = ""
    objects: tuple[str, ...] = ()  # whose data keys were shown, with the keys of a whole result

    def as_detail(self) -> dict[str, Any]:
        """As JSON values, without what is empty."""
        viewer = self.viewer
        fields: dict[str, Any] = {
            "who": viewer.name,
            "by": viewer.by,
            "by_id": viewer.id,
            "address": viewer.address,
            "port": viewer.port,
            "session": viewer.session,
            "roles": list(viewer.roles),
            "os_account": viewer.os_account,
            "act": self.act,
            "outcome": self.outcome,
            "reason": self.reason,
            "asked": {name: value[:_LONGEST] for name, value in self.asked.items()},
            "shown": list(self.shown[:MOST_SHOWN]),
            "count": self.count,
            "objects": list(self.objects),
            "purpose": self.purpose[:_LONGEST],
            "request": self.request,
        }
        return {name: value for name, value in fields.items() if value not in ("", 0, [], {})}

    @property
    def names_not_all(self) -> bool:
        """Was more shown than ``shown`` names? The begin of an export of older versions names nothing."""
        if self.outcome != "shown" or self.act not in _WHOLE:
            return False
        return self.count > len(self.shown[:MOST_SHOWN]) or (not self.shown and "format" in self.asked)

    def identity(self, at: datetime) -> str:
        """The same for a request that is sent again, with the same answer, on one day (UTC); else another.

        All of the look counts, so no request can hide behind the id of another one.
        """
        detail = canonical([rfc3339_seconds(at)[:10], self.as_detail()])
        return hashlib.sha256(detail).hexdigest()[:_IDENTITY]


def outcome_of(error: VanVaultError) -> LookOutcome:
    """What a look came to that this error ended."""
    return "refused" if isinstance(error, (AccessDenied, ApprovalNeeded)) else "failed"


def look_of(detail: Mapping[str, Any]) -> Look:
    """The look that an event tells of. Raises Damaged: it is none."""
    try:
        asked, shown = detail.get("asked", {}), detail.get("shown", [])
        roles, objects = detail.get("roles", []), detail.get("objects", [])
        texts = [detail["who"], detail["by"], *asked, *asked.values(), *shown, *roles, *objects]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("not a text")
        viewer = Viewer(
            detail["who"],
            detail["by"],
            str(detail.get("by_id", "")),
            str(detail.get("address", "")),
            int(detail.get("port", 0)),
            str(detail.get("session", "")),
            tuple(roles),
            str(detail.get("os_account", "")),
        )
        return Look(
            viewer,
            detail["act"],
            dict(asked),
            detail["outcome"],
            tuple(shown),
            int(detail.get("count", 0)),
            str(detail.get("purpose", "")),
            str(detail.get("reason", "")),
            str(detail.get("request", "")),
            tuple(objects),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged("an event about a look has not the form of one") from error
