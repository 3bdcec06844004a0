"""The section ``[approvals]``: which acts one person may not do alone. In force once it is on record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _ApprovalSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ActSettings(_ApprovalSection):
    """What differs for one act."""

    on: bool = Field(default=True, description="the act asks for approval")
    approvals: int | None = Field(default=None, ge=1, le=5, description="approvals by others that it needs")


class ApprovalSettings(_ApprovalSection):
    """Which acts ask for approvals by others; ``vanvault approval table set`` puts it on record."""

    on: bool = Field(default=False, description="acts of the table need approvals by others")
    approvals: int = Field(default=1, ge=1, le=5, description="approvals by others that an act needs")
    request_hours: int = Field(
        default=72, ge=1, le=720, description="hours in which a request may be approved"
    )
    approval_hours: int = Field(
        default=24, ge=1, le=168, description="hours in which an approval may be used"
    )
    acts: dict[str, ActSettings] = Field(default={}, description="by act, what differs for it")
