"""What the record says about signing on, as a node knows it: credentials, sessions, and their last use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import Busy, Damaged, KeyUnavailable, SiteUnavailable
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import OwnEvent, own_events
from vanvault.archiver.log_lines import Logger
from vanvault.archiver.people.credentials import SealedCredential, sealed_in
from vanvault.archiver.people.sign_on import Session, SessionBook, SessionEnd
from vanvault.recovery.sign_on.sealing import opened_session

_T = TypeVar("_T")

_log = Logger("vanvault.sign_on")

#: Types without ``vanvault.``.
CREDENTIAL_SET = "account.credential-set"
OPENED, USED, ENDED, REFUSED = "session.opened", "session.used", "session.ended", "session.refused"
RENEWED = "session.renewed"
AUTHENTICATOR_USED = "account.authenticator-used"

#: Kind of the sealed credential that holds all that one account signs on with locally.
LOCAL_KIND = "local"
#: Kind of the one that holds the counters of its authenticators.
COUNTERS_KIND = "counters"

#: Longer than any session: older events open none that is still good.
_BACK = timedelta(hours=25)
_EVERY_S = 1.0
_AGAIN_S = 0.2
#: Reading takes at most this share of one core.
_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class RefreshOnRecord:
    """The refresh token that a node got for a session, sealed, and when."""

    at: datetime
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignOnState:
    """What is known at one moment. By ids of accounts; what is said of sessions by theirs."""

    credentials: Mapping[str, SealedCredential] = field(default_factory=dict)
    counters: Mapping[str, SealedCredential] = field(default_factory=dict)  # of authenticators
    steps: Mapping[str, int] = field(default_factory=dict)  # of the last code that was taken
    used: Mapping[str, datetime] = field(default_factory=dict)
    renewed: Mapping[str, RefreshOnRecord] = field(default_factory=dict, repr=False)
    addresses: Mapping[str, str] = field(default_factory=dict)  # from where each was opened, as told
    book: SessionBook = field(default_factory=SessionBook)
    opened: Mapping[str, Session] = field(default_factory=dict, repr=False)  # by ids of their events
    #: What sessions were opened with that is good once, such as a code, and the id of the one it is good for.
    shown: Mapping[str, str] = field(default_factory=dict, repr=False)
    read_at: datetime | None = None
    nonces: frozenset[str] = field(default=frozenset(), repr=False)  # of all credentials that were read

    def with_opened(
        self, session: Session, step: int, address: str, shown: str, now: datetime
    ) -> SignOnState:
        """With a session that was just put on record."""
        addresses = {**self.addresses, session.id: address}
        steps = {**self.steps, session.account: max(step, self.steps.get(session.account, 0))}
        book = self.book.with_events([session], [], now)
        told = {shown: session.id, **self.shown} if shown else self.shown
        return replace(self, steps=steps, addresses=addresses, book=book, shown=told)

    def with_ended(self, end: SessionEnd, now: datetime) -> SignOnState:
        """With an end that was just put on record."""
        return replace(self, book=self.book.with_events([], [end], now))


class SignOnView:
    """The state for many requests, some seconds old at the most. Safe to use from many threads."""

    def __init__(self, archive: ArchiveReader) -> None:
        self._archive = archive
        self._looking = threading.Lock()  # of the one thread that looks
        self._changing = threading.Lock()  # of the state
        self._state: SignOnState | None = None
        self._own: dict[str, SealedCredential] = {}  # put on record here, and not folded yet
        self._mark: tuple[int, int] = (-1, -1)
        self._next_at = self._again_at = 0.0

    def current(self) -> SignOnState:
        """The state as of the last few seconds. Raises Busy: this node does not know the record yet."""
        return self._looked(again=False)

    def again(self) -> SignOnState:
        """The same, before somebody is refused who is not known: looks at once, but not too often."""
        return self._looked(again=True)

    def opened(self, session: Session, step: int, address: str, shown: str = "") -> None:
        """This node put a session on record. Where the record is not known yet, it is read from there."""
        with self._changing:
            if self._state is not None:
                now = self._archive.clock.now()
                self._state = self._state.with_opened(session, step, address, shown, now)

    def ended(self, end: SessionEnd) -> None:
        """This node put an end on record; else as ``opened``."""
        with self._changing:
            if self._state is not None:
                self._state = self._state.with_ended(end, self._archive.clock.now())

    def credentials_set(self, sealed: SealedCredential) -> None:
        """This node put credentials of an account on record: they count here at once."""
        with self._changing:
            self._own[sealed.place.account] = sealed
            if self._state is not None:
                held = {**self._state.credentials, sealed.place.account: sealed}
                self._state = replace(self._state, credentials=held)

    def _looked(self, *, again: bool) -> SignOnState:
        if self._is_due(again) and self._looking.acquire(blocking=self._state is None):
            try:
                if self._is_due(again):
                    self._look()
            finally:
                self._looking.release()
        if self._state is None:
            raise Busy("sessions are not known yet: this node is still reading the record", retry_after=1)
        return self._state

    def _is_due(self, again: bool) -> bool:
        due = self._again_at if again else self._next_at
        return self._state is None or self._archive.stopwatch.seconds() >= due

    def _look(self) -> None:
        archive, seconds = self._archive, self._archive.stopwatch.seconds
        begun = seconds()
        try:
            mark = (archive.catalogue.current().version, archive.tail.newest_batch())
            if archive.behind or mark == self._mark:
                return
            self._take()
            self._mark = mark
        except (Damaged, SiteUnavailable) as error:
            if self._state is None:
                raise Busy(f"sessions cannot be read: {error.message}", retry_after=2) from error
            _log.warning("sessions could not be read again", reason=error.message)
        finally:
            ended = seconds()
            self._next_at = ended + max(_EVERY_S, (ended - begun) / _SHARE)
            self._again_at = ended + max(_AGAIN_S, (ended - begun) / _SHARE)

    def _take(self) -> None:
        archive, now = self._archive, self._archive.clock.now()
        read = read_sign_on(archive, now, self._state)
        with self._changing:
            known = self._state
            # What is newer on record comes after what this node wrote, once that is folded.
            self._own = {id: one for id, one in self._own.items() if one.place.nonce not in read.nonces}
            read = replace(read, credentials={**read.credentials, **self._own})
            if known is not None:  # what this node put on record may not be folded yet
                book = known.book.with_events(read.book.known.values(), read.book.ends, now)
                steps = {
                    id: max(step, read.steps.get(id, 0))
                    for id, step in (*read.steps.items(), *known.steps.items())
                }
                addresses = {
                    id: address
                    for id, address in {**known.addresses, **read.addresses}.items()
                    if id in {one.id for one in book.known.values()}
                }
                open_ids = {one.id for one in book.known.values()}
                shown = {key: id for key, id in known.shown.items() if id in open_ids} | dict(read.shown)
                read = replace(read, book=book, steps=steps, addresses=addresses, shown=shown)
            self._state = read


def read_credentials(archive: ArchiveReader) -> dict[str, SealedCredential]:
    """What accounts sign on with here, by their ids. Raises as ``read_sign_on``."""
    return {sealed.place.account: sealed for sealed in _all_credentials(archive)}


def _all_credentials(archive: ArchiveReader) -> Iterator[SealedCredential]:
    """The oldest first."""
    for event in own_events(archive.search, CREDENTIAL_SET, order="oldest"):
        sealed = _read(event, lambda event: sealed_in(event.detail))
        if sealed is not None and sealed.place.kind == LOCAL_KIND:
            yield sealed


def read_sign_on(archive: ArchiveReader, now: datetime, before: SignOnState | None = None) -> SignOnState:
    """The state as far as the archive is folded here. Raises Damaged, SiteUnavailable (the index).

    ``before``: an earlier reading, whose sessions need not be opened again.
    """
    search, since = archive.search, to_us(now - _BACK)
    known = {} if before is None else before.opened
    opened: dict[str, Session] = {}
    steps: dict[str, int] = {}
    addresses: dict[str, str] = {}
    shown: dict[str, str] = {}
    second: list[SessionEnd] = []
    for event in sorted(
        own_events(search, OPENED, from_us=since, order="oldest"), key=lambda one: (one.at, one.id)
    ):
        session = known.get(event.id) or _read(event, lambda event: opened_session(archive, event.detail))
        if session is not None:
            opened[event.id] = session
            addresses[session.id] = str(event.detail.get("address", ""))
            step = event.detail.get("step", 0)
            if isinstance(step, int):
                steps[session.account] = max(step, steps.get(session.account, 0))
            key = str(event.detail.get("shown") or (f"{session.account}-{step}" if step else ""))
            if key and shown.setdefault(key, session.id) != session.id:
                # Two nodes took one code at the same moment. All of them see the same one come second.
                second.append(SessionEnd("shown-twice", session.opened, session=session.id))
                if event.id not in known:
                    _log.warning("two sessions were opened with one code", session=session.id, shown=key)
    ends = second + [
        end
        for event in own_events(search, ENDED, from_us=since, order="oldest")
        if (end := _read(event, lambda event: SessionEnd.of_detail(event.detail))) is not None
    ]
    used = {
        str(event.detail.get("session")): event.at
        for event in own_events(search, USED, from_us=since, order="oldest")
    }
    renewed = {
        str(event.detail.get("session")): RefreshOnRecord(event.at, str(event.detail.get("sealed")))
        for event in own_events(search, RENEWED, from_us=since, order="oldest")
    }
    book = SessionBook().with_events(opened.values(), ends, now)
    counters = _read_counters(archive, before)
    held = list(_all_credentials(archive))
    return SignOnState(
        {one.place.account: one for one in held},
        counters,
        steps,
        used,
        renewed,
        addresses,
        book,
        opened,
        shown=shown,
        read_at=now,
        nonces=frozenset(one.place.nonce for one in held),
    )


def _read_counters(archive: ArchiveReader, before: SignOnState | None) -> dict[str, SealedCredential]:
    """The newest counters of each account; after the first reading only what came since is read."""
    found = {} if before is None else dict(before.counters)
    known_to = None if before is None else before.read_at
    from_us = 0 if known_to is None else to_us(known_to - _BACK)
    for event in own_events(archive.search, AUTHENTICATOR_USED, from_us=from_us, order="oldest"):
        sealed = _read(event, lambda event: sealed_in(event.detail))
        if sealed is not None and sealed.place.kind == COUNTERS_KIND:
            found[sealed.place.account] = sealed
    return found


def _read(event: OwnEvent, read: Callable[[OwnEvent], _T]) -> _T | None:
    """What an event says; None for one that another version wrote, or nobody here: it lets nobody in."""
    try:
        return read(event)
    except (Damaged, KeyUnavailable) as error:
        _log.warning("an event about signing on cannot be read", event_id=event.id, reason=error.message)
        return None
