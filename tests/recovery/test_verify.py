"""Every kind of damage is named, with its site."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.archives import SITES
from tests.support.clocks import TickingClock
from tests.support.lab import LARGE, BadSector, Lab, Repeated, event, message, named, place_large
from tests.support.names import NO_SIGNATURE, signed
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.archiver.core.names import ObjectName, batch_prefix, parse_key
from vanvault.archiver.core.ports import Ports
from vanvault.archiver.stores import create_site
from vanvault.recovery.verified import Subset
from vanvault.recovery.verify import ObjectReader, verify_sites


def test_a_whole_archive_is_whole(lab: Lab) -> None:
    report = lab.verify()
    assert report.whole
    assert report.findings == ()
    assert (report.messages, report.events) == (30, 9 + 3 + 2)
    assert report.objects == len(lab.keys())
    assert {site: extent.objects for site, extent in report.sites.items()} == dict.fromkeys(
        SITES, report.objects
    )
    assert report.bytes == sum(extent.bytes for extent in report.sites.values()) > 0


def test_without_its_hot_tail_it_is_whole_too(lab: Lab) -> None:
    lab.forget()
    assert lab.verify().whole


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", ["messages", "events", "framed"])
@pytest.mark.parametrize("harm", ["flip", "truncate"])
def test_changed_bytes_are_damaged(lab: Lab, site: str, kind: str, harm: str) -> None:
    key = lab.keys(kind=kind)[-1]
    getattr(lab, harm)(site, key)
    assert named(lab.verify()) == {("damaged", site, key)}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("kind", ["messages", "events", "framed"])
def test_an_object_deleted_at_one_site_is_missing_there(lab: Lab, site: str, kind: str) -> None:
    key = lab.keys(kind=kind)[0]
    lab.drop(site, key)
    assert named(lab.verify()) == {("missing", site, key)}


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("place", [1, 3, -2])
def test_an_object_deleted_at_both_sites_is_missing_by_its_name(lab: Lab, place: int, forget: bool) -> None:
    key = lab.chain(0)[place]
    for site in SITES:
        lab.drop(site, key)
    if forget:
        lab.forget()
    report = named(lab.verify())
    assert {("missing", site, key) for site in SITES} <= report
    assert {problem for problem, *_ in report} == {"missing"}


def test_a_long_gap_is_one_finding_at_each_site(lab: Lab) -> None:
    lab.forget()
    chain = lab.chain(0)
    for key in chain[1:6]:
        for site in SITES:
            lab.drop(site, key)
    keys = {key for problem, _, key in named(lab.verify()) if problem == "missing"}
    # Object 6 records the commit of objects 5 and before it of the same group; of the others no name is left.
    recorded = {key for key in keys if key in chain}
    assert chain[5] in recorded
    assert keys == recorded | {batch_prefix(lab.writers()[0], 1)}


def test_the_lost_tail_of_a_crashed_writer_is_found_through_the_next_writer(lab: Lab) -> None:
    key = lab.chain(1)[-1]
    for site in SITES:
        lab.drop(site, key)
    lab.forget()
    assert {("missing", site, key) for site in SITES} <= named(lab.verify())


def test_the_lost_tail_of_the_last_writer_is_found_through_the_hot_tail(lab: Lab) -> None:
    key = lab.chain(2)[-1]
    for site in SITES:
        lab.drop(site, key)
    assert named(lab.verify()) == {("missing", site, key) for site in SITES}


def test_a_large_object_deleted_at_both_sites_is_missing_by_its_row(lab: Lab) -> None:
    key = lab.keys(family="large")[1]
    for site in SITES:
        lab.drop(site, key)
    assert named(lab.verify()) == {("missing", site, key) for site in SITES}


@pytest.mark.parametrize("site", SITES)
def test_swapped_objects_are_named_with_each_other(lab: Lab, site: str) -> None:
    one, other = lab.keys(kind="messages")[1], lab.keys(kind="events")[2]
    lab.swap(site, one, other)
    report = lab.verify()
    assert named(report) == {("swapped", site, one), ("swapped", site, other)}
    assert {other in f.detail for f in report.findings if f.key == one} == {True}


def test_an_extra_file_and_an_extra_key_are_extra(lab: Lab) -> None:
    (lab.root("standby") / "objects" / "notes.txt").write_text("who put this here?")
    lab.add("primary", "batch/somebody/else", b"?")
    assert named(lab.verify()) == {
        ("extra", "standby", "objects/notes.txt"),
        ("extra", "primary", "batch/somebody/else"),
    }


def test_good_bytes_under_a_name_of_another_place_prove_nothing(lab: Lab) -> None:
    key = lab.chain(0)[2]
    name = parse_key(key)
    assert name is not None
    forged = replace(name, sequence=name.sequence + 1).key
    lab.add("primary", forged, lab.data("primary", key))
    assert named(lab.verify()) == {("unproved", "primary", forged)}


def test_good_bytes_do_not_open_under_another_name_though_it_is_signed(lab: Lab) -> None:
    """As a fault of our own might do it: the data key is bound to the name that the object was made for."""
    key = lab.chain(0)[2]
    name = parse_key(key)
    assert name is not None
    with lab.open() as archive:
        moved = signed(archive, replace(name, sequence=name.sequence + 1))
    lab.add("primary", moved, lab.data("primary", key))
    assert named(lab.verify()) == {("undecipherable", "primary", moved)}


def test_garbage_under_its_own_digest_is_undecipherable(lab: Lab) -> None:
    for kind, family in (("messages", "batch"), ("framed", "large")):
        data = b"PAR1 or anything else"
        digest = hashlib.sha256(data).digest()
        with lab.open() as archive:
            forged = signed(archive, ObjectName(family, lab.writers()[0], 3, kind, digest, NO_SIGNATURE))  # type: ignore[arg-type]
        lab.add("standby", forged, data)
        assert ("undecipherable", "standby", forged) in named(lab.verify())
    assert {problem for problem, *_ in named(lab.verify())} == {"undecipherable"}


@pytest.mark.parametrize("place", [0, 3])
def test_another_archives_object_proves_nothing_and_is_not_missing_elsewhere(
    lab: Lab, other: Lab, place: int
) -> None:
    key = other.chain(0)[place]
    lab.add("primary", key, other.data("primary", key))
    assert named(lab.verify()) == {("unproved", "primary", key)}


def test_another_archives_object_under_our_keys_proves_nothing_either(lab: Lab, tmp_path: Path) -> None:
    other = Lab.copy(lab.home, tmp_path / "other")
    settings = other.home / "vanvault.toml"
    with lab.open() as archive:
        ours = archive.settings.archive
    theirs = ours[::-1].replace("-", "x")[:36]
    settings.write_text(settings.read_text().replace(ours, theirs))
    for site in SITES:
        shutil.rmtree(other.root(site))
    for site in SITES:
        create_site(site, f"file:sites/{site}", home=other.home, archive=theirs, clock=other.clock)
    with other.open() as archive:
        writer, _ = archive.open_writer()
        writer.close()
    key = other.keys()[0]
    lab.add("standby", key, other.data("standby", key))
    assert named(lab.verify()) == {("unproved", "standby", key)}


def test_another_archives_bytes_in_place_of_ours_are_damage(lab: Lab, other: Lab) -> None:
    key = lab.chain(0)[1]
    lab.overwrite(lab.files("primary", key)[-1], other.data("primary", other.chain(0)[1]))
    assert named(lab.verify()) == {("damaged", "primary", key)}


def test_clones_of_a_node_that_both_wrote_are_a_fork(lab: Lab, tmp_path: Path) -> None:
    clone = Lab.copy(lab.home, tmp_path / "clone")
    for number, node in enumerate((lab, clone)):
        with Archive.open(node.home, ports=Ports.under(TickingClock(days=3), Repeated())) as archive:
            writer, _ = archive.open_writer()
            writer.commit([message(archive, 5000 + number)])
            writer.close()
    ours, theirs = lab.chain(3), clone.chain(3)
    # Their first batch is the same one: same bytes, same name. They part with their messages.
    assert ours[0] == theirs[0]
    assert len(ours) == len(theirs) == 2
    for site in SITES:
        lab.add(site, theirs[1], clone.data(site, theirs[1]))
    forked = max(ours[1], theirs[1])
    assert named(lab.verify()) == {("fork", site, forked) for site in SITES}


def test_a_shortened_lock_is_named(lab: Lab) -> None:
    batch, large = lab.keys(kind="events")[0], lab.keys(family="large")[0]
    lab.shorten("primary", batch)
    lab.shorten("standby", large)
    assert named(lab.verify()) == {("lock", "primary", batch), ("lock", "standby", large)}


def test_a_missing_key_is_named_once_and_hides_no_other_damage(lab: Lab) -> None:
    key = lab.keys(kind="events")[0]
    lab.drop("standby", key)
    (lab.home / "keys" / "originals-1.key").unlink()
    report = lab.verify()
    assert named(report) == {("key", "", "originals/1"), ("missing", "standby", key)}
    assert report.messages == 0
    assert report.events == 14


def test_a_wrong_key_is_one_finding(lab: Lab, other: Lab) -> None:
    shutil.copy2(other.home / "keys/log-1.key", lab.home / "keys" / "log-1.key")
    assert named(lab.verify()) == {("key", "", "log/1")}


def test_a_damaged_version_below_a_good_one_is_superseded(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    data = lab.data("primary", key)
    lab.flip("primary", key)
    path = lab.files("primary", key)[-1]
    version = f"zzzzzzzzz000000-{path.name[-len('20371123T000000Z') :]}"
    path.with_name(f"{key.rpartition('/')[2]}~{version}").write_bytes(data)
    report = lab.verify()
    assert report.whole
    assert named(report, failing=False) == {("superseded", "primary", key)}


def test_a_damaged_version_on_top_of_a_good_one_is_damage_that_names_the_good_one(lab: Lab) -> None:
    key = lab.keys(kind="messages")[0]
    good = lab.files("primary", key)[-1].name.rpartition("~")[2]
    path = lab.files("primary", key)[-1]
    path.with_name(f"{key.rpartition('/')[2]}~zzzzzzzzz000000-20391123T000000Z").write_bytes(b"bad")
    report = lab.verify()
    assert named(report) == {("damaged", "primary", key)}
    assert report.findings[0].whole_version == good


def test_a_large_object_without_a_row_is_an_orphan_and_no_failure(lab: Lab) -> None:
    with lab.open() as archive:
        writer, _ = archive.open_writer()
        (one, two) = place_large(archive, writer, LARGE)
        writer.commit([event(archive, 77)], final=True)
        writer.close()
    lab.drop("standby", two.key)
    report = lab.verify()
    assert report.whole
    assert named(report, failing=False) == {("orphan", "primary", one.key)}


def test_a_lost_site_is_unavailable_and_the_other_is_verified(lab: Lab) -> None:
    key = lab.keys(kind="events")[1]
    lab.flip("standby", key)
    shutil.rmtree(lab.root("primary"))
    report = lab.verify()
    assert named(report) == {("unavailable", "primary", ""), ("damaged", "standby", key)}
    assert report.messages == 30


def test_both_sites_lost_is_a_report_too(lab: Lab) -> None:
    for site in SITES:
        shutil.rmtree(lab.root(site))
    assert named(lab.verify()) == {("unavailable", site, "") for site in SITES}


def test_an_emptied_site_lacks_everything(lab: Lab) -> None:
    keys = set(lab.keys())
    shutil.rmtree(lab.root("primary") / "objects")
    (lab.root("primary") / "objects").mkdir()
    assert named(lab.verify()) == {("missing", "primary", key) for key in keys}


@pytest.mark.parametrize("young", [True, False])
@pytest.mark.parametrize("denied", [True, False])
@pytest.mark.parametrize("kind", ["messages", "framed"])
def test_an_object_that_a_disk_does_not_give_is_damaged(
    lab: Lab, kind: str, denied: bool, young: bool
) -> None:
    with lab.open() as archive:
        if young:
            writer, _ = archive.open_writer()
            writer.commit([message(archive, 6001, body=LARGE, writer=writer)], final=True)
            writer.close()
        key = lab.keys(kind=kind)[-1 if young else 1]
        bad = BadSector(archive.sites["primary"], key, denied=denied)
        sites = {"primary": bad, "standby": archive.sites["standby"]}
        reader = ObjectReader(
            sites, archive=archive.settings.archive, parquet=archive.parquet, keys=archive.keys
        )
        report = verify_sites(sites, reader, pause=lambda: None)
    assert named(report) == {("damaged", "primary", key)}
    assert "cannot be read" in report.findings[0].detail


def test_a_site_that_goes_away_meanwhile_is_unavailable_and_not_full_of_gaps(lab: Lab) -> None:
    with lab.open() as archive:
        last = lab.keys()[-1]

        def away() -> None:
            shutil.rmtree(lab.root("primary"))

        sites = {
            "primary": BadSector(archive.sites["primary"], last, away),
            "standby": archive.sites["standby"],
        }
        reader = ObjectReader(
            sites, archive=archive.settings.archive, parquet=archive.parquet, keys=archive.keys
        )
        report = verify_sites(sites, reader, pause=lambda: None)
    assert named(report) == {("unavailable", "primary", "")}


def test_one_site_alone(lab: Lab) -> None:
    key = lab.keys(kind="events")[1]
    lab.drop("standby", key)
    assert lab.verify(sites=["primary"]).whole
    assert named(lab.verify(sites=["standby"])) == {("missing", "standby", key)}
    with pytest.raises(NotFound):
        lab.verify(sites=["tertiary"])


def test_all_shares_together_read_everything_and_each_sees_what_is_missing(lab: Lab) -> None:
    damaged, lost = lab.keys(kind="messages")[2], lab.keys(kind="events")[5]
    large = lab.keys(family="large")[0]
    lab.flip("primary", damaged)
    lab.flip("standby", large)
    lab.drop("standby", lost)
    found = [named(lab.verify(subset=Subset(number, 4))) for number in range(1, 5)]
    assert set.union(*found) == {
        ("damaged", "primary", damaged),
        ("damaged", "standby", large),
        ("missing", "standby", lost),
    }
    assert all(("missing", "standby", lost) in part for part in found)


def test_a_share_reads_a_part(lab: Lab) -> None:
    whole = lab.verify()
    parts = [lab.verify(subset=Subset(number, 3)) for number in (1, 2, 3)]
    assert all(part.whole and part.bytes < whole.bytes for part in parts)
    assert all(part.objects == whole.objects for part in parts)


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "1/0", "-1/3", "1/3/5", "1/10000000"])
def test_bad_shares_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Subset.parse(text)


def test_archive_of_another_home_is_unavailable(lab: Lab, other: Lab) -> None:
    shutil.rmtree(lab.root("primary"))
    shutil.copytree(other.home / "sites/primary", lab.root("primary"))
    assert named(lab.verify()) == {("unavailable", "primary", "")}
