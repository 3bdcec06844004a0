"""What to do about the findings of a verification. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vanvault.archiver.core.error_table import ExitCode
from vanvault.recovery.verified import SET_ASIDE, Problem, is_whole
from vanvault.recovery.verify import Finding, VerifyReport

#: The site's newest version is not the good one.
_BAD: frozenset[Problem] = frozenset(("missing", "damaged", "swapped"))
#: A good copy on top mends these.
_COPIED: frozenset[Problem] = _BAD | {"hidden"}
#: An object with one of these is not the archive's: it is not spread to another site.
_BOGUS: frozenset[Problem] = frozenset(("undecipherable", "forged", "foreign", "header", "signature"))


@dataclass(frozen=True, slots=True)
class Copy:
    """Put the good bytes of ``source`` on top at ``target`` (the same site: from a version below)."""

    key: str
    source: str
    target: str
    problem: Problem
    retain_until: datetime | None  # at least; None: what the good copy has


@dataclass(frozen=True, slots=True)
class Extend:
    """Move the lock of the good version at ``target`` later."""

    key: str
    target: str
    others: tuple[str, ...]  # sites whose lock tells the date when ``retain_until`` does not
    retain_until: datetime | None


RepairAction = Copy | Extend


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What can be repaired, and what cannot."""

    actions: tuple[RepairAction, ...]
    beyond: tuple[Finding, ...]  # failing, and no site has what would mend it
    aside: tuple[Finding, ...] = ()  # not the archive's: a person removes it, and until then nothing is whole

    @property
    def exit_code(self) -> ExitCode:
        left = (finding.problem for finding in (*self.beyond, *self.aside))
        return ExitCode.OK if is_whole(left) else ExitCode.CHECK_FAILED

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "dry_run": True,
            "actions": [action_fields(action) for action in self.actions],
            "beyond": [finding.as_json() for finding in self.beyond],
            "aside": [finding.as_json() for finding in self.aside],
        }


def action_fields(action: RepairAction) -> dict[str, Any]:
    """One action as JSON values."""
    copied = isinstance(action, Copy)
    return {
        "action": "copy" if copied else "extend",
        "site": action.target,
        "key": action.key,
        "from": action.source if isinstance(action, Copy) else "",
        "problem": action.problem if isinstance(action, Copy) else "lock",
    }


def plan_repair(report: VerifyReport) -> RepairPlan:
    """A good site gives what a bad site lacks. Verify all sites first: one alone shows no good copy."""
    away = {finding.site for finding in report.findings if finding.problem == "unavailable"}
    there = [site for site in report.sites if site not in away]
    bogus = {finding.key for finding in report.findings if finding.problem in _BOGUS}
    by_key: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_key.setdefault(finding.key, []).append(finding)
    actions: list[RepairAction] = []
    beyond: list[Finding] = []
    aside: list[Finding] = []
    for key, findings in by_key.items():
        source = None if key in bogus else _source(findings, there)
        for finding in findings:
            action = _action(finding, source, there) if key not in bogus else None
            if action is not None:
                actions.append(action)
            elif finding.failing:
                (aside if finding.problem in SET_ASIDE else beyond).append(finding)
    return RepairPlan(tuple(actions), tuple(beyond), tuple(aside))


def _source(findings: Sequence[Finding], there: Sequence[str]) -> str | None:
    """A site with a whole newest version, else one with a whole older version."""
    bad = {finding.site for finding in findings if finding.problem in _BAD}
    older = (finding.site for finding in findings if finding.whole_version)
    return next((site for site in there if site not in bad), next(older, None))


def _action(finding: Finding, source: str | None, there: Sequence[str]) -> RepairAction | None:
    if finding.site not in there:
        return None
    if finding.problem == "lock":
        others = tuple(site for site in there if site != finding.site)
        return Extend(finding.key, finding.site, others, finding.retain_until)
    if finding.problem in _COPIED and source is not None:
        return Copy(finding.key, source, finding.site, finding.problem, finding.retain_until)
    return None
