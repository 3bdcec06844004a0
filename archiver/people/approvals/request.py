"""A request for approval: its canonical form, and the digest of that, which people approve. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vanvault.archiver.core.canonical import Json, canonical
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.approvals.table import check_act

_VERSION = 1
#: Bytes of the canonical form: a whole event has 16 KiB.
MOST_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: an account of the archive, or one of the operating system that is no account here."""

    name: str
    account: str = ""  # id of the account; "" where there is none

    @property
    def key(self) -> str:
        """Who it is, in a request and in its events."""
        return self.account or f"os:{self.name}"


@dataclass(frozen=True, slots=True)
class ApprovalWish:
    """What somebody wants to do: all that an approval is bound to."""

    act: str
    subject: Mapping[str, Json]  # what it is about, the count of its result included
    requester: str  # ``Requester.key``
    beneficiaries: tuple[str, ...] = ()  # names or ids of accounts to whom it gives something

    def as_json(self) -> dict[str, Any]:
        """The canonical request as a JSON value."""
        return {
            "act": self.act,
            "beneficiaries": sorted(set(self.beneficiaries)),
            "requester": self.requester,
            "subject": dict(self.subject),
            "version": _VERSION,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form (RFC 8785), hexadecimal.

        Raises InvalidInput: the subject has no canonical form (fractions), or is too long.
        """
        form = canonical(self.as_json())
        if len(form) > MOST_BYTES:
            raise InvalidInput(
                f"a request for approval has {MOST_BYTES} bytes at most",
                field="subject",
                hint="Ask for less.",
            )
        return hashlib.sha256(form).hexdigest()

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> ApprovalWish:
        """Raises KeyError, TypeError, ValueError, InvalidInput for what ``as_json`` did not write."""
        wish = cls(told["act"], dict(told["subject"]), told["requester"], tuple(told["beneficiaries"]))
        check_act(wish.act)
        texts = (wish.requester, *wish.beneficiaries)
        if any(type(one) is not str for one in texts) or wish.as_json() != dict(told):
            raise ValueError("another version's form")
        return wish
