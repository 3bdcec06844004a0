"""A person's token: what it is good for, and until when. Values, and the judging of one request. Pure.

The secret is ``vvp_`` and 256 random bits as base64url, shown once. Its id is ``t-`` and the first 16 hex
digits of its SHA-256, so one look finds the token that a secret may be. On record lies, sealed
(``people/credentials``, kind ``token``): that digest (32 bytes), then the SHA-256 of the terms as canonical
JSON (``networks``, ``not_after``, ``permissions``, as in the event). So nobody without the masters of
credentials makes a token good for more, or for longer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from vanvault.archiver.core.canonical import canonical
from vanvault.archiver.core.errors import AccessDenied, Damaged, InvalidInput, NotFound
from vanvault.archiver.core.key_port import KeyProvider
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.accounts import PERMISSIONS, Account, Allowed, Permission, Refused, judge
from vanvault.archiver.people.credentials import (
    CredentialPlace,
    SealedCredential,
    open_credential,
    seal_credential,
)
from vanvault.archiver.people.terms import Address, Network, parse_network

DEFAULT_LIFE = timedelta(hours=12)
MOST_LIFE = timedelta(days=30)
#: Tokens of one account that are good at once.
MOST_TOKENS = 20
#: What a token may be good for. A gateway has tokens of its own kind; who approves or manages accounts proves
#: each time who they are.
TOKEN_PERMISSIONS: tuple[Permission, ...] = tuple(
    one for one in PERMISSIONS if one not in ("push", "read-own", "approve", "manage-accounts")
)
#: How far the clocks of two nodes may be apart.
_SKEW = timedelta(minutes=1)

_PREFIX = "vvp_"
_SECRET = re.compile(r"vvp_[A-Za-z0-9_-]{43}")
_ID_DIGITS = 16

TokenState = Literal["good", "early", "over", "removed", "too-long"]
TOKEN_STATES: tuple[TokenState, ...] = get_args(TokenState)


@dataclass(frozen=True, slots=True)
class TokenWish:
    """A token as somebody asks for one."""

    permissions: tuple[str, ...] = ()  # (): all that the account has and a token may be good for
    life: timedelta = DEFAULT_LIFE
    networks: tuple[str, ...] = ()  # such as 10.1.0.0/16; (): from everywhere


@dataclass(frozen=True, slots=True)
class PersonToken:
    """One token, as its events tell. Its secret is nowhere, and its digest sealed."""

    id: str  # ``t-`` and 16 hex digits
    account: str  # id of the account
    permissions: frozenset[Permission]
    added_at: datetime  # when the archive received it
    not_after: datetime  # good before this moment, not at it
    networks: tuple[Network, ...] = ()
    who: str = ""  # added it
    removed_at: datetime | None = None
    sealed: SealedCredential | None = field(default=None, repr=False)

    def state(self, now: datetime) -> TokenState:
        """How it stands at a moment. One with a longer life than any may have is good for nothing."""
        if self.removed_at is not None:
            return "removed"
        if self.not_after - self.added_at > MOST_LIFE + _SKEW:
            return "too-long"
        if now + _SKEW < self.added_at:
            return "early"
        return "over" if now >= self.not_after else "good"

    def check_address(self, address: Address | None) -> None:
        """Raises AccessDenied unless it is good from there; None: an address that nobody knows."""
        if self.networks and not (address is not None and any(address in one for one in self.networks)):
            raise AccessDenied(
                "this token is not good from this address",
                authenticated=True,
                hint="It is bound to networks: vanvault account token list.",
            )

    def as_json(self, now: datetime) -> dict[str, object]:
        """As JSON values, with how it stands at a moment."""
        return {
            "token": self.id,
            "state": self.state(now),
            "permissions": sorted(self.permissions),
            "added_at": rfc3339_seconds(self.added_at),
            "not_after": rfc3339_seconds(self.not_after),
            "networks": [str(one) for one in self.networks],
            "who": self.who,
            "removed_at": rfc3339_seconds(self.removed_at) if self.removed_at else None,
        }


@dataclass(frozen=True, slots=True)
class PersonTokens:
    """All tokens of people that the record knows."""

    by_id: Mapping[str, PersonToken] = field(default_factory=dict)
    strange: tuple[str, ...] = ()  # ids of events that this version cannot read
    lacking: tuple[str, ...] = ()  # what of the record could not be read, for people

    def of_account(self, account: str) -> tuple[PersonToken, ...]:
        """Those of an account, by its id, the oldest first."""
        found = (one for one in self.by_id.values() if one.account == account)
        return tuple(sorted(found, key=lambda one: (one.added_at, one.id)))

    def __iter__(self) -> Iterator[PersonToken]:
        return iter(sorted(self.by_id.values(), key=lambda one: (one.added_at, one.id)))


@dataclass(frozen=True, slots=True)
class NewPersonToken:
    """A token that was made; ``detail`` is for ``vanvault.account.token-added`` and lacks who does it."""

    id: str
    not_after: datetime
    permissions: tuple[Permission, ...]
    detail: Mapping[str, object]
    secret: str = field(repr=False)  # shown this once


def is_person_secret(secret: str) -> bool:
    """Has this the form of a person's token? It says nothing of whether there is one."""
    return _SECRET.fullmatch(secret) is not None


def to_add_token(
    account: Account,
    wish: TokenWish,
    held: PersonTokens,
    now: datetime,
    keys: KeyProvider,
    entropy: Entropy,
) -> NewPersonToken:
    """A new token of an account, and the event that says so.

    Raises InvalidInput (life, permissions, networks, too many tokens), AccessDenied (the account has not what
    is asked for now), KeyUnavailable (no master of credentials).
    """
    if account.is_gateway:
        raise InvalidInput(
            f"{account.name} is a gateway, whose tokens are of another kind",
            field="account",
            hint=f"Run: vanvault gateway token add {account.name}",
        )
    if not timedelta(minutes=1) <= wish.life <= MOST_LIFE:
        raise InvalidInput(
            "a token lives for a minute at least, and for 30 days at most", field="for", hint="--for 12h"
        )
    permissions = _granted(account, wish.permissions, now)
    networks = [str(parse_network(one)) for one in wish.networks]
    good = [one for one in held.of_account(account.id) if one.state(now) == "good"]
    if len(good) >= MOST_TOKENS:
        raise InvalidInput(
            f"{account.name} has {len(good)} tokens that are good, the most there may be",
            field="account",
            hint=f"Take one away first: vanvault account token remove {account.name} TOKEN",
        )
    secret = _PREFIX + base64.urlsafe_b64encode(entropy.token(32)).rstrip(b"=").decode()
    digest = _digest(secret)
    place = CredentialPlace(account.id, "token", entropy.token(16).hex())
    until = (now + wish.life).replace(microsecond=0)
    terms: dict[str, object] = {
        "permissions": sorted(permissions),
        "not_after": rfc3339_seconds(until),
        "networks": networks,
    }
    sealed = seal_credential(keys, place, _to_seal(digest, terms), entropy)
    detail = {"account": account.name, "token": _id_of(digest), **terms, **sealed.as_detail()}
    return NewPersonToken(_id_of(digest), until, permissions, detail, secret)


def to_remove_token(account: Account, token: str, held: PersonTokens) -> dict[str, object] | None:
    """The detail of ``vanvault.account.token-removed``, without who does it; None: it was removed already.

    Raises NotFound: the account never had it.
    """
    found = held.by_id.get(token)
    if found is None or found.account != account.id:
        raise NotFound(
            f"{account.name} has no token {token[:40]!r}",
            hint=f"List them: vanvault account token list {account.name}",
        )
    if found.removed_at is not None:
        return None
    return {"id": account.id, "account": account.name, "token": found.id}


def token_of_secret(secret: str, held: PersonTokens, keys: KeyProvider, now: datetime) -> PersonToken:
    """The token behind a secret. Whose it is must still be judged: ``judge_token``.

    Raises AccessDenied, not authenticated and always with the same words: there is none, or it is not good
    now; KeyUnavailable: the master under which its digest is sealed is missing.
    """
    if is_person_secret(secret):
        digest = _digest(secret)
        found = held.by_id.get(_id_of(digest))
        if found is not None and found.state(now) == "good" and _fits(found, digest, keys):
            return found
    raise AccessDenied("no such token", hint="Ask for a new one: vanvault account token add")


def judge_token(
    token: PersonToken, account: Account, permission: Permission, now: datetime
) -> Allowed | Refused:
    """May this account do this now with this token? Both must have the permission, the account today."""
    if token.account != account.id or token.state(now) != "good":
        return Refused("token", "this token is not good for this account any more")
    judged = judge(account, permission, now)
    if isinstance(judged, Allowed) and permission not in token.permissions:
        return Refused("token", f"this token of {account.name} is not good for: {permission}")
    return judged


def _granted(account: Account, asked: tuple[str, ...], now: datetime) -> tuple[Permission, ...]:
    strange = sorted(set(asked).difference(TOKEN_PERMISSIONS))
    if strange:
        raise InvalidInput(
            f"no token is good for {strange[0][:40]!r}",
            field="permission",
            hint=f"One of: {', '.join(TOKEN_PERMISSIONS)}.",
        )
    wanted = [one for one in TOKEN_PERMISSIONS if one in asked or not asked]
    judged = {one: judge(account, one, now) for one in wanted}
    refused = [one for one in judged.values() if isinstance(one, Refused)]
    if asked and refused:
        raise refused[0].error()
    granted = tuple(one for one in wanted if isinstance(judged[one], Allowed))
    if not granted:
        raise refused[0].error()
    return granted


def _fits(token: PersonToken, digest: bytes, keys: KeyProvider) -> bool:
    if token.sealed is None:
        return False
    terms: dict[str, object] = {
        "permissions": sorted(token.permissions),
        "not_after": rfc3339_seconds(token.not_after),
        "networks": [str(one) for one in token.networks],
    }
    try:
        return hmac.compare_digest(open_credential(keys, token.sealed), _to_seal(digest, terms))
    except Damaged:
        return False


def _to_seal(digest: bytes, terms: Mapping[str, object]) -> bytes:
    return digest + hashlib.sha256(canonical(dict(terms))).digest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _id_of(digest: bytes) -> str:
    return f"t-{digest.hex()[:_ID_DIGITS]}"
