"""While a segment is in no index, nobody can say that an id was never archived."""

from __future__ import annotations

import pytest
from tests.support.compacted import CompactedLab

from vanvault.archiver.core.errors import SiteUnavailable
from vanvault.archiver.upkeep import rebuild_index

GATEWAY = "gateway-1"


def test_an_id_is_new_only_when_every_segment_was_looked_at(compacted: CompactedLab) -> None:
    with compacted.open() as archive:
        archive.catch_up()
        old = archive.claims.compacted("message", GATEWAY, "message-10")
        assert old is not None
        assert archive.claims.compacted("message", "gateway-2", "message-10") is None
        assert archive.claims.compacted("event", GATEWAY, "message-10") is None
        assert archive.claims.compacted("message", GATEWAY, "never") is None
        archive.index.discard()
        for client_id in ("message-10", "never"):
            with pytest.raises(SiteUnavailable, match="not indexed now"):
                archive.claims.compacted("message", GATEWAY, client_id)
            assert archive.claims.recall("message", GATEWAY, client_id) == (None, False)
        rebuild_index(archive)
        assert archive.claims.compacted("message", GATEWAY, "message-10") == old
