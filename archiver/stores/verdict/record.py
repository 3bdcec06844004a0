"""Probe results on record: signed, archived as events, and judged before a site is trusted. Pure.

The event ``vanvault.probe.<site>`` carries the result and an Ed25519 signature over its canonical bytes;
``vanvault.probe-override.<site>`` carries who trusts a site all the same, why, and until when.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.core.options import ProbePolicy
from vanvault.archiver.core.times import parse_rfc3339, rfc3339_seconds
from vanvault.archiver.keys import SigningKey, SigningKeys, verify
from vanvault.archiver.stores.verdict.model import ProbeResult


@dataclass(frozen=True, slots=True)
class ProbeOnRecord:
    """What judging needs of an archived probe."""

    verdict: str
    finished_at: datetime
    endpoint: str
    multipart_lock: bool


def probe_event(site: str) -> str:
    """The type (after ``vanvault.``) of the event that carries a probe of this site."""
    return f"probe.{site}"


def override_event(site: str) -> str:
    """The type (after ``vanvault.``) of the event that carries an override for this site."""
    return f"probe-override.{site}"


def signed_detail(result: ProbeResult, key: SigningKey) -> dict[str, Any]:
    """The detail of a probe's event."""
    return {
        "result": result.as_dict(),
        "signature": base64.b64encode(key.sign(result.canonical())).decode(),
        "signing_key": key.key_id,
    }


def override_detail(site: str, reason: str, who: str, until: datetime) -> dict[str, Any]:
    """The detail of an override's event."""
    return {"reason": reason, "site": site, "until": rfc3339_seconds(until), "who": who}


def read_probe(detail: str, keys: SigningKeys) -> ProbeOnRecord:
    """A probe from its event, its signature checked. Raises Damaged, KeyUnavailable."""
    try:
        fields: Mapping[str, Any] = orjson.loads(detail)
        result = fields["result"]
        signed = orjson.dumps(result, option=orjson.OPT_SORT_KEYS)
        verify(keys.public(fields["signing_key"]), base64.b64decode(fields["signature"]), signed)
        return ProbeOnRecord(
            verdict=str(result["verdict"]),
            finished_at=parse_rfc3339(result["finished_at"]),
            endpoint=str(result["endpoint"]),
            multipart_lock=bool(result["capabilities"].get("multipart_lock", False)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("the archived probe cannot be read", hint="Probe the site again.") from error


def override_until(detail: str) -> datetime:
    """Until when an override holds. Raises Damaged."""
    try:
        return parse_rfc3339(orjson.loads(detail)["until"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("the archived override cannot be read") from error


def distrust(
    site: str,
    probe: ProbeOnRecord | None,
    overridden_until: datetime | None,
    *,
    endpoint: str,
    now: datetime,
    policy: ProbePolicy,
) -> str:
    """Why a site is not trusted now, for people; "" when it is.

    Args:
        probe: the newest on record, None for none.
        endpoint: where the site is now; a probe of another place proves nothing.
    """
    if overridden_until is not None and now < overridden_until:
        return ""
    if probe is None:
        return f"the site {site} was never probed"
    if probe.endpoint != endpoint:
        return f"the last probe of the site {site} was of another place"
    if now - probe.finished_at > policy.max_age:
        return f"the last probe of the site {site} is older than {policy.max_age.days} days"
    accepted = ("pass", "weak") if policy.accept_weak else ("pass",)
    if probe.verdict not in accepted:
        return f"the last probe of the site {site} ended with: {probe.verdict}"
    return ""
