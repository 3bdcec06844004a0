"""The pages of extractions: the list, the form to ask for one, and one of them whole. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from vanvault.archiver.catalogue import Query
from vanvault.archiver.people.extraction import COPY_KINDS, FIELDS, Extraction

#: Search fields of the form that stand first.
FIRST_FILTERS = ("employer_code", "dossier_number", "transaction_id", "insurance_number", "tax_code")
OTHER_FILTERS = tuple(name for name in Query.FIELDS if name not in (*FIRST_FILTERS, "entry"))
#: Times, which are asked for by ``during`` or by both others.
TIME_FILTERS = ("during", "from", "to")
FILTERS = (*FIRST_FILTERS, *TIME_FILTERS, "entry", *OTHER_FILTERS)
#: Begin of the names of fields of the page: of filters, of fields of entries, of copies.
FILTER, FIELD, COPY = "filter.", "field.", "copy."
#: Fields of the page -> where the form has them.
PLACES: Mapping[str, tuple[str, ...]] = {
    "letter_number": ("letter", "number"),
    "letter_day": ("letter", "day"),
    "letter_agency": ("letter", "agency"),
    "recipient_name": ("recipient", "name"),
    "recipient_agency": ("recipient", "agency"),
    "purpose": ("purpose",),
    "until": ("until",),
}


@dataclass(frozen=True, slots=True)
class ExtractionLine:
    """One extraction of the list."""

    id: str
    state: str  # one of EXTRACTION_STATES
    requested_at: datetime
    who: str
    letter: str  # its number
    agency: str
    count: int
    until: str  # the last day

    @classmethod
    def of(cls, one: Extraction, now: datetime) -> ExtractionLine:
        form = one.form
        letter = form.letter
        until = form.until.isoformat()
        return cls(one.id, one.state(now), one.at, one.who, letter.number, letter.agency, one.count, until)


@dataclass(frozen=True, slots=True)
class ExtractionsView:
    """The list, the newest first."""

    lines: tuple[ExtractionLine, ...]
    partial: bool  # something may be missing
    others: bool  # does this person see those of others, too?
    others_roles: tuple[str, ...]
    exports: bool  # may they see which exports were made?
    exports_roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtractionFormView:
    """The form. ``given``: by the names of the page's fields."""

    FIRST: ClassVar[tuple[str, ...]] = FIRST_FILTERS
    OTHERS: ClassVar[tuple[str, ...]] = OTHER_FILTERS
    FIELDS: ClassVar[tuple[str, ...]] = FIELDS
    COPIES: ClassVar[tuple[str, ...]] = COPY_KINDS

    given: Mapping[str, str]
    wrong: str = ""  # why it was not taken, in the program's words
    wrong_field: str = ""  # of the page, where it is one of those
    hint: str = ""

    @property
    def others_given(self) -> bool:
        """Is one of the filters given that are folded away?"""
        return any(f"{FILTER}{name}" in self.given for name in (*OTHER_FILTERS, "entry", "from", "to"))


@dataclass(frozen=True, slots=True)
class RequestOnPage:
    """How the request for the approval of an extraction stands."""

    id: str
    state: str
    approved_by: tuple[str, ...]
    needed: int
    until: str | None
    why: str  # why it is good for nothing any more, in the program's words


@dataclass(frozen=True, slots=True)
class ExtractionView:
    """One extraction. ``approval`` None: none is on record, or this person may not see it."""

    one: Mapping[str, Any]  # as the API tells it
    own: bool  # did this person ask for it?
    approval: RequestOnPage | None
    search: str  # address of the search for the same entries; "" where this person may not search

    @property
    def state(self) -> str:
        found: str = self.one["state"]
        return found

    @property
    def can_run(self) -> bool:
        """May this person have the file now? The run itself checks it again."""
        if not self.own:
            return False
        approved = self.approval is not None and self.approval.state == "approved"
        return self.state in ("begun", "ran") or (self.state == "requested" and approved)

    @property
    def can_ask_again(self) -> bool:
        """Is its approval refused, too old or not on record, so that a run puts a new request on record?"""
        waits = self.approval is not None and self.approval.state in ("open", "approved")
        return self.own and self.state == "requested" and not waits

    @property
    def hand_over(self) -> str:
        """The line that puts the hand-over on record, for a shell."""
        recipient = self.one["form"]["recipient"]["name"]
        words = ("extract", "hand-over", self.one["extraction"], "--to", recipient, "--output", "receipts/")
        return shlex.join(("vanvault", *words))

    @property
    def filter(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.one["form"]["filter"]
        return found


def approval_standing(requests: Sequence[Mapping[str, Any]], extraction: str) -> RequestOnPage | None:
    """The newest request for this extraction, out of requests as the API tells them."""
    own = [one for one in requests if one["subject"].get("extraction") == extraction]
    if not own:
        return None
    one = max(own, key=lambda told: (told["requested_at"], told["id"]))
    voters = tuple(vote["account"] for vote in one["approved_by"])
    return RequestOnPage(one["id"], one["state"], voters, one["needed"], one["until"], one["why"] or "")


def told_form(given: Mapping[str, str]) -> dict[str, Any]:
    """The form as JSON values, as ``POST /v1/extractions`` takes it, from the fields of the page."""
    form: dict[str, Any] = {"letter": {}, "recipient": {}, "filter": {}, "fields": [], "copies": []}
    for name, value in given.items():
        if name in PLACES:
            *above, last = PLACES[name]
            (form[above[0]] if above else form)[last] = value
        elif name.startswith(FILTER):
            form["filter"][name.removeprefix(FILTER)] = value.strip()
        elif name.startswith(FIELD):
            form["fields"].append(name.removeprefix(FIELD))
        elif name.startswith(COPY):
            form["copies"].append(name.removeprefix(COPY))
    return form


def page_field(field: str) -> str:
    """The field of the page that an error names by its place in the form; "" where it is none of them."""
    for name, place in PLACES.items():
        if field == ".".join(place):
            return name
    if field in FILTERS:
        return f"{FILTER}{field}"
    return field if field in ("scan", "fields", "filter", "copies") else ""


#: Names of the fields that the page sends, but for its token and the scan.
PAGE_FIELDS = frozenset(
    (
        *PLACES,
        *(f"{FILTER}{name}" for name in FILTERS),
        *(f"{FIELD}{name}" for name in FIELDS),
        *(f"{COPY}{name}" for name in COPY_KINDS),
    )
)
