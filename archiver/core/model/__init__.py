"""The nouns of the archive as frozen data: entries, batches, segments, drafts."""

from __future__ import annotations

from vanvault.archiver.core.model.batch import Batch, BatchHeader, Commit, Placement
from vanvault.archiver.core.model.drafts import Draft, EventDraft, MessageDraft
from vanvault.archiver.core.model.entry import SYSTEM_GATEWAY, Entry, Event, Message
from vanvault.archiver.core.model.metadata import BUSINESS_FIELDS, Metadata, MetadataReading
from vanvault.archiver.core.model.segment import Covered, ResidueRow, SegmentManifest, SegmentPart

__all__ = [
    "BUSINESS_FIELDS",
    "SYSTEM_GATEWAY",
    "Batch",
    "BatchHeader",
    "Commit",
    "Covered",
    "Draft",
    "Entry",
    "Event",
    "EventDraft",
    "Message",
    "MessageDraft",
    "Metadata",
    "MetadataReading",
    "Placement",
    "ResidueRow",
    "SegmentManifest",
    "SegmentPart",
]
