"""All sessions that are good, folded from the record: the same in any order, and twice is once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from vanvault.archiver.people.sign_on.secret import session_digest
from vanvault.archiver.people.sign_on.session_record import SessionEnd
from vanvault.archiver.people.sign_on.sessions import Session

#: An end is kept as long as a session that it ends could still come from another node.
_ENDS_KEPT = timedelta(hours=24)


def _none() -> Mapping[str, Session]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SessionBook:
    """Sessions by the digest of their secret; ``ends`` are held against those that come later, too.

    ``known`` has those that were ended as well, until they are over: so what comes late, or twice, cannot
    bring one of them back.
    """

    sessions: Mapping[str, Session] = field(default_factory=_none)
    known: Mapping[str, Session] = field(default_factory=_none, repr=False)
    ends: frozenset[SessionEnd] = field(default=frozenset(), repr=False)

    def with_events(
        self, opened: Iterable[Session], ended: Iterable[SessionEnd], now: datetime
    ) -> SessionBook:
        """With more events; what is over by ``now`` is left out."""
        ends = frozenset(end for end in (*self.ends, *ended) if end.before > now - _ENDS_KEPT)
        known: dict[str, Session] = {}
        for session in (*self.known.values(), *opened):
            if session.until <= now:
                continue
            other = known.get(session.digest)
            # Nobody opens a second session under the secret of a first, whichever is heard of first.
            if other is None or _rank(session) < _rank(other):
                known[session.digest] = session
        good = {
            digest: session for digest, session in known.items() if not any(end.ends(session) for end in ends)
        }
        return SessionBook(MappingProxyType(good), MappingProxyType(known), ends)

    def find(self, secret: str) -> Session | None:
        """The session of a secret, None: there is none, or it was ended."""
        return self.sessions.get(session_digest(secret))

    def whose(self, secret: str) -> Session | None:
        """The session of a secret also where it was ended, until it would be over: to say who was refused."""
        return self.known.get(session_digest(secret))

    def of_account(self, account: str) -> list[Session]:
        """The sessions of one account, the oldest first."""
        found = (session for session in self.sessions.values() if session.account == account)
        return sorted(found, key=lambda session: (session.opened, session.id))


def _rank(session: Session) -> tuple[object, ...]:
    return (session.opened, session.account, repr(session))
