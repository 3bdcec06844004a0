"""The form in which values are compared when somebody searches. Pure.

What is stored stays as it was written. Tokens are made of this form, and rows are compared by it, so that a
search in one spelling finds the other: composed and decomposed Vietnamese, ``tz1234z`` and ``TZ1234Z``,
``03/2026`` and ``2026-03``.
"""

from __future__ import annotations

import re
import unicodedata

#: Fields of codes and texts. All others are compared character for character: ids, digests, gateways.
FOLDED_FIELDS = (
    "type",
    "kind",
    "transaction_id",
    "ivan",
    "employer_code",
    "tax_code",
    "insurance_number",
    "dossier_number",
    "dossier_prefix",
    "procedure",
    "period",
    "state",
    "agency",
)
_FOLDED = frozenset(FOLDED_FIELDS)

#: How a month is written, and whether the year comes first.
_MONTHS = (
    (re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})", re.ASCII), True),
    (re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})", re.ASCII), False),
    (re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})", re.ASCII), True),
    (re.compile(r"([0-9]{2})((?:19|20)[0-9]{2})", re.ASCII), False),
)


def search_form(field: str, value: str) -> str:
    """The value as it is compared in this field: the same for all that a search holds to be equal.

    In a folded field: no blanks at the ends, without case, composed (NFC); a month is ``2026-03``.
    """
    if field not in _FOLDED:
        return value
    text = value.strip()
    if text.isascii():
        text = text.lower()
    else:
        # Unicode's caseless matching (3.13, D145). Twice, since folding may give what folds again.
        for _ in range(2):
            text = unicodedata.normalize("NFD", text).casefold()
        text = unicodedata.normalize("NFC", text)
    return _month(text) if field == "period" else text


def _month(text: str) -> str:
    for pattern, year_first in _MONTHS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        year, month = match.groups() if year_first else match.groups()[::-1]
        if 1 <= int(month) <= 12:
            return f"{year}-{int(month):02d}"
    return text
