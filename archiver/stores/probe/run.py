"""Run the twelve groups of checks against one S3 store, at once where they do not disturb each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vanvault.archiver.core.errors import AccessDenied, SettingsError
from vanvault.archiver.core.ports import Clock, Entropy, SystemClock, SystemEntropy
from vanvault.archiver.stores.probe import (
    attacks,
    conditions,
    dates,
    defaults,
    duties,
    holds,
    multipart,
    versions,
)
from vanvault.archiver.stores.probe.checks import CHECKS, capabilities, finding
from vanvault.archiver.stores.probe.cleanup import clean_up
from vanvault.archiver.stores.probe.clients import Attacker
from vanvault.archiver.stores.probe.context import (
    Buckets,
    ProbeContext,
    StoreUnreachable,
    attempt,
    error_code,
    unreachable_errors,
)
from vanvault.archiver.stores.verdict import ProbeFinding, ProbeResult, verdict

PREFIX = "vanvault-probe-"  # the namespace that provisioned policies let the duties work in
_OWNERS = ("prober", "admin")
SHORT = timedelta(seconds=3)

ProbeGroup = Callable[[ProbeContext], list[ProbeFinding]]

# What stands for a group when the store fails it with an error: (checks that then failed, the function).
_GROUPS: tuple[tuple[tuple[str, ...], ProbeGroup], ...] = (
    (("hold-binds", "hold-after-expiry", "hold-keeps-lock"), holds.holds),
    (("delete-objects-mixed",), attacks.delete_mixed),
    (("versioning-suspend", "bucket-delete", "lifecycle"), versions.settings),
    (("delete-version", "delete-bypass", "delete-objects", "delete-null"), attacks.deletes),
    (("shorten", "downgrade", "clear", "past-date", "offset-date", "unparsable-date"), attacks.weaken),
    (("extend", "extend-far"), attacks.extend),
    (("default-weakened",), defaults.defaults),
    (("overwrite", "self-copy", "delete-marker"), versions.keys),
    (("date-readback",), dates.readback),
    (("date-2036", "date-2039", "date-2110"), dates.far_dates),
    (("multipart-lock", "multipart-hold"), multipart.multipart),
    (("if-none-match", "if-none-match-race"), conditions.conditions),
    (("body-digest",), conditions.digests),
    (("lock-enabled",), versions.enabled),
    (("least-privilege",), duties.privilege),
    (("disposer-rights",), duties.disposer),
    (("clock-skew",), dates.clock),
    (("unproved-clock",), dates.unprovable),
)


def probe_s3(
    site: str,
    endpoint: str,
    attackers: Sequence[Attacker],
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    sleep: Callable[[float], None] = time.sleep,
    lock: timedelta | None = None,
    max_skew: timedelta = timedelta(seconds=60),
) -> ProbeResult:
    """Probe the store behind ``attackers`` in disposable buckets and clean them up again.

    The buckets belong to the credentials of duty ``prober``, else ``admin``, else to the first ones.
    ``lock`` is how long the versions under attack are locked (None: as long as the store's speed asks
    for, 15 to 60 s); the probe ends some seconds after it.

    Raises:
        SettingsError: no credentials were given.
        AccessDenied: the credentials may not make buckets named ``vanvault-probe-*``.
    """
    if not attackers:
        raise SettingsError(
            f"No credentials are set for the site {site!r}: the probe needs some to attack with."
        )
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    owner = min(attackers, key=lambda one: _OWNERS.index(one.duty) if one.duty in _OWNERS else 9).client
    started = clock.now()
    server, found, remains = "", list[ProbeFinding](), tuple[str, ...]()
    reached = True
    try:
        server, offset = _greet(owner, clock)
        buckets = _make_buckets(owner, PREFIX + entropy.token(6).hex())
        span = lock or _lock_for(owner, buckets.main, clock)
        ctx = ProbeContext(owner, tuple(attackers), buckets, clock, sleep, offset, span, SHORT, max_skew)
        try:
            found = _run_groups(ctx)
        finally:
            remains = clean_up(ctx)
    except StoreUnreachable as error:
        reached = False
        found.append(ProbeFinding("reach", 0, False, "refuse", f"no answer from {endpoint}: {error}"))
    return ProbeResult(
        site=site,
        endpoint=endpoint,
        server=server,
        started_at=started,
        finished_at=clock.now(),
        verdict=verdict(found) if reached else "unreachable",
        findings=tuple(found),
        capabilities=capabilities(found),
        duties=tuple(one.duty for one in attackers),
        remains=remains,
    )


def _greet(client: Any, clock: Clock) -> tuple[str, timedelta]:
    """What the server calls itself, and its clock minus ours (its Date has whole seconds)."""
    before = clock.now()
    answer = attempt(client.list_buckets).response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    middle = before + (clock.now() - before) / 2
    try:
        date: datetime = parsedate_to_datetime(answer["date"])
    except (KeyError, ValueError) as error:
        raise StoreUnreachable("the server sent no Date, so it is not an S3 store") from error
    offset = date + timedelta(seconds=0.5) - middle
    # Within the second that Date is cut to, the clocks agree; a false offset would only blur the locks.
    return answer.get("server", ""), timedelta(0) if abs(offset) < timedelta(seconds=1) else offset


def _make_buckets(client: Any, name: str) -> Buckets:
    buckets = Buckets(name, f"{name}-default", f"{name}-settings")
    for bucket in buckets.all():
        outcome = attempt(client.create_bucket, Bucket=bucket, ObjectLockEnabledForBucket=True)
        if not outcome.accepted:
            raise AccessDenied(
                f"The store did not let the probe make its disposable bucket {bucket}: {outcome.code}.",
                authenticated=True,
                hint=f"Give the site administrator credentials that may create buckets named {PREFIX}*.",
            )
    return buckets


def _lock_for(client: Any, bucket: str, clock: Clock) -> timedelta:
    """How long to lock: the checks make up to some hundred requests in a row on a busy machine."""
    paces = []
    for number in range(4):  # the first ones may find a server that makes its pools only now
        before = clock.now()
        attempt(client.put_object, Bucket=bucket, Key=f"pace-{number}", Body=b"x")
        paces.append(clock.now() - before)
    return min(max(timedelta(seconds=15), 300 * min(paces)), timedelta(seconds=60))


def _run_groups(ctx: ProbeContext) -> list[ProbeFinding]:
    """All groups, eight at a time; in the order of the table of checks."""
    groups = list(_GROUPS)
    groups += [((f"duty-{one.duty}",), partial(duties.duty, attacker=one)) for one in ctx.attackers]
    with ThreadPoolExecutor(8, thread_name_prefix="probe") as pool:
        futures = [pool.submit(_guarded, ctx, checks, group) for checks, group in groups]
        wait(futures, return_when=FIRST_EXCEPTION)
        # Of a store that went silent no further answers are awaited.
        pool.shutdown(wait=False, cancel_futures=True)
        found = [one for future in futures if not future.cancelled() for one in future.result()]
    order = {check: number for number, check in enumerate(CHECKS)}
    return sorted(found, key=lambda one: order[one.check])


def _guarded(ctx: ProbeContext, checks: tuple[str, ...], group: ProbeGroup) -> list[ProbeFinding]:
    """A check that the store cannot even be asked has failed: what is not proved is not trusted."""
    try:
        return group(ctx)
    except ClientError as error:
        why = f"could not be tried: {error.operation_name} answered {error_code(error)}"
    except BotoCoreError as error:
        if isinstance(error, unreachable_errors()):
            raise StoreUnreachable(str(error)) from error
        why = f"could not be tried: {error}"
    return [finding(check, False, why) for check in checks]
