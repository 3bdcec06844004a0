"""What a probe found, and the verdict: pure data and pure functions.

A *finding* is one sentence about one check. Its severity says what a failure means:

========  ==========================================================================================
refuse    a locked version's bytes can be lost, its lock shortened, or a broken write acknowledged
weak      the store takes a request and silently does not honour it, where VanVault goes around it
info      worth knowing, nothing to hold against the store; also what S3 has no means to prove
========  ==========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["refuse", "weak", "info"]
Verdict = Literal["pass", "weak", "refused", "unreachable"]

FORMAT = "vanvault-probe/1"


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """The outcome of one check."""

    check: str  # such as ``delete-version``
    group: int  # 1..12, the numbers of docs/stores.md
    ok: bool  # false: the store did what it should not, or did not do what it should
    severity: Severity  # what it means when ``ok`` is false
    detail: str  # one line for people

    def as_dict(self) -> dict[str, object]:
        """The wire form."""
        return {
            "check": self.check,
            "detail": self.detail,
            "group": self.group,
            "ok": self.ok,
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one site, ready to be signed and archived."""

    site: str
    endpoint: str
    server: str  # what the store calls itself, "" when it does not say
    started_at: datetime  # UTC, by the host's clock
    finished_at: datetime
    verdict: Verdict
    findings: tuple[ProbeFinding, ...]
    capabilities: Mapping[str, bool]
    duties: tuple[str, ...]  # whose credentials attacked
    remains: tuple[str, ...] = ()  # what of the disposable buckets could not be removed, and why

    def as_dict(self) -> dict[str, object]:
        """The wire form: RFC 3339 times in UTC."""
        return {
            "capabilities": dict(self.capabilities),
            "duties": list(self.duties),
            "endpoint": self.endpoint,
            "findings": [finding.as_dict() for finding in self.findings],
            "finished_at": rfc3339(self.finished_at),
            "format": FORMAT,
            "remains": list(self.remains),
            "server": self.server,
            "site": self.site,
            "started_at": rfc3339(self.started_at),
            "verdict": self.verdict,
        }

    def canonical(self) -> bytes:
        """The bytes to sign: UTF-8 JSON, keys sorted, no spaces."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()


def verdict(findings: Iterable[ProbeFinding]) -> Verdict:
    """The worst failed finding decides; no finding at all proves nothing and is refused."""
    all_findings = list(findings)
    failed = {finding.severity for finding in all_findings if not finding.ok}
    if not all_findings or "refuse" in failed:
        return "refused"
    return "weak" if "weak" in failed else "pass"


def rfc3339(moment: datetime | None) -> str:
    """A UTC moment as RFC 3339 text, with milliseconds where there are some; "no date" for None."""
    if moment is None:
        return "no date"
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
