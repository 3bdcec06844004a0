"""The signed report of a drill: ``recovery/documents/signed.py`` has its form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.keys import SigningKey
from vanvault.recovery.documents import Report, SignedForm, digests
from vanvault.recovery.drill.model import RPO_TARGET_MESSAGES, DrillOutcome, DrillPlan, Loss, LostEntry, Phase
from vanvault.recovery.drill.run import FinishedDrill
from vanvault.recovery.work import Extent

DRILL_FORM = SignedForm("vanvault-drill-v1", "vanvault drill v1", "report of a drill")


def signed_report(
    finished: FinishedDrill, signer: SigningKey, shown: Mapping[str, bytes] | None = None
) -> bytes:
    """The report, canonical and signed; with the digests of the files ``shown`` beside it, by their names."""
    body = report_body(finished, signer.key_id)
    return DRILL_FORM.signed({**body, "files": digests(shown)} if shown else body, signer)


def report_body(finished: FinishedDrill, signing_key: str) -> Report:
    """All of a report but its signature."""
    outcome = finished.outcome
    return {
        "alarms": {
            "expected": list(outcome.alarms_expected),
            "missing": list(outcome.alarms_missing),
            "seen": list(outcome.alarms_seen),
        },
        "approver": finished.approver,
        "archive": finished.archive,
        "checks": [
            {"detail": check.detail, "name": check.name, "passed": check.passed} for check in outcome.checks
        ],
        "failures": list(outcome.failures),
        "finished_at": rfc3339_us(to_us(finished.finished_at)),
        "format": DRILL_FORM.format,
        "id": finished.id,
        "negative": finished.scenario.negative,
        "operator": finished.operator,
        "passed": outcome.passed,
        "phases": [_phase(phase) for phase in outcome.phases],
        "plan": plan_fields(finished.plan),
        "rates": rates(outcome.recovered),
        "rpo": _rpo(outcome.loss),
        "rto": {
            "rehearsed_ms": ms(outcome.rto_s),
            "target_ms": finished.plan.target_s * 1000,
            "times": times_of(outcome),
            "whole_ms": ms(outcome.rto_whole_s),
        },
        "samples": [
            {
                "detail": sample.detail,
                "id": sample.id,
                "object": sample.object,
                "same": sample.same,
                "sha256": sample.sha256,
            }
            for sample in outcome.samples
        ],
        "scenario": finished.scenario.name,
        "seed": finished.seed,
        "signing_key": signing_key,
        "started_at": rfc3339_us(to_us(finished.started_at)),
        "versions": dict(finished.versions),
    }


def times_of(outcome: DrillOutcome) -> dict[str, int | None]:
    """When each milestone is reached, for everything, in milliseconds; None: it is not measured."""
    return {
        f"{name}_ms": ms(seconds) if seconds is not None else None
        for name, seconds in outcome.reached_whole.items()
    }


def plan_fields(plan: DrillPlan) -> dict[str, Any]:
    """A plan as JSON values."""
    return {
        "expected_ms": ms(plan.expected_s) if plan.expected_s is not None else None,
        "objects": plan.total.objects,
        "bytes": plan.total.bytes,
        "scenario": plan.scenario,
        "scratch_bytes": plan.scratch_bytes,
        "share": plan.subset,
        "source": plan.source,
        "target": plan.target,
        "target_ms": plan.target_s * 1000,
        "todo": _extent(plan.todo),
    }


def rates(phase: Phase | None) -> dict[str, Any] | None:
    """The measured rates of the phase that moved the most; None where nothing was moved."""
    if phase is None or phase.seconds <= 0 or not phase.extent.objects:
        return None
    extent, seconds = phase.extent, phase.seconds
    return {
        "bytes_per_s": round(extent.bytes / seconds),
        "ns_per_byte": round(seconds * 1e9 / extent.bytes),
        "objects_per_s": round(extent.objects / seconds),
        "phase": phase.name,
        "us_per_object": round(seconds * 1e6 / extent.objects),
    }


def ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


def _rpo(loss: Loss | None) -> dict[str, Any]:
    """``messages``: all that are lost; the target is for ``owed_messages``, which a copy could have held."""
    return {
        "acknowledged_objects": loss.acknowledged if loss else None,
        "events": loss.events if loss else None,
        "later_messages": loss.later_messages if loss else None,
        "lost": [_lost(one) for one in loss.named] if loss else [],
        "lost_unnamed": loss.unnamed if loss else None,
        "messages": loss.messages if loss else None,
        "objects": loss.objects if loss else None,
        "owed_messages": loss.owed_messages if loss else None,
        "target_messages": RPO_TARGET_MESSAGES,
    }


def _lost(one: LostEntry) -> dict[str, Any]:
    return {
        "client_id": one.client_id,
        "entry": one.entry,
        "gateway": one.gateway,
        "id": one.id,
        "later": one.later,
    }


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "bytes": phase.extent.bytes,
        "counts": phase.counts,
        "ms": ms(phase.seconds),
        "name": phase.name,
        "objects": phase.extent.objects,
        "started_at": rfc3339_us(to_us(phase.started_at)),
    }


def _extent(extent: Extent) -> dict[str, int]:
    return {"bytes": extent.bytes, "objects": extent.objects}
