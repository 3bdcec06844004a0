"""Groups 1 and 2: delete what is locked, and weaken its lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from vanvault.archiver.stores.probe.checks import finding
from vanvault.archiver.stores.probe.clients import raw_body
from vanvault.archiver.stores.probe.context import AttackOutcome, Planted, ProbeContext, attempt
from vanvault.archiver.stores.verdict import ProbeFinding, rfc3339

FAR = datetime(2110, 2, 1, 3, 4, 5, tzinfo=UTC)  # past what 32 bits of seconds can hold (2106-02-07)

Attack = Callable[[Any, Planted], AttackOutcome]


def judge(ctx: ProbeContext, check: str, *attacks: Attack, client: Any = None) -> ProbeFinding:
    """Plant a version, make the attacks one after the other, and see whether it is still whole."""
    planted = ctx.plant(check)
    answers = []
    for attack in attacks:
        outcome = attack(client or ctx.owner, planted)
        answers.append(outcome.code)
        if why := ctx.broken(planted):
            return finding(check, False, f"{why}; the store answered: {outcome.code}")
    return finding(check, True, f"held; the store answered: {', '.join(answers)}")


def delete_version(client: Any, at: Planted) -> AttackOutcome:
    return attempt(client.delete_object, Bucket=at.bucket, Key=at.key, VersionId=at.version)


def delete_bypass(client: Any, at: Planted) -> AttackOutcome:
    return attempt(
        client.delete_object,
        Bucket=at.bucket,
        Key=at.key,
        VersionId=at.version,
        BypassGovernanceRetention=True,
    )


def delete_objects(client: Any, at: Planted, before: tuple[Planted, ...] = ()) -> AttackOutcome:
    entries = [{"Key": one.key, "VersionId": one.version} for one in (*before, at)]
    outcome = attempt(
        client.delete_objects, Bucket=at.bucket, Delete={"Objects": entries}, BypassGovernanceRetention=True
    )
    # The request as a whole succeeds; what became of each entry is in its body.
    refused = [str(error.get("Code")) for error in outcome.response.get("Errors", [])]
    return AttackOutcome(False, ", ".join(refused), outcome.response) if refused else outcome


def delete_null(client: Any, at: Planted) -> AttackOutcome:
    return attempt(client.delete_object, Bucket=at.bucket, Key=at.key, VersionId="null")


def _retain(client: Any, at: Planted, retention: dict[str, Any], bypass: bool = False) -> AttackOutcome:
    extra: dict[str, Any] = {"BypassGovernanceRetention": True} if bypass else {}
    return attempt(
        client.put_object_retention,
        Bucket=at.bucket,
        Key=at.key,
        VersionId=at.version,
        Retention=retention,
        **extra,
    )


def _until(at: Planted) -> datetime:
    if at.until is None:
        raise ValueError("only a locked version can be attacked by its date")
    return at.until


def shorten(client: Any, at: Planted) -> AttackOutcome:
    earlier = {"Mode": "COMPLIANCE", "RetainUntilDate": _until(at) - timedelta(seconds=5)}
    return _retain(client, at, earlier)


def shorten_bypass(client: Any, at: Planted) -> AttackOutcome:
    earlier = {"Mode": "COMPLIANCE", "RetainUntilDate": _until(at) - timedelta(seconds=5)}
    return _retain(client, at, earlier, bypass=True)


def downgrade(client: Any, at: Planted) -> AttackOutcome:
    later = {"Mode": "GOVERNANCE", "RetainUntilDate": _until(at) + timedelta(seconds=5)}
    return _retain(client, at, later, bypass=True)


def clear(client: Any, at: Planted) -> AttackOutcome:
    return _retain(client, at, {})


def clear_bypass(client: Any, at: Planted) -> AttackOutcome:
    return _retain(client, at, {}, bypass=True)


def past_date(client: Any, at: Planted) -> AttackOutcome:
    return _retain(
        client, at, {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2020, 1, 1, tzinfo=UTC)}, True
    )


def _raw_date(client: Any, at: Planted, text: str) -> AttackOutcome:
    """PutObjectRetention with ``text`` where the date belongs, as no client library would write it."""
    body = (
        '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Mode>COMPLIANCE</Mode><RetainUntilDate>{text}</RetainUntilDate></Retention>"
    )
    with raw_body(body.encode()):
        return _retain(client, at, {"Mode": "COMPLIANCE", "RetainUntilDate": _until(at)})


def offset_date(client: Any, at: Planted) -> AttackOutcome:
    # Ten seconds earlier than the lock, but the local time at +14:00 sorts after it as text.
    local = (_until(at) - timedelta(seconds=10)).replace(tzinfo=None) + timedelta(hours=14)
    return _raw_date(client, at, local.isoformat() + "+14:00")


def unparsable_date(client: Any, at: Planted) -> AttackOutcome:
    return _raw_date(client, at, "not-a-date")


def deletes(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 1, what needs no waiting."""
    return [
        judge(ctx, "delete-version", delete_version),
        judge(ctx, "delete-bypass", delete_bypass),
        judge(ctx, "delete-objects", delete_objects),
        judge(ctx, "delete-null", delete_null),
    ]


def delete_mixed(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 1: an expired entry in front must not end the check of those behind it."""
    expired = ctx.plant("expired", span=ctx.short)
    ctx.wait_past(expired.until)
    return [judge(ctx, "delete-objects-mixed", lambda client, at: delete_objects(client, at, (expired,)))]


def weaken(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 2: shorten, downgrade, clear, dates in the past and dates that are none."""
    return [
        judge(ctx, "shorten", shorten, shorten_bypass),
        judge(ctx, "downgrade", downgrade),
        judge(ctx, "clear", clear, clear_bypass),
        judge(ctx, "past-date", past_date),
        judge(ctx, "offset-date", offset_date),
        judge(ctx, "unparsable-date", unparsable_date),
    ]


def extend(ctx: ProbeContext) -> list[ProbeFinding]:
    """Group 2: the keeper's work must be possible, and must never shorten."""
    return [_extend_short(ctx), _extend_far(ctx)]


def _extend_short(ctx: ProbeContext) -> ProbeFinding:
    planted = ctx.plant("extend", span=ctx.short)
    later = ctx.until(ctx.lock)
    outcome = _retain(ctx.owner, planted, {"Mode": "COMPLIANCE", "RetainUntilDate": later})
    got = ctx.head(planted).get("ObjectLockRetainUntilDate")
    exact = got is not None and got.replace(microsecond=0) == later
    return finding(
        "extend",
        outcome.accepted and exact,
        f"extension to {rfc3339(later)}: {outcome.code}, reads back {rfc3339(got)}",
    )


def _extend_far(ctx: ProbeContext) -> ProbeFinding:
    # GOVERNANCE, so that a store that does it right is not left with a version until 2110.
    planted = ctx.plant_until("extend-far", ctx.until(ctx.lock), "GOVERNANCE")
    outcome = _retain(ctx.owner, planted, {"Mode": "GOVERNANCE", "RetainUntilDate": FAR})
    why = ctx.broken(planted)
    if not why:
        return finding("extend-far", True, f"held; the store answered: {outcome.code}")
    deleted = delete_version(ctx.owner, planted).accepted
    then = "and the version could then be deleted" if deleted else "though the version could not be deleted"
    return finding("extend-far", False, f"extended to {FAR:%Y}, {why}, {then}: who may extend may unlock")
