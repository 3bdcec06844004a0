"""Archives that earlier versions wrote are read by this one, and damage to them is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.golden.make import FIRST, LARGE, SECOND, STARTED
from tests.support.archives import Node, message
from tests.support.clocks import ManualClock
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive, credentials_master
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.core.model import MessageDraft
from vanvault.archiver.core.ports import Ports
from vanvault.recovery.verify import verify_archive

GOLDEN = Path(__file__).parent / "v1"
RECEIPTS: dict[str, dict[str, Any]] = json.loads((GOLDEN / "receipts.json").read_text())
ORIGINALS = {draft.message_id: draft.body for draft in (*FIRST, *SECOND) if isinstance(draft, MessageDraft)}
ORIGINALS["m-3"] = LARGE


@dataclass(frozen=True)
class Copy:
    """A copy of the golden home, that a test may write to and harm."""

    home: Path
    clock: ManualClock

    def open(self) -> Archive:
        return Archive.open(self.home, ports=Ports.under(self.clock))

    def objects(self, site: str, pattern: str = "*") -> list[Path]:
        """The files of a site's versions, by key."""
        folder = self.home / "sites" / site / "objects"
        return sorted(path for path in folder.rglob(pattern) if path.is_file())


@pytest.fixture
def golden(tmp_path: Path) -> Iterator[Copy]:
    """Permissions and empty folders are what no version control keeps."""
    home = tmp_path / "home"
    shutil.copytree(GOLDEN / "home", home)
    (home / "keys").chmod(0o700)
    for key in (home / "keys").iterdir():
        key.chmod(0o644 if key.name.endswith(".pub.pem") else 0o600)
    for site in ("primary", "standby"):
        (home / "sites" / site / "tmp").mkdir()
    yield Copy(home, ManualClock(STARTED + timedelta(days=3)))


def test_every_byte_is_read(golden: Copy) -> None:
    with golden.open() as archive:
        entries = read_entries(archive)
        report = verify_archive(archive)
    assert {key[2]: data for key, data in entries.items() if key[0] == "message"} == ORIGINALS
    assert {key[2] for key in entries if key[:2] == ("event", "gateway-1")} == {"e-1", "e-2"}
    assert (report.whole, report.findings) == (True, ())
    assert report.messages == len(ORIGINALS)


def test_it_gets_a_master_of_credentials_which_came_later(golden: Copy) -> None:
    with golden.open() as archive:
        assert archive.keys.versions("credentials") == []
        assert credentials_master(archive, "op") == "credentials/1"
        assert archive.keys.active("credentials") == "credentials/1"


def test_every_receipt_is_given_again(golden: Copy) -> None:
    with golden.open() as archive:
        archive.catch_up()
        for receipt in RECEIPTS.values():
            assert orjson.dumps(archive.receipts.of(receipt["id"])) == orjson.dumps(receipt)
            verify_receipt(receipt, archive.signing.public)


def test_metadata_is_found(golden: Copy) -> None:
    with golden.open() as archive:
        archive.catch_up()
        item = archive.search.entry(RECEIPTS["m-1"]["id"])
        assert (item["agency"], item["insurance_numbers"]) == (
            "Bảo hiểm xã hội Quận 1",
            ["7912345678", "7900000001"],
        )
        assert [found["entry"] for found in archive.search.timeline("t-1").items].count("event") == 2


def test_it_can_be_written_on(golden: Copy) -> None:
    """This version goes on where the old one stopped."""
    with golden.open() as archive:
        with Node(archive) as node:
            node.wait_ready()
            assert node.push(FIRST[0]) == RECEIPTS["m-1"]
            node.push(message("new", b"<new/>"))
        assert verify_archive(archive).whole
        assert ("message", "gateway-1", "new") in read_entries(archive)


# -- damage ---------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    rewrite(path, bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o640)
    path.write_bytes(data)


def a_flipped_bit(golden: Copy) -> None:
    flip(golden.objects("primary", "0000000001*.messages.*")[0])


def a_flipped_bit_in_the_large_object(golden: Copy) -> None:
    flip(golden.objects("standby", "*.framed*")[0])


def a_cut_object(golden: Copy) -> None:
    path = golden.objects("primary", "*.events.*")[0]
    rewrite(path, path.read_bytes()[:-1])


def an_empty_object(golden: Copy) -> None:
    rewrite(golden.objects("primary")[0], b"")


def two_objects_swapped(golden: Copy) -> None:
    one, two = golden.objects("primary", "*.messages.*")[:2]
    first, second = one.read_bytes(), two.read_bytes()
    rewrite(one, second)
    rewrite(two, first)


def an_object_missing_at_one_site(golden: Copy) -> None:
    golden.objects("primary")[2].unlink()


def an_object_missing_within_a_chain(golden: Copy) -> None:
    for site in ("primary", "standby"):
        golden.objects(site, "0000000002*")[0].unlink()


def the_end_of_a_crashed_chain_missing(golden: Copy) -> None:
    """Its own objects do not tell; the next writer's do."""
    for site in ("primary", "standby"):
        golden.objects(site, "0000000003*.messages.*")[0].unlink()


def a_large_object_missing(golden: Copy) -> None:
    for site in ("primary", "standby"):
        golden.objects(site, "*.framed*")[0].unlink()


def a_foreign_file(golden: Copy) -> None:
    (golden.home / "sites" / "primary" / "objects" / "batch" / "note.txt").write_text("x")


def a_plain_file_in_place_of_an_object(golden: Copy) -> None:
    """Who can write to a site but holds no key cannot add a batch."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["forged"]}), sink)
    rewrite(golden.objects("primary", "*.messages.*")[0], sink.getvalue().to_pybytes())


def a_lock_that_ends_too_soon(golden: Copy) -> None:
    path = golden.objects("standby")[0]
    stem, _, _ = path.name.rpartition("-")
    path.rename(path.with_name(f"{stem}-20270101T000000Z"))


def a_missing_key(golden: Copy) -> None:
    (golden.home / "keys" / "originals-1.key").unlink()


#: What is harmed, and the problems that verification names.
DAMAGE: list[tuple[Callable[[Copy], None], set[str]]] = [
    (a_flipped_bit, {"damaged"}),
    (a_flipped_bit_in_the_large_object, {"damaged"}),
    (a_cut_object, {"damaged"}),
    (an_empty_object, {"damaged"}),
    (two_objects_swapped, {"swapped"}),
    (an_object_missing_at_one_site, {"missing"}),
    (an_object_missing_within_a_chain, {"missing"}),
    (the_end_of_a_crashed_chain_missing, {"missing"}),
    (a_large_object_missing, {"missing"}),
    (a_foreign_file, {"extra"}),
    (a_plain_file_in_place_of_an_object, {"damaged"}),
    (a_lock_that_ends_too_soon, {"lock"}),
    (a_missing_key, {"key"}),
]


@pytest.mark.parametrize(("harm", "problems"), DAMAGE, ids=[harm.__name__ for harm, _ in DAMAGE])
def test_damage_is_named(golden: Copy, harm: Callable[[Copy], None], problems: set[str]) -> None:
    harm(golden)
    with golden.open() as archive:
        report = verify_archive(archive)
    assert not report.whole
    assert {finding.problem for finding in report.findings if finding.failing} == problems


#: Damage at one site alone, through which every original is still read.
SURVIVED = [
    a_flipped_bit,
    a_flipped_bit_in_the_large_object,
    a_cut_object,
    an_empty_object,
    two_objects_swapped,
    an_object_missing_at_one_site,
    a_foreign_file,
    a_plain_file_in_place_of_an_object,
]


@pytest.mark.parametrize("harm", SURVIVED, ids=[harm.__name__ for harm in SURVIVED])
def test_one_good_site_is_enough_to_read(golden: Copy, harm: Callable[[Copy], None]) -> None:
    with golden.open() as archive:
        archive.catch_up()
        harm(golden)
        for client_id, receipt in RECEIPTS.items():
            if "message_id" in receipt:
                item = archive.search.entry(receipt["id"])
                original = archive.original(item)
                assert original == ORIGINALS[client_id]
