"""A damaged kept file costs time: the other site's copy or the segment answers, and it is put anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.catalogue.kept.making import SEGMENTS, Kept, check_whole, name_another_key
from tests.support.archives import SITES

from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.index.folder_store import FolderStore
from vanvault.archiver.catalogue.index.reader import IndexReader
from vanvault.archiver.core.errors import NotFound, SiteUnavailable
from vanvault.archiver.upkeep import rebuild_index


def spoil_blocks(path: Path) -> None:
    """The header, and the directory at the end, stay good: it is found only when a question reads a block."""
    data = bytearray(path.read_bytes())
    for at in range(200, len(data) // 2):
        data[at] ^= 1
    path.write_bytes(data)


def spoil_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


DAMAGES: list[Callable[[Path], None]] = [spoil_blocks, spoil_header, name_another_key]


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_other_sites_copy_is_used_at_once(kept: Kept, damage: Callable[[Path], None]) -> None:
    names = kept.names()
    for path in kept.files("primary"):
        damage(path)
    with kept.open(kept.new_node()) as archive:
        archive.refresh()
        check_whole(archive)
        assert archive.index.names() == names  # nothing was made from segments
        archive.refresh()
        check_whole(archive)


def test_of_a_site_that_falls_silent_the_other_takes_the_place(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, fetch, refused = kept.names(), FolderStore.fetch, list[str]()

    def silent(self: FolderStore, name: str, offset: int, length: int) -> bytes:
        path = self.path(name)
        if name.endswith(".idx") and path is not None and "primary" in path.parts:
            refused.append(name)
            raise SiteUnavailable("the site gives no answer", site="primary", may_be_stored=False)
        return fetch(self, name, offset, length)

    with kept.open(kept.new_node()) as archive:
        archive.refresh()
        monkeypatch.setattr(FolderStore, "fetch", silent)
        check_whole(archive)
        assert archive.index.names() == names
    assert refused


def test_where_files_go_again_and_again_every_segment_counts_as_not_indexed(kept: Kept) -> None:
    def asked(reader: IndexReader) -> int:
        if reader.files:
            raise NotFound("it was deleted while in use")
        return 0

    with kept.open() as archive:
        archive.refresh()
        logs = archive.catalogue.current().logs
        assert len(logs) == SEGMENTS
        assert archive.index.ask(logs, asked) == (0, logs)


def test_damaged_at_both_sites_it_is_told_once_and_then_made_from_segments(kept: Kept) -> None:
    for site in SITES:
        spoil_blocks(kept.files(site)[1])
    node = kept.new_node()
    with kept.open(node) as archive:
        archive.refresh()
        page = archive.search.page(Query({"employer_code": "E"}, limit=1000))
        assert [one.reason for one in page.unread] == ["not indexed yet"]
    with kept.open(node) as archive:  # each command is a process of its own
        archive.refresh()
        check_whole(archive)


def test_it_is_told_and_the_next_round_puts_a_good_one_in_its_place(kept: Kept) -> None:
    bad = kept.files("primary")[1]
    good = bad.read_bytes()
    spoil_blocks(bad)
    node = kept.new_node()
    with kept.open(node) as archive:
        rebuild_index(archive)
    with kept.open(node) as archive:
        told = {one.site: one for one in archive.index.kept()}
        assert bad.name in told["primary"].trouble
        assert len(told["primary"].lacking) == 1
        assert not told["standby"].trouble
        assert [(one.added, one.failure) for one in archive.keep_index()] == [(1, ""), (0, "")]
        assert bad.read_bytes() == good
        assert all((one.segments, one.trouble) == (SEGMENTS, "") for one in archive.index.kept())
