"""What answers about jobs hold, as models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from vanvault.api.wire_types import Count, Time
from vanvault.recovery.job_record import JobOutcome


class JobAnswer(BaseModel):
    """One job on record."""

    id: str = Field(description="Of the event that tells its end.")
    type: str = Field(description="Of that event, without vanvault., such as verify.finished.")
    at: Time = Field(description="When it was put on record, at its end.")
    began_at: Time | None = Field(description="Null where the record does not say how long it took.")
    outcome: JobOutcome = Field(description="unclear: the record does not say; never take it for a success.")
    about: str = Field(description="Scenario, part, job, export, extraction or disposal.")
    bytes: Count | None
    seconds: float | None
    who: str = Field(description="Empty where the record does not say.")


class JobsAnswer(BaseModel):
    """Jobs on record, newest first."""

    jobs: list[JobAnswer]
    next: str | None = Field(description="The before of the next page; null: this is the last.")
    partial: bool = Field(description="Something may be missing.")


class JobPart(BaseModel):
    """An event that belongs to a job."""

    id: str
    type: str
    at: Time
    told: dict[str, Any]


class OneJobAnswer(JobAnswer):
    """One job whole."""

    told: dict[str, Any] = Field(description="All that its event tells.")
    parts: list[JobPart] = Field(description="What a clearing removed, oldest first.")
    more_parts: bool = Field(description="There are more parts than are told.")
    drill: str | None = Field(description="Of a drill: its id, for /v1/drills/{id}, its signed report.")
