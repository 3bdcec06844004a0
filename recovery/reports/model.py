"""What a report is made of: figures and tables, before anybody words them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.law import DUTIES, LegalDuty
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.recovery.documents import SignedForm
from vanvault.recovery.reports.period import PeriodLength

#: A cell as the signed report holds it; a list is one of ids.
Cell = str | int | list[str] | None

REPORT_FORM = SignedForm("vanvault-report-v1", "vanvault report v1", "report of a period")


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows under names of columns; ``texts.py`` words both."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"name": self.name, "columns": list(self.columns), "rows": [list(row) for row in self.rows]}


def by_type(counts: Mapping[str, int]) -> ReportTable:
    """Events by type, each under its whole name, as a search or an export has it."""
    rows = ((f"{SYSTEM_GATEWAY}.{type}", count) for type, count in sorted(counts.items()))
    return ReportTable("by_type", ("type", "count"), tuple(rows))


@dataclass(frozen=True, slots=True)
class ReportContents:
    """What was counted, and what was listed, in the order in which it is shown."""

    figures: Mapping[str, int | None]  # None: it was not measured
    tables: tuple[ReportTable, ...]


@dataclass(frozen=True, slots=True)
class ReportKind:
    """One row of the table of reports."""

    name: str
    length: PeriodLength
    #: (name, id of the text) of the duties that it serves or measures.
    duties: tuple[tuple[str, str], ...] = field(default=())

    @property
    def cited(self) -> tuple[LegalDuty, ...]:
        """The same, as the table of legal duties has them: with dates, and how each is known."""
        return tuple(one for one in DUTIES if (one.name, one.text.id) in self.duties)


KINDS: dict[str, ReportKind] = {
    kind.name: kind
    for kind in (
        ReportKind(
            "accounts",
            "quarter",
            (("accounts-reported", "CV907-2019"), ("account-locked-on-decision", "CV907-2019")),
        ),
        ReportKind(
            "review",
            "half",
            (("accounts-reviewed", "TCVN14423-2026"), ("idle-account-off", "TCVN14423-2026")),
        ),
        ReportKind(
            "operation",
            "month",
            (
                ("regular-reports", "QD08-2015"),
                ("downtime-limit", "QD08-2015"),
                ("downtime-limit", "ND166-2016"),
                ("maintenance-notice", "QD08-2015"),
                ("data-recovered", "QD08-2015"),
            ),
        ),
        ReportKind(
            "personal-data",
            "half",
            (
                ("log-kept", "QD08-2015"),
                ("log-kept", "ND166-2016"),
                ("log-kept", "ND164-2025"),
                ("originals-online", "QD08-2015"),
                ("open-dossiers-kept", "QD08-2015"),
                ("kept-after-expiry", "ND166-2016"),
                ("destruction-recorded", "TT05-2025"),
            ),
        ),
    )
}


def kind_named(name: str) -> ReportKind:
    """Raises NotFound."""
    found = next((kind for kind in KINDS.values() if kind.name == name), None)
    if found is None:
        raise NotFound(f"there is no report {name[:40]!r}", hint=f"The reports are {', '.join(KINDS)}.")
    return found
