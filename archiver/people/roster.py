"""The gateways of a home as one value, and every change that may be made to it. Pure.

A gateway has an id for ever and a name for ever: a name that was once given is never given to another
gateway, also after its removal. So a row of the archive may go on naming its gateway by name alone.

Each change adds a ``RosterChange`` to ``unrecorded`` in the same step, so that it stands in the same file as
what it tells, until the archive holds it as an event.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.terms import ALL_TERMS, TokenTerms

POLICIES = ("all", "any")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TOKEN_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Token:
    """One bearer token: only its digest is known."""

    id: str  # ``t-`` and the first 12 hexadecimal digits of the digest: who holds a token can tell its id
    sha256: str = field(repr=False)  # hexadecimal
    added_at: datetime
    terms: TokenTerms = ALL_TERMS


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway, present or removed."""

    id: str
    name: str
    added_at: datetime
    tokens: tuple[Token, ...] = ()
    policy: str | None = None  # ``all``, ``any``, or None: the appliance's
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RosterAct:
    """Who changes something, and when; ``nonce`` makes the event's id."""

    at: datetime
    who: str
    nonce: str


@dataclass(frozen=True, slots=True)
class RosterChange:
    """A change that the archive does not hold yet: an event ``vanvault.gateway.<kind>``."""

    nonce: str
    kind: str  # added, brought-back, removed, policy-set, token-added, token-removed
    at: datetime
    detail: Mapping[str, object]  # JSON values, without any secret


@dataclass(frozen=True, slots=True)
class Roster:
    """All gateways that a home ever had, in the order in which they came."""

    gateways: tuple[Gateway, ...] = ()
    unrecorded: tuple[RosterChange, ...] = ()

    def find(self, name: str) -> Gateway | None:
        """The gateway that has or had this name."""
        return next((one for one in self.gateways if one.name == name), None)

    def get(self, name: str) -> Gateway:
        """A gateway that is present. Raises NotFound."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"there is no gateway {name[:64]}", hint="List them: vanvault gateway list")
        if found.removed_at is not None:
            raise NotFound(
                f"the gateway {found.name} was removed already, at {rfc3339_seconds(found.removed_at)}",
                hint=f"To let it in again: vanvault gateway add {found.name} --bring-back",
            )
        return found

    def present(self) -> Iterator[Gateway]:
        """The gateways that were not removed."""
        return (one for one in self.gateways if one.removed_at is None)

    def add(self, act: RosterAct, gateway: Gateway) -> Roster:
        """With a new gateway. Raises InvalidInput (name, policy), Conflict (the name is or was taken)."""
        check_name(gateway.name)
        check_policy(gateway.policy)
        found = self.find(gateway.name)
        if found is not None and found.removed_at is None:
            raise Conflict(
                f"the gateway {found.name} exists already",
                hint=f"Its tokens cannot be shown again. Another: vanvault gateway token add {found.name}",
            )
        if found is not None:
            raise taken_by_removed(found.name, found.id)
        if any(one.id == gateway.id for one in self.gateways):
            raise Conflict(f"there is a gateway with the id {gateway.id} already")
        made = replace(self, gateways=(*self.gateways, gateway))
        return made._with(act, "added", gateway, _told(gateway))

    def adopt(self, act: RosterAct, gateway: Gateway) -> Roster:
        """With a gateway of a file that had no ids yet; its name is not judged again."""
        adopted = replace(self, gateways=(*self.gateways, gateway))
        return adopted._with(act, "added", gateway, _told(gateway))

    def remember(self, gateway: Gateway) -> Roster:
        """With a removed gateway that only the archive still knew. Raises InvalidInput (name)."""
        check_name(gateway.name)
        return replace(self, gateways=(*self.gateways, gateway))

    def bring_back(self, act: RosterAct, name: str, token: Token, policy: str | None) -> Roster:
        """With a removed gateway present again: the same id, a new token. Raises Conflict, NotFound."""
        check_policy(policy)
        found = self.find(name)
        if found is None:
            raise NotFound(f"there never was a gateway {name[:64]}", hint="Add it without --bring-back.")
        if found.removed_at is None:
            raise Conflict(
                f"the gateway {name} is present",
                hint=f"For another token: vanvault gateway token add {name}",
            )
        back = replace(found, tokens=(token,), policy=policy, removed_at=None)
        return self._replaced(back)._with(act, "brought-back", back, _told(back))

    def remove(self, act: RosterAct, name: str) -> Roster:
        """Without the tokens of a gateway; id and name stay taken. Raises NotFound."""
        gone = replace(self.get(name), tokens=(), policy=None, removed_at=act.at)
        return self._replaced(gone)._with(act, "removed", gone, {})

    def set_policy(self, act: RosterAct, name: str, policy: str | None) -> Roster:
        """With another policy of a gateway; None: the appliance's. Raises NotFound, InvalidInput."""
        check_policy(policy)
        changed = replace(self.get(name), policy=policy)
        return self._replaced(changed)._with(act, "policy-set", changed, {"policy": policy or "settings"})

    def add_token(
        self, act: RosterAct, name: str, token: Token, others_end: datetime | None = None
    ) -> Roster:
        """With one more token. ``others_end``: the other tokens are good until then, if not less long.

        Raises NotFound, Conflict (there is this token).
        """
        found = self.get(name)
        if any(one.sha256 == token.sha256 or one.id == token.id for one in self._tokens()):
            raise Conflict(f"there is a token {token.id} already")
        others = tuple(_ended(one, others_end) for one in found.tokens) if others_end else found.tokens
        changed = replace(found, tokens=(*others, token))
        detail: dict[str, object] = {"token": token.id, **token.terms.as_json()}
        if others_end:
            detail["others_end"] = rfc3339_seconds(others_end)
        return self._replaced(changed)._with(act, "token-added", changed, detail)

    def remove_token(self, act: RosterAct, name: str, token: str) -> Roster:
        """Without one token, by its id. Raises NotFound."""
        found = self.get(name)
        left = tuple(one for one in found.tokens if one.id != token)
        if len(left) == len(found.tokens):
            raise NotFound(
                f"the gateway {name} has no token {token[:40]}", hint=f"vanvault gateway token list {name}"
            )
        changed = replace(found, tokens=left)
        return self._replaced(changed)._with(act, "token-removed", changed, {"token": token})

    def obey(self, tokens: Collection[str], removals: Mapping[str, datetime]) -> Roster:
        """Without what was removed elsewhere, or before this file was brought back from a backup.

        ``tokens``: ids of tokens that were removed; ``removals``: when a gateway, by its id, last was. Both
        are on record already, so no change is added.
        """
        gateways = (_obedient(one, tokens, removals.get(one.id)) for one in self.gateways)
        return replace(self, gateways=tuple(gateways))

    def recorded(self, nonces: Collection[str]) -> Roster:
        """Without the changes that the archive holds by now."""
        return replace(self, unrecorded=tuple(one for one in self.unrecorded if one.nonce not in nonces))

    def _tokens(self) -> Iterator[Token]:
        return (token for gateway in self.gateways for token in gateway.tokens)

    def _replaced(self, gateway: Gateway) -> Roster:
        return replace(
            self, gateways=tuple(gateway if one.id == gateway.id else one for one in self.gateways)
        )

    def _with(self, act: RosterAct, kind: str, gateway: Gateway, more: Mapping[str, object]) -> Roster:
        detail: dict[str, object] = {"gateway": gateway.name, "id": gateway.id, **more}
        if act.who:
            detail["who"] = act.who
        return replace(self, unrecorded=(*self.unrecorded, RosterChange(act.nonce, kind, act.at, detail)))


def check_name(name: str, *, what: str = "gateway") -> None:
    """Raises InvalidInput unless this may be the name of a gateway, or of ``what`` else has a name."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:40]!r} is no {what} name",
            field=what,
            hint="Use 1 to 64 of a-z, 0-9, dot, dash and underscore, not starting with a sign.",
        )
    if name == SYSTEM_GATEWAY or name.startswith(f"{SYSTEM_GATEWAY}."):
        raise InvalidInput(
            f"{name[:40]!r} is no {what} name: it is kept for the archive itself",
            field=what,
            hint="Choose another name.",
        )


def check_policy(policy: str | None) -> None:
    """Raises InvalidInput unless this is a policy, or None: the appliance's."""
    if policy is not None and policy not in POLICIES:
        raise InvalidInput(f"{policy[:20]!r} is no policy", field="policy", hint="all or any")


def taken_by_removed(name: str, id: str) -> Conflict:
    """Why a name is not given to a new gateway."""
    return Conflict(
        f"the name {name} belongs to the removed gateway {id}: what it archived stays under this name",
        hint=f"Choose another name, or bring the same gateway back: vanvault gateway add {name} --bring-back",
    )


def digest_of(secret: str) -> str:
    """SHA-256 (hexadecimal) of a bearer token, as it is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_id(sha256: str) -> str:
    """The id of a token, from its digest."""
    return f"t-{sha256[:_TOKEN_ID_DIGITS]}"


def _told(gateway: Gateway) -> dict[str, object]:
    told: dict[str, object] = {"policy": gateway.policy or "settings"}
    if gateway.tokens:
        told |= {"token": gateway.tokens[0].id, **gateway.tokens[0].terms.as_json()}
    return told


def _obedient(gateway: Gateway, tokens: Collection[str], removed_at: datetime | None) -> Gateway:
    left = tuple(
        one
        for one in gateway.tokens
        if one.id not in tokens and (removed_at is None or one.added_at > removed_at)
    )
    if len(left) == len(gateway.tokens):
        return gateway
    if left or removed_at is None:
        return replace(gateway, tokens=left)
    return replace(gateway, tokens=(), policy=None, removed_at=removed_at)


def _ended(token: Token, end: datetime) -> Token:
    terms = token.terms
    if terms.not_after is not None and terms.not_after <= end:
        return token
    begin = terms.not_before if terms.not_before is None or terms.not_before < end else end
    return replace(token, terms=replace(terms, not_before=begin, not_after=end))
