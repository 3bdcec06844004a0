"""A node that begins with settings and keys only finds everything by what sites keep of the index."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.catalogue.kept.making import SEGMENTS, Kept, check_whole, name_another_key
from tests.support.archives import SITES
from tests.support.lab import Lab

from vanvault.archiver.catalogue import Query
from vanvault.archiver.catalogue.kept.directory import decode_directory_of, encode_directory
from vanvault.archiver.catalogue.kept.place import KeptPlace
from vanvault.archiver.core.errors import MachineLimit
from vanvault.archiver.upkeep import rebuild_index


def test_it_searches_by_ranges_and_has_the_files_whole_later(kept: Kept) -> None:
    names = kept.names()
    path = kept.new_node()
    with kept.open(path) as archive:
        archive.refresh()
        assert archive.index.names() == names  # none was made from segments
        assert list((path / "index").rglob("*.idx")) == []
        check_whole(archive)
        assert archive.index.bring_next()
        newest = max(names, key=lambda name: name.partition("/")[2])
        assert [one.name for one in (path / "index").rglob("*.idx")] == [Path(newest).name]
        while archive.index.bring_next():
            pass
        check_whole(archive)
    for site in SITES:
        shutil.rmtree(kept.folder(site))
    with kept.open(path) as archive:
        archive.refresh()
        assert archive.index.names() == names
        check_whole(archive)


def test_a_rebuild_takes_them_whole_and_a_discarding_one_takes_none(kept: Kept) -> None:
    names = kept.names()
    path = kept.new_node()
    with kept.open(path) as archive:
        assert rebuild_index(archive).indexed == SEGMENTS
        assert archive.index.names() == names
        assert len(list((path / "index").rglob("*.idx"))) == SEGMENTS
        assert rebuild_index(archive, discard=True).indexed == SEGMENTS
        assert not archive.index.names() & names
        check_whole(archive)


def test_while_one_site_is_gone_the_other_serves(kept: Kept) -> None:
    path = kept.new_node()
    with kept.open(path) as archive:
        archive.refresh()
        shutil.rmtree(kept.folder("primary"))
        check_whole(archive)


def directory_of(kept: Kept, site: str) -> Path:
    return kept.folder(site) / "directory.json"


def put(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def exchange(kept: Kept, site: str) -> None:
    first, second = kept.files(site)[:2]
    one, other = first.read_bytes(), second.read_bytes()
    put(first, other)
    put(second, one)


def of_another_archive(kept: Kept, site: str, other: Lab) -> None:
    """What its own node would keep here, signed with its key."""
    with other.open() as archive:
        archive.catch_up()
        key = archive.signing.active()
        directory = decode_directory_of(
            directory_of(kept, site).read_bytes(), kept_archive(kept), lambda *_: True
        )
        made = replace(directory, archive=archive.settings.archive)
        put(directory_of(kept, site), encode_directory(made, lambda data: (key.key_id, key.sign(data))))


def forged(kept: Kept, site: str, other: Lab) -> None:
    """It says what is true, but another key signed it."""
    with other.open() as archive:
        key = archive.signing.active()
    directory = decode_directory_of(
        directory_of(kept, site).read_bytes(), kept_archive(kept), lambda *_: True
    )
    put(directory_of(kept, site), encode_directory(directory, lambda data: (key.key_id, key.sign(data))))


def miscounted(kept: Kept, site: str, other: Lab) -> None:
    """Signed by a key of the archive, and another count of rows."""
    with kept.open() as archive:
        key = archive.signing.active()
    directory = decode_directory_of(
        directory_of(kept, site).read_bytes(), kept_archive(kept), lambda *_: True
    )
    files = tuple(
        replace(one, segments=tuple((log, rows + 1) for log, rows in one.segments)) for one in directory.files
    )
    made = replace(directory, files=files)
    put(directory_of(kept, site), encode_directory(made, lambda data: (key.key_id, key.sign(data))))


def kept_archive(kept: Kept) -> str:
    with kept.open() as archive:
        return archive.settings.archive


def instead(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


#: What a hostile or failing site does: (whether its standing tells of it; None: only once it was read).
HARMS: dict[str, tuple[Callable[[Kept, str, Lab], object], bool | None]] = {
    "the folder is gone": (lambda kept, site, _: shutil.rmtree(kept.folder(site)), True),
    "no directory": (lambda kept, site, _: directory_of(kept, site).unlink(), True),
    "an old directory": (lambda kept, site, _: put(directory_of(kept, site), kept.old), True),
    "a cut directory": (lambda kept, site, _: cut(directory_of(kept, site)), True),
    "a changed directory": (lambda kept, site, _: flip(directory_of(kept, site)), True),
    "an empty directory": (lambda kept, site, _: put(directory_of(kept, site), b""), True),
    "a folder for a directory": (
        lambda kept, site, _: instead(directory_of(kept, site), Path.mkdir),
        True,
    ),
    "a pipe for a directory": (lambda kept, site, _: instead(directory_of(kept, site), os.mkfifo), True),
    "a link for a directory": (
        lambda kept, site, _: instead(
            directory_of(kept, site), lambda path: path.symlink_to("/etc/hostname")
        ),
        True,
    ),
    "another archive's directory": (of_another_archive, True),
    "a forged directory": (forged, True),
    "a directory with other counts": (miscounted, True),
    "a file is left out": (lambda kept, site, _: kept.files(site)[2].unlink(), True),
    "a filter is left out": (
        lambda kept, site, _: kept.files(site)[2].with_suffix(".idx.filter").unlink(),
        True,
    ),
    "a cut file": (lambda kept, site, _: cut(kept.files(site)[1]), True),
    "a changed file": (lambda kept, site, _: flip(kept.files(site)[1]), None),
    "a changed filter": (lambda kept, site, _: flip(kept.files(site)[1].with_suffix(".idx.filter")), None),
    "another key's file": (lambda kept, site, _: name_another_key(kept.files(site)[1]), None),
    "two files exchanged": (lambda kept, site, _: exchange(kept, site), None),
    "a pipe for a file": (lambda kept, site, _: instead(kept.files(site)[1], os.mkfifo), True),
}


@pytest.mark.parametrize("sites", [SITES, SITES[:1]], ids=["both sites", "one site"])
@pytest.mark.parametrize("harm", HARMS)
def test_whatever_a_site_does_nothing_is_missed(
    kept: Kept, other: Lab, harm: str, sites: tuple[str, ...]
) -> None:
    act, told = HARMS[harm]
    for site in sites:
        act(kept, site, other)
    path = kept.new_node()
    with kept.open(path) as archive:
        archive.refresh()
        check_whole(archive)
        while archive.index.bring_next():
            pass
        archive.refresh()  # what was found wrong only now is made from segments
        check_whole(archive)
        for one in archive.index.kept():
            wrong = bool(one.lacking or one.trouble)
            assert told is None or wrong == (told and one.site in sites)
        done = archive.keep_index()  # a node mends it
        assert [one.failure for one in done if harm != "a folder for a directory"] in ([""] * 2, [])


@pytest.mark.parametrize("harm", ["an old directory", "a forged directory", "a cut directory", "a cut file"])
def test_the_next_round_mends_what_a_site_keeps(kept: Kept, other: Lab, harm: str) -> None:
    HARMS[harm][0](kept, "primary", other)
    with kept.open() as archive:
        archive.refresh()
        archive.keep_index()
        for one in archive.index.kept():
            assert (one.segments, one.lacking, one.trouble) == (SEGMENTS, (), "")


def test_a_site_that_is_away_is_levelled_later(kept: Kept) -> None:
    shutil.rmtree(kept.folder("standby"))
    site = kept.home / "sites" / "standby"
    site.rename(site.with_name("away"))
    with kept.open() as archive:
        archive.refresh()
        done = {one.site: one for one in archive.keep_index()}
        assert not done["primary"].failure
        assert done["standby"].failure
        assert not site.exists()  # nothing is written where a share should be mounted
        (standing,) = [one for one in archive.index.kept() if one.site == "standby"]
        assert standing.away
        site.with_name("away").rename(site)
        done = {one.site: one for one in archive.keep_index()}
        assert (done["standby"].failure, done["standby"].added) == ("", SEGMENTS)
        assert all(not one.lacking for one in archive.index.kept())


def test_merged_files_replace_what_they_merged(kept: Kept) -> None:
    kept.clock.advance(timedelta(days=40))
    with kept.open() as archive:
        assert rebuild_index(archive).merged == SEGMENTS
        archive.keep_index()
        assert all((one.files, one.segments) == (1, SEGMENTS) for one in archive.index.kept())
        assert len(kept.files("primary")) == SEGMENTS + 1  # a reader may be using them
        kept.clock.advance(timedelta(days=1))
        assert [one.removed for one in archive.keep_index()] == [SEGMENTS] * 2
        for site in SITES:
            (left,) = kept.files(site)
            names = sorted(path.name for path in kept.folder(site).rglob("*") if path.is_file())
            assert names == sorted([left.name, f"{left.name}.filter", "directory.json"])
        assert [one.removed for one in archive.keep_index()] == [0, 0]


def test_a_reader_of_files_that_were_merged_away_goes_on(kept: Kept) -> None:
    path = kept.new_node()
    with kept.open(path) as reader:
        reader.refresh()
        kept.clock.advance(timedelta(days=40))
        with kept.open() as archive:
            rebuild_index(archive)
            archive.keep_index()
            kept.clock.advance(timedelta(days=1))
            archive.keep_index()
        reader.search.page(Query({"employer_code": "E"}))
        reader.refresh()
        check_whole(reader)


def test_two_nodes_do_not_exchange_their_files(kept: Kept) -> None:
    path = kept.new_node()
    with kept.open(path) as second:
        rebuild_index(second, discard=True)
        # It has one file where the sites keep five; from then on nobody has anything better.
        assert [(one.added, one.failure) for one in second.keep_index()] == [(1, ""), (1, "")]
        with kept.open() as first:
            first.refresh()
            for archive in (first, second, first):
                assert [(one.added, one.failure) for one in archive.keep_index()] == [(0, ""), (0, "")]


def test_drafts_of_a_killed_round_go_and_strangers_files_stay_and_are_named(kept: Kept) -> None:
    draft = kept.folder("primary") / ".drafts" / "1-2-3"
    draft.write_bytes(b"half")
    os.utime(draft, (0, 0))
    stranger = kept.folder("primary") / "day" / "holiday.jpg"
    stranger.write_bytes(b"photo")
    with kept.open() as archive:
        archive.refresh()
        archive.keep_index()
        assert not draft.exists()
        assert stranger.exists()
        (one,) = [one for one in archive.index.kept() if one.site == "primary"]
        assert "day/holiday.jpg" in one.trouble


def test_nothing_is_written_through_a_link_at_a_site(kept: Kept, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(kept.folder("primary") / "day")
    (kept.folder("primary") / "day").symlink_to(elsewhere)
    with kept.open() as archive:
        archive.refresh()
        done = {one.site: one for one in archive.keep_index()}
        assert "link" in done["primary"].failure
        assert not done["standby"].failure
    assert list(elsewhere.iterdir()) == []


def test_what_is_kept_is_no_object_of_the_archive(kept: Kept) -> None:
    with kept.open() as archive:
        for site in archive.sites.values():
            assert list(site.strays()) == [], list(site.strays())
            assert not any("index" in one.key for one in site.list())


@pytest.mark.parametrize("url", ["none", "file:elsewhere"])
def test_a_site_keeps_none_where_the_settings_say_so(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__PRIMARY__INDEX_URL", url)
    if url != "none":
        from vanvault.archiver.core.errors import SettingsError

        with pytest.raises(SettingsError, match="index_url"):
            kept.open()
        return
    path = kept.new_node()
    with kept.open(path) as archive:
        archive.refresh()
        check_whole(archive)
        assert [one.configured for one in archive.index.kept()] == [False, True]
        assert [one.site for one in archive.keep_index()] == ["standby"]


def test_deep_folders_and_names_of_strangers_stop_nothing_and_are_told(kept: Kept) -> None:
    names = kept.folder("primary") / "two\nlines"
    names.write_bytes(b"x")
    make_deep(kept.folder("standby"), 1500)
    try:
        with kept.open() as archive:
            archive.refresh()
            assert [one.failure for one in archive.keep_index()] == ["", ""]
            told = {one.site: one for one in archive.index.kept()}
    finally:  # it is too deep for those who remove folders of tests
        subprocess.run(["rm", "-rf", str(kept.folder("standby") / "d")], check=True)
    assert "two\\nlines" in told["primary"].trouble
    assert "/d/" in told["standby"].trouble
    assert all(one.segments == SEGMENTS for one in told.values())


def make_deep(folder: Path, levels: int) -> None:
    """Deeper than a path may be long, so from folder to folder."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def test_a_folder_in_place_of_the_directory_is_told(kept: Kept) -> None:
    instead(directory_of(kept, "primary"), Path.mkdir)
    with kept.open() as archive:
        archive.refresh()
        (one,) = [one for one in archive.index.kept() if one.site == "primary"]
        assert "no file" in one.trouble


def test_a_limit_of_the_machine_is_told_in_the_standing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: KeptPlace) -> bytes:
        raise MachineLimit("too many files are open", resource="files")

    with kept.open() as archive:
        archive.refresh()
        monkeypatch.setattr(KeptPlace, "directory", exhausted)
        told = {(one.trouble, one.away) for one in archive.index.kept()}
        assert told == {("too many files are open", True)}
