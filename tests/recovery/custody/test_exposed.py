"""What a disclosed master key or data key opens: every entry of it, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from tests.support.compacted import CompactedLab
from tests.support.lab import Lab, event, message
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import parse_rfc3339, to_us
from vanvault.recovery.custody import ExposedEntry, ExposedRequest, exposed


def listed(lab: Lab, **fields: object) -> list[ExposedEntry]:
    found: list[ExposedEntry] = []
    with lab.open() as archive:
        report = exposed(archive, ExposedRequest("operator", **fields), found.append)  # type: ignore[arg-type]
    assert len(found) == report.messages + report.events == sum(report.by_day.values())
    assert len({one.id for one in found}) == len(found)
    return found


def every(lab: Lab) -> dict[str, str]:
    """Id of every entry -> message or event, as a search finds them."""
    with lab.open() as archive:
        archive.catch_up()
        return {item["id"]: item["entry"] for item in archive.search.every(Query())}


@pytest.fixture(params=["batches", "segments"])
def any_lab(request: pytest.FixtureRequest) -> Lab:
    name = {"batches": "lab", "segments": "compacted"}[request.param]
    found: Lab = request.getfixturevalue(name)
    return found


def test_the_first_masters_open_everything(any_lab: Lab) -> None:
    before = every(any_lab)
    messages = {entry for entry, kind in before.items() if kind == "message"}
    opened = listed(any_lab, master="originals/1")
    assert {one.id for one in opened} >= messages
    assert {one.what for one in opened if one.entry == "message"} == {"original"}
    events = {one.id for one in listed(any_lab, master="log/1") if one.entry == "event"}
    assert events >= {entry for entry, kind in before.items() if kind == "event"}


def test_after_a_rotation_only_what_came_later_is_opened_by_the_new_master(any_lab: Lab) -> None:
    old = {one.id for one in listed(any_lab, master="originals/1")}
    with any_lab.open() as archive:
        assert archive.keys.rotate("originals") == "originals/2"
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 9000), event(archive, 9000)])
        writer.close()
    (new,) = listed(any_lab, master="originals/2")
    assert (new.entry, new.what, new.gateway) == ("message", "original", "gateway-1")
    assert new.id not in old
    assert {one.id for one in listed(any_lab, master="originals/1")} == old


def test_a_large_object_under_an_old_master_exposes_its_message(lab: Lab) -> None:
    (first, *_) = lab.keys(family="large")
    opened = listed(lab, object=first)
    assert len(opened) == 1
    assert opened[0].what == "original"


def test_a_data_key_opens_the_entries_of_its_object_alone(any_lab: Lab) -> None:
    key = any_lab.keys(kind="messages")[0]
    writer, sequence = key.split("/")[1], int(key.split("/")[2].split("-")[0])
    assert {one.id.rsplit("-", 1)[0] for one in listed(any_lab, object=key)} == {f"{writer}-{sequence}"}


def test_the_log_of_a_segment_opens_metadata_and_no_originals(compacted: CompactedLab) -> None:
    for kind, what in (("log", {"row"}), ("originals", {"original"})):
        part = compacted.keys(kind=kind)[0]
        opened = listed(compacted, object=part)
        assert {one.what for one in opened} == what
        assert len(opened) > 3


def test_it_is_on_record_before_it_is_answered_and_names_no_business_data(lab: Lab) -> None:
    report = json_of(run_cli(lab.home, "keys", "exposed", "--key", "originals/1", "--json"))
    assert report["entries"] == report["messages"] == sum(report["gateways"].values())
    assert report["unreadable"] == 0
    assert set(report["gateways"]) == {"gateway-1"}
    assert "TZ0001Z" not in json.dumps(report)
    found = json_of(run_cli(lab.home, "search", "--type", "vanvault.keys.exposed", "--json"))
    assert SYSTEM_GATEWAY in str(found)
    assert "originals/1" in str(found)


def test_the_list_has_a_line_for_each_entry_within_the_times(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "exposed.ndjson"
    options = ("--from", "2020-01-01T00:00:00Z", "--to", "2090-01-01T00:00:00Z", "--list", path, "--json")
    report = json_of(run_cli(lab.home, "keys", "exposed", "--key", "originals/1", *options))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == report["entries"]
    assert set(lines[0]) == {"id", "entry", "gateway", "day", "what"}
    early = ("--to", "2021-01-01T00:00:00Z")
    assert json_of(run_cli(lab.home, "keys", "exposed", "--key", "log/1", *early, "--json"))["entries"] == 0


def test_a_time_begins_with_its_first_moment_and_ends_before_its_last(any_lab: Lab) -> None:
    with any_lab.open() as archive:
        archive.catch_up()
        items = list(archive.search.every(Query({"message_id": "message-12"})))
    (item,) = items
    at_us = to_us(parse_rfc3339(item["received_at"]))

    def ids(from_us: int, to_us: int) -> set[str]:
        return {one.id for one in listed(any_lab, master="originals/1", from_us=from_us, to_us=to_us)}

    assert ids(at_us, at_us + 1) == {item["id"]}
    assert ids(at_us - 1, at_us) == ids(at_us + 1, at_us + 2) == set()


@pytest.mark.parametrize("both", [True, False], ids=["both sites", "one site"])
def test_a_site_that_names_another_master_hides_nothing(lab: Lab, *, both: bool) -> None:
    """Somebody at the primary site puts a version on top that says that another master wrapped it."""
    before = {one.id for one in listed(lab, master="originals/1")}
    for key in lab.keys(kind="messages"):
        true = lab.data("primary", key)
        assert true.count(b"originals/1") == 1
        lab.add("primary", key, true.replace(b"originals/1", b"originals/7"))
        if not both:
            lab.drop("standby", key)
    assert {one.id for one in listed(lab, master="originals/1")} >= before
    assert not before & {one.id for one in listed(lab, master="originals/7")}


@pytest.mark.parametrize(
    "fields", [{}, {"master": "log/1", "object": "x"}, {"master": "index/1"}, {"object": "x"}]
)
def test_a_question_that_cannot_be_answered_is_refused(lab: Lab, fields: dict[str, str]) -> None:
    with lab.open() as archive, pytest.raises(InvalidInput):
        exposed(archive, ExposedRequest("operator", **fields))
