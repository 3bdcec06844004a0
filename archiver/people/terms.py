"""What a token is good for: for which kind of request, from when to when, and from where. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Literal, get_args

from vanvault.archiver.core.errors import AccessDenied, InvalidInput
from vanvault.archiver.core.times import rfc3339_seconds

Scope = Literal[
    "push",  # archive messages and events
    "read-own",  # search and fetch what the same gateway archived
]
SCOPES: tuple[Scope, ...] = get_args(Scope)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """The terms of one token. Without any, it is good for everything, for ever, from everywhere."""

    scopes: tuple[Scope, ...] = SCOPES
    not_before: datetime | None = None  # good from this moment on
    not_after: datetime | None = None  # good before this moment, not at it
    networks: tuple[Network, ...] = ()  # () = from everywhere

    @classmethod
    def of(
        cls,
        *,
        scopes: Sequence[str] = (),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        networks: Sequence[str] = (),
    ) -> TokenTerms:
        """Terms as somebody asks for them; ``scopes`` () means all, times count in whole seconds.

        Raises InvalidInput.
        """
        known = tuple(scope for scope in SCOPES if scope in scopes or not scopes)
        strange = sorted(set(scopes) - set(SCOPES))
        if strange:
            raise InvalidInput(
                f"there is no scope {strange[0][:40]!r}", field="scope", hint=f"One of: {', '.join(SCOPES)}."
            )
        not_before, not_after = (at and at.replace(microsecond=0) for at in (not_before, not_after))
        if not_before is not None and not_after is not None and not_before > not_after:
            raise InvalidInput("a token cannot end before it begins", field="not_after")
        return cls(known, not_before, not_after, tuple(map(parse_network, networks)))

    def state(self, at: datetime) -> Literal["valid", "early", "over"]:
        """How the token stands at a moment."""
        if self.not_before is not None and at < self.not_before:
            return "early"
        return "over" if self.not_after is not None and at >= self.not_after else "valid"

    def check_scope(self, scope: Scope) -> None:
        """Raises AccessDenied unless the token is good for such a request."""
        if scope not in self.scopes:
            raise AccessDenied(
                f"this token has no scope {scope}",
                authenticated=True,
                hint="Use a token that has it; the operator makes one: vanvault gateway token add --scope.",
            )

    def check_address(self, address: Address | None) -> None:
        """Raises AccessDenied unless the token is good from there; None: an address that nobody knows."""
        if self.networks and not (address is not None and any(address in one for one in self.networks)):
            raise AccessDenied(
                "this token is not good from this address",
                authenticated=True,
                hint="It is bound to networks: vanvault gateway token list. Behind a proxy, http.proxies must"
                " name the proxy, and it must set X-Forwarded-For.",
            )

    def as_json(self) -> dict[str, object]:
        """As JSON values; what is not limited is not there, but for scopes."""
        fields: dict[str, object] = {"scopes": list(self.scopes)}
        if self.not_before is not None:
            fields["not_before"] = rfc3339_seconds(self.not_before)
        if self.not_after is not None:
            fields["not_after"] = rfc3339_seconds(self.not_after)
        if self.networks:
            fields["networks"] = [str(network) for network in self.networks]
        return fields


#: A token without limits.
ALL_TERMS = TokenTerms()


def parse_network(text: str) -> Network:
    """A network such as ``10.1.0.0/16``, or one address. Raises InvalidInput."""
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"{text[:60]!r} is no network",
            field="network",
            hint="Write it like 10.1.0.0/16 or 2001:db8::/32; the bits behind the prefix are zero.",
        ) from error
