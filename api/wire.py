"""What requests and answers hold, as models: the schemas of the OpenAPI document come from here.

Members that are left out when there is nothing to say are ``absent()``; those that are always there and may
be null say so. Answers may get further members later: a client ignores what it does not know.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from vanvault.api.health import State
from vanvault.api.wire_disposal import CountedHoldAnswer, DisposalAnswer, DisposalsAnswer, HoldsAnswer
from vanvault.api.wire_extraction import (
    AskedExtractionAnswer,
    AskExtractionBody,
    ExtractionAnswer,
    ExtractionsAnswer,
)
from vanvault.api.wire_jobs import AskedJobAnswer, AskJobBody, JobsAnswer, OneJobAnswer, RunningJobsAnswer
from vanvault.api.wire_people import (
    AccountsAnswer,
    LawAnswer,
    OneAccountAnswer,
    ReportsAnswer,
    SignedReportAnswer,
)
from vanvault.api.wire_search import (
    EntryAnswer,
    HistogramAnswer,
    KeptAnswer,
    PageAnswer,
    PlacementAnswer,
    ReadingAnswer,
    TimelineAnswer,
)
from vanvault.api.wire_standing import MODELS as STANDING_MODELS
from vanvault.api.wire_types import Base64, ClientId, Count, KeyId, Sha256, Sha512, Time, Value, absent
from vanvault.archiver.core.tasks import TaskPhase
from vanvault.archiver.people.sign_on import SessionMethod

_REFERENCE = "#/components/schemas/{model}"


class ReceiptProof(BaseModel):
    """The way from a receipt to the signed root of its batch (RFC 9162)."""

    index: Count
    size: int = Field(ge=1)
    path: list[Sha256]


class ReceiptAnswer(BaseModel):
    """A signed receipt; ``archiver/FORMAT.md``, section 7, says how it verifies."""

    format: Literal["vanvault-receipt-v1"]
    archive: str
    id: str = Field(description="The archive's id of the entry.")
    gateway: str
    message_id: ClientId = absent("Of a message.")
    event_id: ClientId = absent("Of an event.")
    size: Count
    sha256: Sha256
    sha512: Sha512
    received_at: Time
    object: str
    row: Count
    large_object: str = absent("Key of the object of a large message.")
    policy: Literal["all", "any"]
    degraded: Literal[True] = absent("Not every site held it when this was signed.")
    placements: list[PlacementAnswer]
    signing_key: KeyId
    proof: ReceiptProof
    signature: Base64


class ProblemAnswer(BaseModel):
    """RFC 9457. ``type`` is ``urn:vanvault:problem:NAME`` (docs/errors.md), or ``about:blank``."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    hint: str = absent("What to do.")
    field: str = absent("What is wrong in the request.")
    site: str = absent("Which site is away.")
    request: str = absent("Which request for approval waits.")
    certificate: str = absent("Under which certificate it was disposed of.")
    on: str = absent("The day on which it was disposed of, YYYY-MM-DD.")
    resource: str = absent("What the machine ran out of.")
    may_be_stored: bool = absent("Whether it may be stored all the same; sending it again is safe.")
    instance: str = absent("urn:vanvault:request:ID, as in X-Request-Id.")


class EntryProblem(ProblemAnswer):
    """The problem of one entry of a request."""

    index: Count = Field(description="Which entry of the request, from 0.")


class EntriesAnswer(BaseModel):
    """One receipt or problem for each entry of a request, in its order."""

    items: list[ReceiptAnswer | EntryProblem]


class _Business(BaseModel):
    """Metadata of a request; what is left out is unknown."""

    kind: Value = absent()
    transaction_id: Value = absent()
    ivan: Value = absent()
    employer_code: Value = absent()
    tax_code: Value = absent()
    insurance_numbers: list[Value] = absent("At most 10,000.")
    dossier_number: Value = absent()
    procedure: Value = absent()
    period: Value = absent()
    state: Value = absent()
    agency: Value = absent()


class MessageFields(_Business):
    """Fields of one entry of a framed batch; the original follows them."""

    model_config = ConfigDict(extra="forbid")

    message_id: ClientId
    content_type: str = absent()


class MessageLine(MessageFields):
    """One line of a batch in NDJSON."""

    body: Base64 = Field(description="The original.")


class EventLine(_Business):
    """One line of the transaction log."""

    model_config = ConfigDict(extra="forbid")

    event_id: ClientId
    occurred_at: Time
    type: str = Field(min_length=1, max_length=256)
    actor: Value = absent()
    message_id: ClientId = absent("The message that it is about.")
    detail: dict[str, Any] = absent("At most 16 kB; no fractions.")


class KeyRevocation(BaseModel):
    """Since when a key is not believed, but for what its revocation lists."""

    act: int = Field(ge=1, description="Number of the act in the record of trust.")
    at: Time
    stolen_since: Time | None = Field(description="Null when nobody knows.")
    stands: Count = Field(description="Objects of this key that are believed all the same.")


class PublicKeyAnswer(BaseModel):
    """One public signing key."""

    key_id: KeyId
    version: int = Field(ge=1)
    algorithm: Literal["Ed25519"]
    pem: str
    active: bool
    from_: Time | None = Field(serialization_alias="from", description="Null for the first key.")
    until: Time | None = Field(description="Null while it signs.")
    introduced_by: KeyId | None
    revoked: KeyRevocation | None


class KeysAnswer(BaseModel):
    """The public signing keys, by version."""

    archive: str
    keys: list[PublicKeyAnswer]


class LiveAnswer(BaseModel):
    """The process answers."""

    status: Literal["live"]


class SiteLag(BaseModel):
    """What a site lacks."""

    objects: Count
    bytes: Count
    seconds: float


class SiteAnswer(BaseModel):
    """What the node thinks of one site."""

    site: str
    state: Literal["healthy", "suspect", "out", "catching-up"]
    since: Time | None
    reason: str
    barred: list[str]
    lag: SiteLag | None


class TaskAnswer(BaseModel):
    """How one of the node's own tasks goes."""

    task: str
    state: TaskPhase
    failures: Count
    error: str
    last_success: Time | None


class ReadyAnswer(BaseModel):
    """A message would be accepted now."""

    status: Literal["ready"]
    state: State
    notes: list[str]
    sites: list[SiteAnswer]
    tasks: list[TaskAnswer]


class NotLiveProblem(ProblemAnswer):
    """Only a new start helps."""

    state: State
    notes: list[str]


class NotReadyProblem(NotLiveProblem):
    """No message would be accepted now, and why."""

    sites: list[SiteAnswer]
    tasks: list[TaskAnswer]


class SignOnBody(BaseModel):
    """Name and password, and the code of the moment where the account has codes."""

    model_config = ConfigDict(extra="forbid")

    account: str
    password: str
    code: str = absent("Six digits of an authenticator app.")
    cookie: bool = absent("The session is set as a cookie, and its secret is not in the answer.")


class DeviceAnswer(BaseModel):
    """A sign-on at the identity provider that somebody confirms in a browser elsewhere."""

    device: str = Field(description="To be brought back at each poll; good at every node.")
    user_code: str = Field(description="What the person types at the address.")
    verification_uri: str
    verification_uri_complete: str = absent("The address with the code in it.")
    interval_s: Count = Field(description="Seconds from one poll to the next, at least.")
    lifetime_s: Count = Field(description="Seconds until it must be confirmed.")


class DeviceBody(BaseModel):
    """What the answer that began it had."""

    model_config = ConfigDict(extra="forbid")

    device: str


class DeviceStateAnswer(BaseModel):
    """The person has not confirmed; ``slower``: wait 5 seconds more from now on."""

    state: Literal["pending", "slower"]


class SessionAnswer(BaseModel):
    """A person's session, and what it may be used for now."""

    secret: str = absent("Bearer token of the session; shown this once.")
    id: str
    account: str
    account_id: str
    method: SessionMethod
    roles: list[str]
    permissions: list[str]
    opened_at: Time
    authenticated_at: Time
    until: Time
    idle_s: Count = Field(description="Seconds without a request after which it ends.")


class BreakGlassBody(BaseModel):
    """What was in the envelope."""

    model_config = ConfigDict(extra="forbid")

    account: str
    secret: str


class BreakGlassAnswer(BaseModel):
    """A test credential was right: with a true one, this account would be signed on."""

    test: Literal[True]
    account: str
    roles: list[str]


class ChallengeBody(BaseModel):
    """Who wants to sign on with an authenticator."""

    model_config = ConfigDict(extra="forbid")

    account: str


class ChallengeAnswer(BaseModel):
    """What a page gives to ``navigator.credentials``, and brings back with the answer."""

    options: dict[str, Any] = Field(description="WebAuthn level 3: options in JSON.")
    ticket: str = Field(description="Good for three minutes, at every node.")


class AssertionBody(BaseModel):
    """What the authenticator said."""

    model_config = ConfigDict(extra="forbid")

    ticket: str
    answer: dict[str, Any] = Field(description="PublicKeyCredential.toJSON().")
    cookie: bool = absent("The session is set as a cookie, and its secret is not in the answer.")


class EnrolmentBody(BaseModel):
    """A new authenticator."""

    model_config = ConfigDict(extra="forbid")

    ticket: str
    answer: dict[str, Any] = Field(description="PublicKeyCredential.toJSON().")
    label: str = absent("What its owner calls it, 64 characters at most.")


class AuthenticatorAnswer(BaseModel):
    """One authenticator of one's own."""

    id: str
    label: str


class AuthenticatorsAnswer(BaseModel):
    """One's own authenticators."""

    authenticators: list[AuthenticatorAnswer]


class OpenSession(BaseModel):
    """A session that may still be used, without what it could be used with."""

    id: str
    account: str
    account_id: str
    method: SessionMethod
    address: str = Field(description="From where it was opened; empty: nobody told.")
    opened_at: Time
    authenticated_at: Time
    used_at: Time = Field(description="The last use that is known here; other nodes tell every few minutes.")
    until: Time


class SessionsAnswer(BaseModel):
    """Open sessions of one account, the oldest first."""

    sessions: list[OpenSession]


class ApproveBody(BaseModel):
    """The digest of the request as it was looked at."""

    model_config = ConfigDict(extra="forbid")

    digest: str


class RefuseBody(ApproveBody):
    """The same, and why."""

    reason: str


class ApprovedAnswer(BaseModel):
    """Whose approval counts now, or counted when it was used, refused or ran out; or who used it."""

    account: str
    at: Time


class ApprovalAnswer(BaseModel):
    """One request for approval, and how it stands."""

    id: str
    act: str
    about: str = Field(description="The act, for people.")
    subject: dict[str, Any] = Field(description="What it is about, the count of its result included.")
    beneficiaries: list[str]
    digest: str = Field(description="SHA-256 of the canonical request, which is what people approve.")
    requester: str = Field(description="Id of the account, or os: and an account of the operating system.")
    requested_by: str
    requested_at: Time
    state: Literal["open", "approved", "refused", "withdrawn", "used", "expired", "void", "unclear"]
    why: str
    needed: Count = Field(description="Approvals by others that it takes.")
    until: Time | None = Field(description="It may be approved, or used, before this moment.")
    approved_by: list[ApprovedAnswer]
    used_by: list[ApprovedAnswer]


class ApprovalsAnswer(BaseModel):
    """Requests for approval, the newest first."""

    approvals: list[ApprovalAnswer]
    own_only: bool = Field(description="The caller may not approve, so others' requests are not here.")
    partial: bool = Field(description="Something may be missing.")


class LookAnswer(BaseModel):
    """One look, or the reads of a gateway that were counted together."""

    id: str = Field(description="Of the event, in the archive.")
    at: Time = Field(description="When it was put on record.")
    who: str
    by: Literal["account", "os-account", "token"]
    by_id: str
    address: str
    port: Count
    session: str
    roles: list[str]
    os_account: str = Field(description="Of a person's look at a command line: whose process it was.")
    act: str
    outcome: Literal["shown", "failed", "refused"]
    reason: str = Field(description="The kind of the error where nothing was shown.")
    asked: dict[str, str]
    shown: list[str] = Field(description="Ids of the archive.")
    count: Count = Field(description="Entries that were shown or counted.")
    objects: list[str] = Field(description="Whose data keys were shown with a whole result.")
    purpose: str
    request: str
    requests: Count = Field(description="More than one where a gateway's reads were counted.")


class AccessAnswer(BaseModel):
    """Who has looked at what, newest first."""

    looks: list[LookAnswer]
    more: bool = Field(description="There are older ones that match: ask up to a time, or for more.")
    partial: bool = Field(description="Something may be missing.")
    others_until: Time = Field(description="Until when looks at other nodes are known here.")


class VerifiedSite(BaseModel):
    """What one verification did at one site."""

    objects: Count = Field(description="Versions that were read back.")
    bytes: Count
    damaged: list[Sha256] = Field(description="Digests in the names of objects that are not whole there.")
    aside: Count = Field(description="What lies there and is not the archive's.")


class VerificationAnswer(BaseModel):
    """One verification."""

    finished_at: Time
    subset: str = Field(pattern="^[0-9]+/[0-9]+$", description="The nth of t equal parts.")
    whole: bool
    findings: dict[str, int] = Field(description="By problem.")
    asked: list[str] = Field(description="Sites that it was to read.")
    sites: dict[str, VerifiedSite] = Field(description="Those that it could read.")
    seconds: float


class VerificationsAnswer(BaseModel):
    """Verifications on record, newest first."""

    verifications: list[VerificationAnswer]
    partial: bool = Field(description="Something may be missing.")


class DrillRunAnswer(BaseModel):
    """One drill."""

    id: str
    finished_at: Time
    passed: bool
    rto_seconds: float = Field(description="For everything.")
    rpo_messages: int | None = Field(description="Messages lost; null where it did not get so far.")
    rpo_later_messages: Count = Field(description="Of these: they came after the copy was made.")
    report_sha256: Sha256


class DrillAnswer(BaseModel):
    """One scenario."""

    scenario: str
    last: DrillRunAnswer | None
    last_passed: Time | None
    every_days: int | None = Field(description="Null where it is not scheduled.")
    due: Time | None
    overdue: bool


class DrillReportAnswer(BaseModel):
    """The report of one drill, as it was signed and archived."""

    report: dict[str, Any] = Field(description="As vanvault drill show --json shows it (recovery/drill).")


class DrillsAnswer(BaseModel):
    """Every scenario of a drill."""

    drills: list[DrillAnswer]
    overdue: list[str]
    partial: bool = Field(description="Something may be missing.")


_MODELS: tuple[type[BaseModel], ...] = (
    *STANDING_MODELS,
    SignOnBody,
    DeviceAnswer,
    DeviceBody,
    DeviceStateAnswer,
    SessionAnswer,
    OpenSession,
    SessionsAnswer,
    AccountsAnswer,
    OneAccountAnswer,
    ReportsAnswer,
    SignedReportAnswer,
    LawAnswer,
    ApproveBody,
    RefuseBody,
    ApprovalAnswer,
    ApprovalsAnswer,
    BreakGlassBody,
    BreakGlassAnswer,
    ChallengeBody,
    ChallengeAnswer,
    AssertionBody,
    EnrolmentBody,
    AuthenticatorAnswer,
    AuthenticatorsAnswer,
    AskExtractionBody,
    DisposalAnswer,
    DisposalsAnswer,
    HoldsAnswer,
    CountedHoldAnswer,
    ExtractionAnswer,
    AskedExtractionAnswer,
    ExtractionsAnswer,
    AccessAnswer,
    VerificationsAnswer,
    DrillsAnswer,
    DrillReportAnswer,
    JobsAnswer,
    OneJobAnswer,
    RunningJobsAnswer,
    AskJobBody,
    AskedJobAnswer,
    ReceiptAnswer,
    ProblemAnswer,
    EntriesAnswer,
    MessageFields,
    MessageLine,
    EventLine,
    EntryAnswer,
    PageAnswer,
    TimelineAnswer,
    ReadingAnswer,
    KeptAnswer,
    HistogramAnswer,
    KeysAnswer,
    LiveAnswer,
    ReadyAnswer,
    NotLiveProblem,
    NotReadyProblem,
)


def schemas() -> dict[str, Any]:
    """Every model as a JSON schema, by its name."""
    inputs = (MessageFields, MessageLine, EventLine, SignOnBody, AskJobBody)
    wanted = [(one, "validation" if one in inputs else "serialization") for one in _MODELS]
    _, found = models_json_schema(wanted, ref_template=_REFERENCE)  # type: ignore[arg-type]
    defined: dict[str, Any] = found["$defs"]
    return defined


def reference(model: type[BaseModel]) -> dict[str, str]:
    """The schema that refers to a model."""
    return {"$ref": _REFERENCE.format(model=model.__name__)}
