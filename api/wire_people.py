"""What answers about accounts, reports and legal duties hold, as models; ``wire.py`` has all others."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from vanvault.api.wire_types import Count, Sha256, Time

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


class MadeReportAnswer(BaseModel):
    """A report on record."""

    id: str
    report: Literal["accounts", "review", "operation", "personal-data"]
    period: str
    at: Time
    complete: bool = Field(description="The period was over, and nothing of its record was lacking.")
    full: bool
    sha256: Sha256 = Field(description="Of report.json.")
    who: str


class DueReportAnswer(BaseModel):
    """One report of one period."""

    report: Literal["accounts", "review", "operation", "personal-data"]
    period: str
    due_before: _Day
    state: Literal["made", "due", "overdue", "coming"]
    made: MadeReportAnswer | None


class ReportsAnswer(BaseModel):
    """Reports on record, the newest first, and which are due."""

    reports: list[MadeReportAnswer]
    due: list[DueReportAnswer]
    partial: bool = Field(description="Something may be missing.")


class SignedReportAnswer(BaseModel):
    """One report, as it was signed and archived."""

    report: dict[str, Any] = Field(description="As vanvault report show --json shows it (docs/reports.md).")


class LegalWordsAnswer(BaseModel):
    """A text in English and Vietnamese."""

    en: str
    vi: str


class DutyMetAnswer(BaseModel):
    """What meets a duty."""

    by: LegalWordsAnswer
    evidence: list[str] = Field(description="Commands; none where people or other systems meet it.")


class DutyAnswer(BaseModel):
    """One thing that one text asks for."""

    name: str
    text: str
    title: LegalWordsAnswer
    clause: LegalWordsAnswer
    mark: Literal["source", "excerpt", "notes", "not-found"] = Field(description="How it is known.")
    value: float | None
    unit: str
    in_force_from: _Day | None
    in_force_until: _Day | None
    limited: LegalWordsAnswer | None
    duty: LegalWordsAnswer
    citation: LegalWordsAnswer
    met: DutyMetAnswer


class LawAnswer(BaseModel):
    """The table of legal duties."""

    on: _Day | None
    duties: list[DutyAnswer]
