"""The gateways of a home, in ``gateways.json``: who may call, and every change of that.

A token holds 256 random bits, so a plain digest cannot be searched for it; a slow password hash would add
nothing but a way to exhaust the node.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import Clock, Entropy
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.disk import HeldLock, lock_beside, replace_file, take_lock, try_lock
from vanvault.archiver.home_files import GATEWAYS_FILE
from vanvault.archiver.people.file import decode_roster, encode_roster
from vanvault.archiver.people.last_use import LastUse
from vanvault.archiver.people.roster import (
    Gateway,
    Roster,
    RosterAct,
    RosterChange,
    Token,
    digest_of,
    token_id,
)
from vanvault.archiver.people.terms import ALL_TERMS, TokenTerms

_LAST_USE = Path("cache") / "gateway-use.json"
_RECORDING = ".gateways-recording.lock"
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; ``secret`` is shown once and kept nowhere."""

    gateway: str
    gateway_id: str
    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, by its token."""

    gateway: str
    gateway_id: str
    token: str  # its id
    terms: TokenTerms


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the file said when it was last read; never changed, so many threads may look at it."""

    identity: tuple[int, int, int]
    callers: Mapping[str, Caller]  # by digest of the token
    policies: Mapping[str, str]
    roster: Roster
    count: int  # of gateways that are present


class Gateways:
    """The gateways of a home; a change by another process is seen at the next call. Many threads may call.

    Every change is one step under a lock: read, changed, written durably, together with what is to go on
    record about it. ``who``: the account that changes something, for the record.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / GATEWAYS_FILE
        self._home = home
        self._seen: _Seen | None = None
        self._last_use = LastUse(home / _LAST_USE)

    def add(
        self,
        name: str,
        entropy: Entropy,
        clock: Clock,
        *,
        policy: str | None = None,
        terms: TokenTerms = ALL_TERMS,
        who: str = "",
    ) -> NewToken:
        """Make a gateway with its first token.

        ``policy``: ``all``, ``any``, or None: the appliance's. Raises InvalidInput (name, policy), Conflict
        (the name is taken, or was: a name is never given to another gateway).
        """
        act, secret = _act(entropy, clock, who), _secret(entropy)
        gateway = Gateway(
            id=f"g-{entropy.token(8).hex()}",
            name=name,
            added_at=act.at,
            tokens=(_token(secret, act, terms),),
            policy=policy,
        )
        return _new(self._change(lambda roster: roster.add(act, gateway)).get(name), secret)

    def start(self, name: str, entropy: Entropy, clock: Clock, *, who: str = "") -> NewToken:
        """Make the first gateway of a home that nobody uses yet; what an attempt before left is forgotten."""
        with self._locked():
            self._store(Roster())
        return self.add(name, entropy, clock, who=who)

    @property
    def count(self) -> int:
        """How many there were when the file was last looked at; ``authenticate`` looks."""
        return self._seen.count if self._seen else 0

    def bring_back(
        self,
        name: str,
        entropy: Entropy,
        clock: Clock,
        *,
        policy: str | None = None,
        terms: TokenTerms = ALL_TERMS,
        id: str = "",
        who: str = "",
    ) -> NewToken:
        """Let a removed gateway in again, as the same one, with one new token.

        ``id``: of a gateway that only the archive knows, because this file was lost. Raises NotFound,
        Conflict (it is present), InvalidInput (policy).
        """
        act, secret = _act(entropy, clock, who), _secret(entropy)
        token = _token(secret, act, terms)

        def change(roster: Roster) -> Roster:
            if id and roster.find(name) is None:
                roster = roster.remember(Gateway(id, name, act.at, removed_at=act.at))
            return roster.bring_back(act, name, token, policy)

        return _new(self._change(change).get(name), secret)

    def remove(self, name: str, entropy: Entropy, clock: Clock, *, who: str = "") -> None:
        """Take all tokens of a gateway away; what it archived stays, under its name. Raises NotFound."""
        act = _act(entropy, clock, who)
        self._change(lambda roster: roster.remove(act, name))

    def set_policy(
        self, name: str, policy: str | None, entropy: Entropy, clock: Clock, *, who: str = ""
    ) -> None:
        """When this gateway's entries are acknowledged; None: as the appliance's policy says.

        Raises NotFound, InvalidInput.
        """
        act = _act(entropy, clock, who)
        self._change(lambda roster: roster.set_policy(act, name, policy))

    def add_token(
        self,
        name: str,
        entropy: Entropy,
        clock: Clock,
        *,
        terms: TokenTerms = ALL_TERMS,
        overlap: timedelta | None = None,
        who: str = "",
    ) -> NewToken:
        """Give a gateway one more token. ``overlap``: the others are good only so much longer.

        Raises NotFound.
        """
        act, secret = _act(entropy, clock, who), _secret(entropy)
        token = _token(secret, act, terms)
        end = None if overlap is None else (act.at + overlap).replace(microsecond=0)
        return _new(self._change(lambda roster: roster.add_token(act, name, token, end)).get(name), secret)

    def remove_token(self, name: str, token: str, entropy: Entropy, clock: Clock, *, who: str = "") -> None:
        """Take one token away, by its id; running nodes refuse it at once. Raises NotFound."""
        act = _act(entropy, clock, who)
        self._change(lambda roster: roster.remove_token(act, name, token))

    def names(self) -> list[str]:
        """All gateways that are present, sorted. Raises SettingsError."""
        return sorted(gateway.name for gateway in self._load().present())

    def all(self) -> tuple[Gateway, ...]:
        """Every gateway, removed ones too. Raises SettingsError."""
        return self._load().gateways

    def get(self, name: str) -> Gateway:
        """A gateway that is present. Raises NotFound, SettingsError."""
        return self._load().get(name)

    def policy_of(self, name: str) -> str | None:
        """The gateway's own policy, or None: the appliance's. Raises SettingsError."""
        return self._now().policies.get(name)

    def has_any(self) -> bool:
        """Is any gateway under the policy ``any``? Raises SettingsError."""
        return "any" in self._now().policies.values()

    def authenticate(self, secret: str, clock: Clock) -> Caller:
        """Whose token this is. Raises AccessDenied: unknown, not good yet, or not any more; SettingsError.

        The look-up is by digest, so its timing tells nothing about any token. What it is good for, and from
        where, the caller's terms say.
        """
        caller = self._now().callers.get(digest_of(secret))
        if caller is None:
            raise AccessDenied("the bearer token is not known here", hint="Ask the operator for a token.")
        terms = caller.terms
        if terms.not_before is not None or terms.not_after is not None:
            _check_dates(caller, clock.now())
        self._last_use.note(caller.token)
        return caller

    def last_uses(self) -> dict[str, str]:
        """Last use (RFC 3339) by id of the token: of this home's nodes, some time behind. Raises OSError."""
        return self._last_use.read()

    def write_last_uses(self, now: datetime) -> None:
        """Let other processes know which tokens this one saw. Raises SettingsError, MachineLimit, OSError."""
        known = {token.id for gateway in self._now().roster.gateways for token in gateway.tokens}
        self._last_use.write(now, known)

    def unrecorded(self) -> Sequence[RosterChange]:
        """Changes that the archive does not hold yet, oldest first. Raises SettingsError."""
        return self._load().unrecorded

    def recorded(self, nonces: Sequence[str]) -> None:
        """These changes are on record."""
        self._change(lambda roster: roster.recorded(nonces))

    def obey(self, tokens: Collection[str], removals: Mapping[str, datetime]) -> bool:
        """Take away what is on record as removed (``Roster.obey``); true when there was something.

        Raises SettingsError.
        """
        roster = self._load()
        if roster.obey(tokens, removals) == roster:
            return False
        self._change(lambda roster: roster.obey(tokens, removals))
        return True

    def recording(self, *, wait: bool) -> HeldLock | None:
        """The right to put changes on record, so that no two processes of a home do it at once.

        None: another one has it (never with ``wait``). Raises SettingsError.
        """
        path = self._home / _RECORDING
        try:
            return take_lock(path) if wait else try_lock(path)
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"{path} cannot be used: {error.strerror}") from error

    def _now(self) -> _Seen:
        try:
            status = self._path.stat()
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"{self._path.name} cannot be read: {error.strerror}") from error
        identity = (status.st_ino, status.st_mtime_ns, status.st_size)
        seen = self._seen
        if seen is None or seen.identity != identity:
            self._seen = seen = _seen(identity, self._load())
        return seen

    def _load(self) -> Roster:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Roster()
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"{self._path.name} cannot be read: {error.strerror}") from error
        return decode_roster(data, self._path.name)

    def _change(self, change: Callable[[Roster], Roster]) -> Roster:
        with self._locked():
            changed = change(self._load())
            self._store(changed)
        return changed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            lock = lock_beside(self._path)
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"{self._path.name} cannot be locked: {error.strerror}") from error
        with lock:
            yield

    def _store(self, roster: Roster) -> None:
        try:
            replace_file(self._path, encode_roster(roster))
        except OSError as error:
            raise_limit(error)
            raise SettingsError(f"{self._path.name} cannot be written: {error.strerror}") from error


def _seen(identity: tuple[int, int, int], roster: Roster) -> _Seen:
    present = tuple(roster.present())
    return _Seen(
        identity,
        {
            token.sha256: Caller(gateway.name, gateway.id, token.id, token.terms)
            for gateway in present
            for token in gateway.tokens
        },
        {gateway.name: gateway.policy for gateway in present if gateway.policy is not None},
        roster,
        len(present),
    )


def _check_dates(caller: Caller, now: datetime) -> None:
    terms, state = caller.terms, caller.terms.state(now)
    if state == "early" and terms.not_before is not None:
        raise AccessDenied(
            f"the token {caller.token} is good from {rfc3339_seconds(terms.not_before)} on",
            hint="Wait, or use the token before it.",
        )
    if state == "over" and terms.not_after is not None:
        raise AccessDenied(
            f"the token {caller.token} was good until {rfc3339_seconds(terms.not_after)}",
            hint="Ask the operator for a new one: vanvault gateway token add.",
        )


def _act(entropy: Entropy, clock: Clock, who: str) -> RosterAct:
    return RosterAct(clock.now(), who, entropy.token(8).hex())


def _secret(entropy: Entropy) -> str:
    return "vv1_" + base64.urlsafe_b64encode(entropy.token(_TOKEN_BYTES)).decode().rstrip("=")


def _token(secret: str, act: RosterAct, terms: TokenTerms) -> Token:
    sha256 = digest_of(secret)
    return Token(token_id(sha256), sha256, act.at, terms)


def _new(gateway: Gateway, secret: str) -> NewToken:
    return NewToken(gateway.name, gateway.id, token_id(digest_of(secret)), secret)
