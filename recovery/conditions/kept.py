"""What is wrong with the index files that sites keep, as far as somebody must see to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from vanvault.archiver.catalogue import KeptStanding
from vanvault.archiver.core.names import parse_key, writer_started_at

#: A node keeps a new segment's index within minutes, and a site may be away for a while.
_GIVEN = timedelta(days=1)


def index_not_kept(standings: Iterable[KeptStanding], now: datetime) -> dict[str, str]:
    """By site, for people; nothing of a site that is away, or where none is configured."""
    found: dict[str, str] = {}
    for one in standings:
        if not one.configured or one.away:
            continue
        late = [log for log in one.lacking if _is_old(log, now)]
        what = [
            *(
                [f"it keeps no index of {len(late)} of {one.segments + len(one.lacking)} segments"]
                if late
                else []
            ),
            *([one.trouble] if one.trouble else []),
        ]
        if what:
            found[one.site] = "; ".join(what)
    return found


def _is_old(log: str, now: datetime) -> bool:
    name = parse_key(log)
    return name is not None and now - writer_started_at(name.writer) > _GIVEN
