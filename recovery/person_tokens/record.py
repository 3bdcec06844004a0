"""The tokens of people, as the archive's own events tell them."""

from __future__ import annotations

from datetime import timedelta

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.times import to_us
from vanvault.archiver.journal import recorded_history
from vanvault.archiver.people.tokens import MOST_LIFE, TOKEN_EVENTS, PersonTokens, fold_tokens

#: No token that was added before is good any more, so neither its end nor its beginning matters.
_LOOKED_BACK = MOST_LIFE + timedelta(days=1)


def person_tokens(archive: ArchiveReader, *, everything: bool = False) -> PersonTokens:
    """Those that may be good now, as far as the archive is folded here; ``everything``: all that ever were.

    Raises Damaged, SiteUnavailable (the index cannot be read).
    """
    from_us = 0 if everything else to_us(archive.clock.now() - _LOOKED_BACK)
    history = recorded_history(archive.search, TOKEN_EVENTS, from_us=from_us, keeps_damaged=True)
    return fold_tokens(history.events, lacking=history.lacking)
