"""``vanvault keys unwrap`` for a whole result: the keys of exactly its objects, told first, and on record."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from tests.support.archives import Node, event, message
from tests.support.command import json_of, run_cli
from tests.support.living import copy_present
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Item, Query
from vanvault.archiver.core.model import Metadata
from vanvault.archiver.upkeep import compact

WHY = ("--reason", "thanh tra 12/2026")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments and some batches; employer TA has messages in the first segment and in the batches."""
    path = tmp_path_factory.mktemp("unwrapped") / "home"
    init_home(path)
    with Archive.open(path) as archive:
        for turn, employers in enumerate((("TA", "TB"), ("TB", "TC"), ("TA", "TC"))):
            with Node(archive) as node:
                node.wait_ready()
                drafts: list[Any] = [
                    message(
                        f"m{turn}-{code}", f"<x>{code}{turn}</x>".encode(), given=Metadata(employer_code=code)
                    )
                    for code in employers
                ]
                node.submit([*drafts, event(f"e{turn}")])
            archive.catch_up()
            if turn < 2:
                compact(archive, until=archive.clock.now())
    return path


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home", copy_function=copy_present)
    return tmp_path / "home"


@pytest.fixture
def archive(made: Path) -> Iterator[Archive]:
    with Archive.open(made) as archive:
        yield archive


def items(archive: Archive, **filters: str) -> list[Item]:
    return list(archive.search.every(Query(filters=filters)))


def bundle(home: Path, output: Path, *words: object) -> dict[str, Any]:
    done = run_cli(home, "keys", "unwrap", *words, "--yes", *WHY, "--output", output)
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(output.read_bytes())
    return found


def rows(home: Path, opened: dict[str, Any]) -> list[dict[str, Any]]:
    """What a stranger reads of one object with its key."""
    with Archive.open(home) as archive:
        data = archive.sites["primary"].get(opened["object"])
    path = home.parent / "object.parquet"
    path.write_bytes(data)
    properties = pe.create_decryption_properties(footer_key=base64.b64decode(opened["key_base64"]))
    with pq.ParquetFile(path, decryption_properties=properties) as file:
        found: list[dict[str, Any]] = file.read(use_threads=False).to_pylist()
    return found


def test_the_keys_open_exactly_the_objects_that_hold_the_result(
    home: Path, archive: Archive, tmp_path: Path
) -> None:
    found = bundle(home, tmp_path / "keys.json", "--employer-code", "TA")
    kinds = [one["object"].split("/")[0] + "." + one["object"].split(".")[1] for one in found["opens"]]
    assert sorted(kinds) == ["batch.messages", "segment.log", "segment.originals"]
    assert (found["format"], found["entries"], found["objects"]) == ("vanvault-keys-v1", 2, 3)
    read = [row for one in found["opens"] for row in rows(home, one)]
    codes = {row["employer_code"] for row in read if row.get("employer_code")}
    assert codes == {"TA", "TB", "TC"}, "keys open whole objects"
    assert {item["object"] for item in items(archive, employer_code="TA")} <= {
        one["object"] for one in found["opens"]
    }
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_what_the_keys_open_beyond_the_result_is_told(home: Path, tmp_path: Path) -> None:
    for one in bundle(home, tmp_path / "keys.json", "--employer-code", "TA")["opens"]:
        read = rows(home, one)
        assert one["entries"] == len(read)
        assert one["of_result"] == 1
        assert one["beyond"] == len(read) - 1 == sum(one["beyond_gateways"].values())
        if read[0].get("gateway"):
            others = [row["gateway"] for row in read if row["employer_code"] != "TA"]
            assert one["beyond_gateways"] == {name: others.count(name) for name in set(others)}


def test_rows_only_gives_no_key_of_a_segments_originals(home: Path, tmp_path: Path) -> None:
    found = bundle(home, tmp_path / "keys.json", "--employer-code", "TA", "--rows-only")
    assert not any(".originals." in one["object"] for one in found["opens"])
    assert any(".log." in one["object"] for one in found["opens"])


def test_a_list_of_ids_is_a_result(home: Path, archive: Archive, tmp_path: Path) -> None:
    wanted = items(archive, employer_code="TB")[0]
    listed = tmp_path / "ids.txt"
    listed.write_text(f"# of the letter\n\n{wanted['id']}\n{wanted['id']}\n", encoding="utf-8-sig")
    found = bundle(home, tmp_path / "keys.json", "--ids", listed)
    assert found["entries"] == 1
    assert wanted["object"] in {one["object"] for one in found["opens"]}
    listed.write_text("0000000000000000-0-0\n")
    words = ("keys", "unwrap", "--ids", listed, "--yes", *WHY, "--output", tmp_path / "other.json")
    assert run_cli(home, *words).exit_code == 4
    assert not (tmp_path / "other.json").exists()


def test_without_yes_it_says_what_it_would_open_and_gives_no_key(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "keys.json"
    done = run_cli(home, "keys", "unwrap", "--employer-code", "TA", *WHY, "--output", output, "--json")
    assert done.exit_code == 2
    told = json.loads(done.stdout.splitlines()[0])
    assert (told["entries"], told["objects"], len(told["opens"])) == (2, 3, 3)
    assert "key_base64" not in done.stdout + done.stderr
    assert not output.exists()
    looks = json_of(run_cli(home, "access", "list", "--json"))["looks"]
    assert [look["act"] for look in looks if look["act"] != "access"] == ["count"]
    assert "beyond" in run_cli(home, "keys", "unwrap", "--employer-code", "TA", *WHY).stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--employer-code", "TA"),  # no reason
        ("batch/x", "--employer-code", "TA", *WHY),
        ("batch/x", "--rows-only", *WHY),
    ],
)
def test_what_names_no_result_or_no_reason_is_refused(
    home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert run_cli(home, "keys", "unwrap", *words, "--yes", "--output", tmp_path / "k").exit_code == 2
    assert not (tmp_path / "k").exists()


def test_nothing_found_is_no_bundle_and_a_bundle_replaces_nothing(home: Path, tmp_path: Path) -> None:
    words = ("keys", "unwrap", "--employer-code", "TZ", "--yes", *WHY, "--output", tmp_path / "k")
    assert run_cli(home, *words).exit_code == 4
    (tmp_path / "k").write_text("mine")
    assert run_cli(home, *words).exit_code == 5
    assert (tmp_path / "k").read_text() == "mine"


def test_the_archives_own_entries_are_asked_for_by_name(home: Path, tmp_path: Path) -> None:
    found = bundle(home, tmp_path / "a.json", "--entry", "event")
    assert found["entries"] == 3
    assert found["own_left_out"] > 0
    own = bundle(home, tmp_path / "b.json", "--entry", "event", "--gateway", "vanvault")
    assert own["entries"] >= found["own_left_out"]


def test_the_look_names_the_result_and_every_object_that_was_opened(home: Path, tmp_path: Path) -> None:
    found = bundle(home, tmp_path / "keys.json", "--employer-code", "TA")
    (look,) = json_of(run_cli(home, "access", "list", "--act", "unwrap", "--json"))["looks"]
    assert (look["count"], len(look["shown"]), look["purpose"]) == (2, 2, WHY[1])
    assert look["asked"] == {"employer_code": "TA"}
    assert look["objects"] == [one["object"] for one in found["opens"]]


def test_who_could_read_a_message_or_an_employer_beyond_the_result_is_found(
    home: Path, tmp_path: Path
) -> None:
    """TB has a message in the segment that was opened, and TC one in the batch; m1-TC lies in neither."""
    bundle(home, tmp_path / "keys.json", "--employer-code", "TA")

    def seen(*words: str) -> list[str]:
        return [look["act"] for look in json_of(run_cli(home, "access", "list", *words, "--json"))["looks"]]

    assert seen("--message", "m0-TB") == ["unwrap"]
    assert seen("--message", "m2-TC") == ["unwrap"]
    assert seen("--message", "m1-TC") == []
    assert "unwrap" in seen("--employer", "TB")


def test_a_key_of_originals_shown_alone_is_found_by_a_message_in_them(home: Path, archive: Archive) -> None:
    part = next(v.key for v in archive.sites["primary"].list("segment/") if ".originals." in v.key)
    json_of(run_cli(home, "keys", "unwrap", part, "--yes", "--json"))
    segment = part.split("/")[1]
    inside = next(item for item in items(archive, entry="message") if item["segment"] == segment)
    outside = next(item for item in items(archive, entry="message") if item["segment"] != segment)
    for item, count in ((inside, 1), (outside, 0)):
        shown = json_of(run_cli(home, "access", "list", "--message", item["message_id"], "--json"))
        assert len(shown["looks"]) == count
