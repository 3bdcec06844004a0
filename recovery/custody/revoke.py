"""A stolen signing key is revoked from a position, and what waits since then is accepted: both on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds, to_us
from vanvault.archiver.journal import EventType
from vanvault.archiver.keys import ObjectList, TrustAct, TrustedKeys
from vanvault.recovery.custody.position import (
    Question,
    SeenObject,
    TrustPosition,
    accepted_with,
    plan_position,
)
from vanvault.recovery.custody.survey import Survey, with_what_waits
from vanvault.recovery.work import QUIET, Observer, put_on_record

#: Writers that a report for people names.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class RevokeRequest:
    """Take a signing key its trust from a position on."""

    key_id: str
    reason: str
    who: str
    stolen_since: datetime | None = None  # None: nobody knows, so nothing stands by what others named
    by_stores: bool = False  # what every site held before stands, by the stores' clocks
    confirmed: bool = False  # False: only say what it would do


@dataclass(frozen=True, slots=True)
class AcceptRequest:
    """Let objects of a revoked key stand that wait, with all that they name."""

    key_id: str
    reason: str
    who: str
    objects: tuple[str, ...] = ()  # keys
    writers: tuple[str, ...] = ()  # ids of writers and segments
    named: bool = False  # what trusted keys have named since
    everything: bool = False
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class TrustReport:
    """What an act of trust does, or would do."""

    act: str  # "revoke" or "accept"
    key_id: str
    done: bool
    stands: int  # objects that the act lists
    waits: int  # objects that are set aside afterwards
    withdrawn: int  # segments of other keys that are set aside with them
    unreadable: int  # objects of which it is not known what they name
    stolen_since: str = ""
    active: str = ""  # the key that signs now
    rotated: bool = False  # for this act
    record: str = ""  # name of its file
    on_record: bool = False  # the archive has its event
    last: tuple[str, ...] = ()  # last batch that stands of each writer
    waiting: tuple[tuple[str, int], ...] = ()  # writer or segment -> objects that wait

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "act": self.act,
            "key_id": self.key_id,
            "done": self.done,
            "stands": self.stands,
            "waits": self.waits,
            "withdrawn": self.withdrawn,
            "unreadable": self.unreadable,
            "stolen_since": self.stolen_since,
            "active": self.active,
            "rotated": self.rotated,
            "record": self.record,
            "on_record": self.on_record,
            "last": list(self.last),
            "waiting": [{"writer": writer, "objects": objects} for writer, objects in self.waiting],
        }


def revoke_key(archive: Archive, request: RevokeRequest, observer: Observer = QUIET) -> TrustReport:
    """Revoke a signing key; without ``confirmed`` say what would stand and what would wait, and do nothing.

    The active key is rotated first, so that what running nodes write from then on is not the thief's.

    Raises NotFound (no such trusted key), Conflict (it is revoked), InvalidInput, KeyUnavailable,
    SiteUnavailable (a site cannot be read: the position would have gaps).
    """
    _check_reason(request.reason)
    trust = archive.signing.trust()
    request = replace(request, key_id=_key_id(request.key_id, trust))
    if request.key_id not in trust.keys:
        raise NotFound(
            f"there is no trusted signing key {request.key_id[:16]}", hint="List them: vanvault keys list"
        )
    if request.key_id in trust.revoked:
        raise Conflict(
            f"{request.key_id} is revoked already", hint="To let something stand: vanvault keys accept"
        )
    rotated = request.confirmed and archive.signing.active().key_id == request.key_id
    if rotated:
        archive.signing.rotate(archive.entropy, archive.clock)
        trust = archive.signing.trust()
    since = request.stolen_since
    survey = Survey(archive, archive.sites, archive.object_trust.signer)
    question = Question(request.key_id, to_us(since) if since is not None else 0, request.by_stores)
    with observer.progress("look at every object"):
        position = plan_position(question, survey.objects())
    report = _report("revoke", request.key_id, position, survey, since)
    if not request.confirmed:
        return replace(report, active=archive.signing.active().key_id)
    draft = TrustAct(
        act="revoke",
        number=trust.acts + 1,
        previous=trust.last,
        key_id=request.key_id,
        trusted=tuple(sorted(trust.keys)),
        stolen_since=report.stolen_since,
        made_at=rfc3339_seconds(archive.clock.now()),
        reason=request.reason,
        who=request.who,
    )
    stands = [one.key for one in position.stands]
    done = replace(report, done=True, rotated=rotated, active=archive.signing.active().key_id)
    objects = ObjectList.of(stands, position.withdrawn_keys)
    report = _write(archive, draft, objects, done, EventType.KEYS_REVOKED, observer)
    # Said whatever is on record of the escrow: that may be signed by the key, and wait.
    observer.warn(
        "no escrow holds the revocation yet, and an older one would believe the key again; run:"
        " vanvault keys escrow split, then vanvault keys escrow verify"
    )
    return report


def accept_objects(archive: Archive, request: AcceptRequest, observer: Observer = QUIET) -> TrustReport:
    """Let objects stand that wait since a revocation; without ``confirmed`` only say which.

    Raises NotFound (the key is not revoked, or nothing waits of what is named), InvalidInput, KeyUnavailable,
    SiteUnavailable.
    """
    _check_reason(request.reason)
    trust = archive.signing.trust()
    request = replace(request, key_id=_key_id(request.key_id, trust))
    revocation = trust.revoked.get(request.key_id)
    if revocation is None:
        raise NotFound(f"{request.key_id[:16]} is not revoked", hint="List the keys: vanvault keys list")
    if not (request.objects or request.writers or request.named or request.everything):
        raise InvalidInput(
            "it is not said what to accept", field="object", hint="--object, --writer, --named"
        )
    survey = Survey(archive, with_what_waits(archive), archive.object_trust.signer)
    with observer.progress("look at every object"):
        seen = list(survey.objects())
    since = revocation.act.stolen_since
    about = {
        one.key: one
        for one in sorted(seen, key=lambda one: one.here)
        if _is_about(one, request.key_id, trust) and not trust.stands(one.signer, one.key)
    }
    waiting = {key: one for key, one in about.items() if one.here}
    chosen = set(_chosen(request, waiting, seen, since))
    if not chosen:
        raise NotFound("nothing of this waits", hint="See what is set aside: vanvault verify")
    accepted = accepted_with(chosen, about)
    left = [one for key, one in waiting.items() if key not in accepted]
    report = TrustReport(
        act="accept",
        key_id=request.key_id,
        done=request.confirmed,
        stands=len(accepted),
        waits=len(left),
        withdrawn=0,
        unreadable=len(survey.unreadable),
        stolen_since=since,
        active=archive.signing.active().key_id,
        waiting=_by_writer(left),
    )
    if not request.confirmed:
        return report
    draft = TrustAct(
        act="accept",
        number=trust.acts + 1,
        previous=trust.last,
        key_id=request.key_id,
        trusted=(),
        stolen_since=since,
        made_at=rfc3339_seconds(archive.clock.now()),
        reason=request.reason,
        who=request.who,
    )
    return _write(archive, draft, ObjectList.of(accepted), report, EventType.KEYS_ACCEPTED, observer)


def _key_id(given: str, trust: TrustedKeys) -> str:
    """The id of a signing key that may be given as ``signing/<version>``."""
    return next((key for key, version in trust.versions.items() if given == f"signing/{version}"), given)


def _is_about(one: SeenObject, key_id: str, trust: TrustedKeys) -> bool:
    """Did the revoked key sign it, or was it withdrawn with what that key signed?"""
    return one.signer == key_id or (
        one.signer not in trust.revoked and trust.revoked[key_id].withdraws(one.key)
    )


def _chosen(
    request: AcceptRequest, waiting: Mapping[str, SeenObject], seen: Sequence[SeenObject], since: str
) -> list[str]:
    if request.everything:
        return list(waiting)
    if other := [key for key in request.objects if key not in waiting]:
        raise NotFound(f"{other[0][:300]} does not wait", hint="See what is set aside: vanvault verify")
    found = [*request.objects, *(key for key in waiting if key.split("/")[1] in request.writers)]
    if request.named:
        since_us = to_us(parse_rfc3339(since)) if since else 0
        stands = plan_position(Question(request.key_id, since_us), seen).stands
        found += [one.key for one in stands if one.key in waiting]
    return found


def _write(
    archive: Archive,
    draft: TrustAct,
    objects: ObjectList,
    report: TrustReport,
    event: str,
    observer: Observer,
) -> TrustReport:
    act = archive.signing.record_trust(draft, objects)
    detail: dict[str, object] = {
        "key_id": act.key_id,
        "act": act.number,
        "record_sha256": archive.signing.trust().digests[-1],
        "reason": act.reason,
        "stolen_since": act.stolen_since,
        "stands": report.stands,
        "waits": report.waits,
        "withdrawn": report.withdrawn,
    }
    on_record = put_on_record(archive, event, detail, who=act.who, observer=observer)
    return replace(report, record=f"trust-{act.number}.json", on_record=on_record)


def _report(
    act: str, key_id: str, position: TrustPosition, survey: Survey, since: datetime | None
) -> TrustReport:
    return TrustReport(
        act=act,
        key_id=key_id,
        done=False,
        stands=len(position.stands),
        waits=len(position.waits),
        withdrawn=len(position.withdrawn),
        unreadable=len(survey.unreadable),
        stolen_since=rfc3339_seconds(since) if since is not None else "",
        last=tuple(position.last().values()),
        waiting=_by_writer(position.waits),
    )


def _by_writer(objects: Sequence[SeenObject]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for one in objects:
        writer = one.key.split("/")[1]
        counts[writer] = counts.get(writer, 0) + 1
    return tuple(sorted(counts.items()))


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > 1_000:
        raise InvalidInput("a reason is needed, of at most 1,000 characters", field="reason")
