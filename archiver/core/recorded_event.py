"""One event of the archive's own, for those who fold such events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """What a fold needs of an event. In whatever order and however often they come, a fold gives the same."""

    id: str  # of the archive: twice the same is once
    type: str  # without ``vanvault.``
    at: datetime  # when the archive received it
    detail: Mapping[str, Any]
