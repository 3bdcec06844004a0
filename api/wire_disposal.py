"""What answers about disposals and holds hold, as models; ``wire.py`` has all others."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from vanvault.api.wire_types import Count, Sha256, Time
from vanvault.archiver.disposal import DisposalState


class DisposalApprovalAnswer(BaseModel):
    """How the approval of exactly this plan stands."""

    request: str | None = Field(description="Id of the request: /v1/approvals.")
    state: Literal["none", "open", "approved", "used", "refused", "over"]
    why: str | None
    approved_by: list[str]
    approved_at: Time | None
    until: Time | None


class DisposalWithdrawnAnswer(BaseModel):
    """Who took it back, and why."""

    at: Time
    who: str
    reason: str


class DisposalBegunAnswer(BaseModel):
    """Who began its run."""

    at: Time
    who: str


class RecheckedSegmentAnswer(BaseModel):
    """What of a planned segment still went right before it was replaced."""

    segment: str
    at: Time
    entries: Count
    originals: Count
    dropped: dict[str, Count] = Field(description="What was no longer due then, by reason.")


class ReplacedSegmentsAnswer(BaseModel):
    """Segments in whose place a residue segment stands."""

    residue: str = Field(description="Key of its manifest.")
    segments: list[str]
    at: Time


class RemovedSegmentsAnswer(BaseModel):
    """Nothing of what was replaced lies at this site."""

    site: Literal["primary", "standby"]
    residue: str
    at: Time


class BackupsGoneAnswer(BaseModel):
    """Somebody said that no backup holds anything of it."""

    at: Time
    who: str
    reason: str
    looked: bool = Field(description="The program looked into every snapshot of a repository first.")
    repository: str | None = Field(description="Where it looked; null: the settings named none.")
    snapshots: Count = Field(description="Into how many it looked.")


class DisposalCertificateAnswer(BaseModel):
    """A signed certificate, which is a message of the gateway vanvault."""

    number: Count
    at: Time
    message_id: str
    sha256: Sha256
    remaining: Count = Field(description="Copies that were left, each named in it.")
    who: str


class DisposalAnswer(BaseModel):
    """One disposal, as far as the record tells."""

    disposal: str
    state: DisposalState
    plan: str = Field(description="Id of the message that is the plan, at the gateway vanvault.")
    plan_sha256: str
    planned_at: Time
    who: str
    entries: Count
    originals: Count
    bytes: Count
    segments: Count
    approval: DisposalApprovalAnswer
    cools_until: Time | None = Field(description="The first moment at which it may run.")
    withdrawn: DisposalWithdrawnAnswer | None
    begun: DisposalBegunAnswer | None
    rechecked: list[RecheckedSegmentAnswer]
    replaced: list[ReplacedSegmentsAnswer]
    removed: list[RemovedSegmentsAnswer]
    halted: list[str] = Field(description="Why the last run stopped before its end.")
    dropped: dict[str, Count] = Field(description="Why nothing of it was due any more, by reason.")
    backups_gone: BackupsGoneAnswer | None
    certificates: list[DisposalCertificateAnswer]


class DisposalsAnswer(BaseModel):
    """Disposals, the newest first."""

    disposals: list[DisposalAnswer]
    partial: bool = Field(description="Something may be missing.")


class HoldSaidAnswer(BaseModel):
    """What one person said to a hold."""

    at: Time
    who: str
    reason: str | None


class HoldAnswer(BaseModel):
    """What must not be let go: entries by id, or all that fields find which were received in [from, to)."""

    hold: str
    state: Literal["placed", "confirmed", "release-asked", "released"]
    in_force: bool
    late: bool = Field(description="Nobody confirmed it in time.")
    case: str
    reason: str
    authority: Sha256 | None = Field(description="Of the document that asks for it.")
    entries: list[str]
    filters: dict[str, str]
    from_: Time | None = Field(alias="from")
    to: Time | None
    future: bool = Field(description="Also what is received after it was placed.")
    placed: HoldSaidAnswer
    confirmed: list[HoldSaidAnswer]
    released: list[HoldSaidAnswer]


class CountedHoldAnswer(HoldAnswer):
    """The same, with how many entries it is over now."""

    over: Count = Field(description="10,000 at most: vanvault hold show counts them all.")
    over_more: bool = Field(description="It is over more than are counted.")


class HoldsAnswer(BaseModel):
    """Holds, the oldest first."""

    holds: list[HoldAnswer]
    partial: bool = Field(description="Something may be missing.")
