"""Sessions as events of the archive, so that every node knows them and none is lost with a node. Pure.

::

    vanvault.session.opened   session, id and account (of whom), method, opened, authenticated, until, and of
                              a provider's: issuer, subject, provider_session, sealed; and proof
    vanvault.session.ended    reason, before, and one of: session; id; issuer and provider_session; issuer
                              and subject

``ended`` ends all of these that were opened up to ``before``: so it also ends those that this node does not
know yet.

``proof`` is sealed as credentials are: the digest of the secret (32 bytes), then the SHA-256 of all that is
named before it, as canonical JSON. So nobody without the masters of credentials opens a session for another,
or makes one longer, by writing an event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import Damaged, InvalidInput
from vanvault.archiver.core.times import from_us, parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.people.accounts import ProviderIdentity
from vanvault.archiver.people.sign_on.oidc import LogoutOrder
from vanvault.archiver.people.sign_on.secret import session_id
from vanvault.archiver.people.sign_on.sessions import SESSION_METHODS, ProviderLink, Session

_DIGEST_BYTES = 32

#: Member of the detail -> field of the end.
_NAMES = {
    "session": "session",
    "id": "account",
    "issuer": "issuer",
    "provider_session": "provider_session",
    "subject": "subject",
}


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Which sessions end: of those opened up to ``before``, all that are told by what is not empty."""

    reason: str
    before: datetime
    session: str = ""
    account: str = ""  # id of the account
    issuer: str = ""
    provider_session: str = ""
    subject: str = ""

    @classmethod
    def of_order(cls, order: LogoutOrder, now: datetime) -> SessionEnd:
        """What a provider's logout token ends; a session that it names, else all of the subject."""
        if order.session:
            return cls("provider", now, issuer=order.issuer, provider_session=order.session)
        return cls("provider", now, issuer=order.issuer, subject=order.subject)

    def ends(self, session: Session) -> bool:
        """Does it end this session? An end that names nothing ends nothing."""
        if session.opened > self.before:
            return False
        if self.session:
            return session.id == self.session
        if self.account:
            return session.account == self.account
        link = session.link
        if link is None or not self.issuer or link.identity.issuer != self.issuer:
            return False
        if self.provider_session:
            return link.session == self.provider_session
        return bool(self.subject) and link.identity.subject == self.subject

    def detail(self) -> dict[str, Any]:
        """The detail of its event; what is empty is not there."""
        told = {name: getattr(self, field) for name, field in _NAMES.items()}
        return {"reason": self.reason, "before": _text(self.before)} | {
            name: value for name, value in told.items() if value
        }

    @classmethod
    def of_detail(cls, detail: Mapping[str, Any]) -> SessionEnd:
        """Raises Damaged for what ``detail`` did not write."""
        try:
            told = {field: str(detail[name]) for name, field in _NAMES.items() if name in detail}
            return cls(str(detail["reason"]), _moment(detail["before"]), **told)
        except (KeyError, TypeError, AttributeError, InvalidInput) as error:
            raise Damaged("an end of sessions is not in the form that it was written in") from error


def session_detail(session: Session, name: str) -> dict[str, Any]:
    """The detail of the event that opens a session of the account ``name``, without its proof."""
    detail: dict[str, Any] = {
        "session": session.id,
        "id": session.account,
        "account": name,
        "method": session.method,
        "opened": _text(session.opened),
        "authenticated": _text(session.authenticated),
        "until": _text(session.until),
    }
    if session.link is not None:
        detail |= {
            "issuer": session.link.identity.issuer,
            "subject": session.link.identity.subject,
            "provider_session": session.link.session,
            "sealed": session.link.sealed,
        }
    return detail


def session_proof(session: Session, name: str) -> bytes:
    """What is to be sealed of a session of the account ``name``."""
    told = canonical(session_detail(session, name))
    return bytes.fromhex(session.digest) + hashlib.sha256(told).digest()


def session_of(detail: Mapping[str, Any], proof: bytes) -> Session:
    """The session that an event opened.

    Raises Damaged for what ``session_detail`` did not write, and for another session than that of ``proof``,
    which was unsealed.
    """
    session = _session(detail, proof[:_DIGEST_BYTES].hex())
    if session_proof(session, str(detail.get("account"))) != proof:
        raise Damaged("a session is not the one that was put on record")
    return session


def _session(detail: Mapping[str, Any], digest: str) -> Session:
    try:
        method = detail["method"]
        if method not in SESSION_METHODS or detail["session"] != session_id(digest):
            raise KeyError("method")
        link = None
        if "issuer" in detail:
            identity = ProviderIdentity(str(detail["issuer"]), str(detail["subject"]))
            link = ProviderLink(identity, str(detail["provider_session"]), str(detail["sealed"]))
        return Session(
            id=session_id(digest),
            digest=digest,
            account=str(detail["id"]),
            method=method,
            opened=_moment(detail["opened"]),
            authenticated=_moment(detail["authenticated"]),
            until=_moment(detail["until"]),
            link=link,
        )
    except (KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise Damaged("a session is not in the form that it was written in") from error


def _text(moment: datetime) -> str:
    return rfc3339_us(to_us(moment))


def _moment(text: Any) -> datetime:
    return from_us(to_us(parse_rfc3339(text)))
