"""The acts that ask for approval, and the table that says which of them do, and for how many. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.settings import ApprovalSettings

#: By name, what each act is, for people.
ACTS: dict[str, str] = {
    "export-originals": "take originals away in an export",
    "key-unwrap": "show the data key of an object",
    "key-rotation": "make new master or signing keys",
    "escrow": "split the keys into shares anew",
    "promote": "let one site lead alone",
    "failback": "let the primary lead again",
    "probe-override": "trust a site without its probe",
    "disposal": "delete what is past its retention",
    "retention-profile": "let what is kept be owed for a shorter time",
    "hold-release": "lift a legal hold",
    "roles": "grant or revoke a role",
    "approval-table": "change what asks for approval",
    "extraction": "extract data for an authority",
}

#: Acts that ask whatever the table says: leadership's approval of an extraction is the law's, what is
#: disposed of never comes back, and a shorter period lets it be.
_ALWAYS = frozenset({"extraction", "disposal", "retention-profile"})
#: While the table is on, it cannot say that it may be weakened by one person.
_WITH_THE_TABLE = frozenset({"approval-table"})
#: What an act asks for at the least, whatever is said.
_LEAST_APPROVALS = {"disposal": 2}

MOST_APPROVALS = 5
#: The fewest people who may approve with which the table is switched on: one asks, one may be away.
LEAST_PEOPLE = 3
_LONGEST_REQUEST = timedelta(days=30)
_LONGEST_APPROVAL = timedelta(days=7)
#: Acts with times of their own, (request, approval): a disposal is read by people, cools for two weeks, and
#: then waits for somebody who runs it.
_OWN_TIMES = {"disposal": (timedelta(days=14), timedelta(days=44))}
#: No request that was made longer ago is good for anything.
LONGEST_KEPT = max(
    _LONGEST_REQUEST + _LONGEST_APPROVAL, *(request + good for request, good in _OWN_TIMES.values())
)


@dataclass(frozen=True, slots=True)
class ActRule:
    """What one act asks for. A request is open for ``request``; approved, it is good for ``approval``."""

    on: bool = True
    approvals: int = 1
    request: timedelta = timedelta(hours=72)
    approval: timedelta = timedelta(hours=24)

    def is_weaker(self, other: ActRule) -> bool:
        """Does it let through anything that the other would not?"""
        if not other.on:
            return False
        return not self.on or (
            self.approvals < other.approvals or self.request > other.request or self.approval > other.approval
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON values; times in seconds."""
        return {
            "on": self.on,
            "approvals": self.approvals,
            "request_s": round(self.request.total_seconds()),
            "approval_s": round(self.approval.total_seconds()),
        }

    @classmethod
    def of_json(cls, told: Mapping[str, Any], *, longest: timedelta = _LONGEST_APPROVAL) -> ActRule:
        """Raises KeyError, TypeError, ValueError: another version's form, or out of bounds.

        ``longest``: that an approval may be good for.
        """
        on, approvals = told["on"], told["approvals"]
        spans = [told["request_s"], told["approval_s"]]
        if type(on) is not bool or type(approvals) is not int or any(type(one) is not int for one in spans):
            raise ValueError("another version's form")
        rule = cls(on, approvals, timedelta(seconds=spans[0]), timedelta(seconds=spans[1]))
        in_bounds = (
            1 <= rule.approvals <= MOST_APPROVALS
            and timedelta(0) < rule.request <= _LONGEST_REQUEST
            and timedelta(0) < rule.approval <= longest
        )
        if not in_bounds:
            raise ValueError("out of bounds")
        return rule


@dataclass(frozen=True, slots=True)
class ApprovalTable:
    """Which acts ask. Off: none but those that the law lets nobody switch off."""

    on: bool = False
    rules: Mapping[str, ActRule] = field(
        default_factory=dict
    )  # by act; of one that is not named: the default

    def rule(self, act: str) -> ActRule:
        """What an act asks for. Raises InvalidInput: there is no such act."""
        check_act(act)
        named = self.rules.get(act, ActRule())
        on = act in _ALWAYS or (self.on and self._is_named_on(act))
        request, approval = _OWN_TIMES.get(act, (named.request, named.approval))
        return ActRule(on, max(named.approvals, _LEAST_APPROVALS.get(act, 1)), request, approval)

    def is_weaker(self, other: ApprovalTable) -> bool:
        """Does it let through anything that the other would not?"""
        return any(self.rule(act).is_weaker(other.rule(act)) for act in ACTS)

    @property
    def most_approvals(self) -> int:
        """The most that any act asks for."""
        return max(rule.approvals for act in ACTS if (rule := self.rule(act)).on)

    @property
    def least_people(self) -> int:
        """The fewest people who may approve that it takes while it is on: one asks, too."""
        return max(LEAST_PEOPLE, self.most_approvals + 1) if self.on else 0

    def as_json(self) -> dict[str, Any]:
        """As JSON values, with every act. ``of_json`` reads it; an act that is off keeps its other values."""
        acts = {act: {**self.rule(act).as_json(), "on": self._is_named_on(act)} for act in ACTS}
        return {"on": self.on, "acts": acts}

    def _is_named_on(self, act: str) -> bool:
        return act in _ALWAYS | _WITH_THE_TABLE or self.rules.get(act, ActRule()).on

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> ApprovalTable:
        """Acts that this version does not know are left out. Raises KeyError, TypeError, ValueError."""
        if type(told["on"]) is not bool:
            raise ValueError("another version's form")
        acts = told["acts"]
        rules = {
            act: ActRule.of_json(acts[act], longest=_OWN_TIMES.get(act, (None, _LONGEST_APPROVAL))[1])
            for act in ACTS
            if act in acts
        }
        return cls(told["on"], rules)


def check_act(act: str) -> None:
    """Raises InvalidInput: there is no such act."""
    if act not in ACTS:
        raise InvalidInput(
            f"there is no act {act[:40]!r} that asks for approval",
            field="act",
            hint=f"One of: {', '.join(ACTS)}.",
        )


def table_of_settings(settings: ApprovalSettings) -> ApprovalTable:
    """The table that the settings ask for; it is in force once it is on record. Raises SettingsError."""
    strange = sorted(set(settings.acts).difference(ACTS))
    if strange:
        raise SettingsError(
            f"approvals.acts.{strange[0][:40]}: there is no such act", hint=f"One of: {', '.join(ACTS)}."
        )
    rules: dict[str, ActRule] = {}
    for act in ACTS:
        told = settings.acts.get(act)
        approvals = _LEAST_APPROVALS.get(act, settings.approvals)
        rules[act] = ActRule(
            on=told.on if told else True,
            approvals=told.approvals if told and told.approvals else max(approvals, settings.approvals),
            request=timedelta(hours=settings.request_hours),
            approval=timedelta(hours=settings.approval_hours),
        )
    return ApprovalTable(settings.on, rules)
