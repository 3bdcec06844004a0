"""The fold completes at one site what only another one holds."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.archives import Home, Node, message

from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.stores import Site, StoredVersion


class Denying:
    """A site that takes copies and then says that there are none."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site, name)

    def stat(self, key: str, version: str | None = None) -> StoredVersion:
        raise NotFound(f"there is no {key}")


def test_a_site_that_denies_what_was_copied_to_it_is_away(home: Home) -> None:
    """What it denies is whole elsewhere. Taken for unreadable, a retry of it would be stored twice."""
    with Node(home.archive()) as node:
        node.wait_ready()
        receipt = node.push(message("m-1", b"<x/>"))
    home.standby.damage.drop(receipt["object"])
    home.forget_hot_tail()
    archive = home.archive({"primary": home.primary, "standby": Denying(home.standby)})  # type: ignore[dict-item]
    with pytest.raises(SiteUnavailable, match="does not keep"):
        archive.catch_up(settle=True)
    assert not archive.tail.knows([receipt["object"]])
