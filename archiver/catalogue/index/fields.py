"""Which fields are indexed, and how finely."""

from __future__ import annotations

from typing import Literal, get_args

IndexSection = Literal["keys", "facets"]
Tier = Literal["day", "month", "year"]
EntryKind = Literal["message", "event"]

TIERS: tuple[Tier, ...] = get_args(Tier)

#: Fields whose values point to single rows. ``insurance_number`` stands for each of a row's numbers.
KEY_FIELDS = (
    "message_id",
    "event_id",
    "transaction_id",
    "employer_code",
    "tax_code",
    "insurance_number",
    "dossier_number",
    "sha256",  # as 64 hexadecimal digits
)

#: Fields with few values, each of which points to row groups.
FACET_FIELDS = ("gateway", "type", "kind", "ivan", "procedure", "period", "state", "agency")

#: The field that holds the id which the gateway chose, by class of entry.
CLAIM_FIELDS: dict[EntryKind, str] = {"message": "message_id", "event": "event_id"}

#: Fields of which rollups keep counts and bytes, besides the day.
ROLLUP_FIELDS = ("gateway", "entry", "kind", "procedure", "state")

#: Rows that a segment's reader decodes at once, unless the segment says otherwise.
DEFAULT_GROUP_ROWS = 4096
