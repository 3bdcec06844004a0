"""What answers about accounts hold, as models; ``wire.py`` has all others."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from vanvault.api.wire_types import Count, Time

_Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]


class RoleGrantAnswer(BaseModel):
    """A role of an account; days of Vietnam, both included, null without end."""

    role: str
    from_: _Day | None = Field(alias="from")
    until: _Day | None
    granted_at: Time
    granted_by: str


class SuspensionAnswer(BaseModel):
    """An account is off from the first moment of a day on, until that is lifted."""

    from_: _Day = Field(alias="from")
    reason: str
    entered_at: Time
    entered_by: str
    lifted_at: Time | None
    lag_days: Count


class LateEntryAnswer(BaseModel):
    """What took a right away was entered after its day of effect."""

    what: Literal["suspended", "role-revoked", "ended"]
    effective: _Day
    entered_at: Time
    lag_days: Count


class ProviderIdentityAnswer(BaseModel):
    """Who somebody is to a provider of sign-on."""

    issuer: str
    subject: str


class AccountAnswer(BaseModel):
    """One account as it stands now."""

    id: str
    account: str
    kind: Literal["person", "service"]
    full_name: str
    unit: str
    owner: str = Field(description="The account that answers for it.")
    state: Literal[
        "active", "early", "over", "suspended", "idle", "contested", "withdrawn", "removed", "unclear"
    ]
    why: str
    roles: list[str] = Field(description="In force today.")
    grants: list[RoleGrantAnswer]
    valid_from: _Day | None
    valid_until: _Day | None
    suspensions: list[SuspensionAnswer]
    late: list[LateEntryAnswer]
    identities: list[ProviderIdentityAnswer]
    added_at: Time
    last_seen: Time | None = Field(description="The last use on record.")
    idle_days: Count | None
    reviewed_at: Time | None
    review_due: _Day
    review_is_due: bool
    look_at: list[str] = Field(description="What the review has to look at, for people.")
    factors: list[Literal["password", "codes", "authenticators"]] = Field(
        description="What it signs on with here; a provider is none of them."
    )


class OneAccountAnswer(BaseModel):
    """One account."""

    account: AccountAnswer


class AccountsAnswer(BaseModel):
    """Accounts and gateways, by name."""

    accounts: list[AccountAnswer]
    lacking: list[str] = Field(description="What of the record could not be read.")
