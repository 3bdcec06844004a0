"""Jobs on record: ``vanvault.schedule.started`` is the lease of a run, ``.ran`` or ``.failed`` its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from vanvault.archiver.catalogue import Search
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_us, to_us
from vanvault.archiver.journal import first_event_at, own_events
from vanvault.recovery.schedule.model import History, JobRun, Lease

STARTED, RAN, FAILED = "schedule.started", "schedule.ran", "schedule.failed"

_UNREADABLE = (KeyError, TypeError, ValueError, VanVaultError)


def started_detail(lease: Lease) -> dict[str, object]:
    """The detail of the event that takes a lease."""
    return _asked(lease.asked) | {
        "host": lease.host,
        "job": lease.job,
        "node": lease.node,
        "run": lease.run,
        "since": _text(lease.since),
        "until": _text(lease.until),
    }


def ended_detail(run: JobRun) -> dict[str, object]:
    """The detail of the event about a run that is over."""
    return _asked(run.asked) | {
        "exit_code": int(run.exit_code),
        "finished": _text(run.finished),
        "host": run.host,
        "job": run.job,
        "ms": round(run.seconds * 1000),
        "result": run.result,
        "run": run.id,
        "started": _text(run.started),
    }


def _asked(id: str) -> dict[str, object]:
    return {"asked": id} if id else {}


def ended_type(run: JobRun) -> str:
    """The type of that event: an alarm has one of its own."""
    return FAILED if run.result in ("failed", "overran") else RAN


def read_history(search: Search, now: datetime, reach: timedelta) -> History:
    """What is on record of the last ``reach``, and of what was going on then."""
    since = now - reach
    runs: dict[str, list[JobRun]] = defaultdict(list)
    ended = set()
    for run in sorted(_runs(search, since), key=lambda one: one.started, reverse=True):
        runs[run.job].append(run)
        ended.add(run.id)
    leases = [lease for lease in _leases(search, since) if lease.run not in ended]
    return History(since=first_event_at(search) or now, runs=runs, leases=leases)


def _runs(search: Search, since: datetime) -> Iterator[JobRun]:
    for type in (RAN, FAILED):
        for event in own_events(search, type, from_us=to_us(since)):
            try:
                run = _run(event.detail)
                yield replace(run, started=event.no_later(run.started), finished=event.no_later(run.finished))
            except _UNREADABLE:
                continue


def _run(detail: Mapping[str, Any]) -> JobRun:
    result = detail["result"]
    if result not in ("ok", "failed", "overran", "stopped"):
        raise ValueError(result)
    return JobRun(
        id=str(detail["run"]),
        job=str(detail["job"]),
        host=str(detail["host"]),
        started=parse_rfc3339(detail["started"]),
        finished=parse_rfc3339(detail["finished"]),
        result=result,
        exit_code=int(detail["exit_code"]),
        seconds=int(detail["ms"]) / 1000,
        asked=str(detail.get("asked", "")),
    )


def _leases(search: Search, since: datetime) -> Iterator[Lease]:
    for event in own_events(search, STARTED, from_us=to_us(since)):
        try:
            detail = event.detail
            yield Lease(
                run=str(detail["run"]),
                job=str(detail["job"]),
                node=str(detail["node"]),
                host=str(detail["host"]),
                since=parse_rfc3339(detail["since"]),
                until=parse_rfc3339(detail["until"]),
                asked=str(detail.get("asked", "")),
            )
        except _UNREADABLE:
            continue


def _text(moment: datetime) -> str:
    return rfc3339_us(to_us(moment))
