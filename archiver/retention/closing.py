"""Which log lines end a transaction, and which open it again: a dated table. Pure.

A type that is not in the table does neither, so an unknown word never starts a period of keeping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from vanvault.archiver.core.errors import SettingsError

Effect = Literal[
    "success",  # the result was returned
    "refused",  # by the receipt of the dossier, or by its result
    "withdrawn",  # by the employer
    "expired",  # nobody went on with it
    "reopened",  # supplement, correction, appeal: what was closed is open again
]

EFFECTS: tuple[Effect, ...] = get_args(Effect)
_MOST_TYPE = 200  # characters of a type


@dataclass(frozen=True, slots=True)
class ClosingRule:
    """What log lines of one type do to a transaction, from a day on."""

    type: str
    effect: Effect
    since: date | None = None  # the first day, in Vietnam; None: from the beginning
    until: date | None = None  # the first day on which it no longer holds; None: still in force


@dataclass(frozen=True, slots=True)
class ClosingTable:
    """The rules in force; where two of one type hold on a day, the later one of the list counts."""

    rules: tuple[ClosingRule, ...]

    def effect_of(self, type: str, day: date) -> Effect | None:
        """What a log line does that occurred on this day in Vietnam; None: nothing."""
        found = None
        for rule in self.rules:
            begun = rule.since is None or rule.since <= day
            if rule.type == type and begun and (rule.until is None or day < rule.until):
                found = rule.effect
        return found


_TYPES: dict[str, dict[str, Effect]] = {
    "transaction": {
        "returned": "success",
        "rejected": "refused",
        "refused": "refused",
        "withdrawn": "withdrawn",
        "expired": "expired",
        "supplement": "reopened",
        "resubmitted": "reopened",
        "corrected": "reopened",
        "appealed": "reopened",
        "reopened": "reopened",
    },
    "result": {"returned": "success", "refused": "refused", "corrected": "reopened"},
    "receipt": {"rejected": "refused"},
}
_BUILT_IN = tuple(
    ClosingRule(f"{family}.{name}", effect)
    for family, effects in _TYPES.items()
    for name, effect in effects.items()
)


def closing_table(settings: Mapping[str, str]) -> ClosingTable:
    """The built-in table, and what the settings say of further types. Raises SettingsError."""
    rules = list(_BUILT_IN)
    effects: dict[str, Effect] = {effect: effect for effect in EFFECTS}
    for type, effect in settings.items():
        if effect not in effects:
            raise SettingsError(
                f"retention.closing: {type[:_MOST_TYPE]!r} cannot be {effect[:40]!r}",
                hint=f"Choose one of {', '.join(EFFECTS)}.",
            )
        if not type or len(type) > _MOST_TYPE:
            raise SettingsError(
                "retention.closing: a type of log lines has 1 to 200 characters", hint="Shorten it."
            )
        rules.append(ClosingRule(type, effects[effect]))
    return ClosingTable(tuple(rules))
