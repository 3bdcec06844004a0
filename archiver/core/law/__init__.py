"""The dated table of legal duties that profiles, reports and refusals cite. Pure.

No other place states a figure of the law: ``figure("downtime-limit", text="ND166-2016")`` is 2.
"""

from vanvault.archiver.core.law.lookup import citation, duties, figure
from vanvault.archiver.core.law.meeting import MET_BY, DutyMet
from vanvault.archiver.core.law.model import HowKnown, LegalDuty
from vanvault.archiver.core.law.table import DUTIES
from vanvault.archiver.core.law.texts import TEXTS, LegalText

__all__ = [
    "DUTIES",
    "MET_BY",
    "TEXTS",
    "DutyMet",
    "HowKnown",
    "LegalDuty",
    "LegalText",
    "citation",
    "duties",
    "figure",
]
