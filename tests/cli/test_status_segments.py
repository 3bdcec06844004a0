"""What ``vanvault status`` says of segments, and of batches that no segment holds."""

from __future__ import annotations

from tests.support.command import NOWHERE, json_of, run_cli
from tests.support.compacted import AFTER_LOCKS, CompactedLab
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.upkeep import look_at_locks
from vanvault.cli.status import lines_of
from vanvault.recovery.status import status


def test_segments_their_rows_and_what_is_not_compacted_are_counted(compacted: CompactedLab) -> None:
    lab = compacted
    found = json_of(run_cli(lab.home, "status", "--url", NOWHERE, "--json"))["segments"]
    manifests = [lab.manifest(number) for number in (0, 1)]
    loose = set(lab.keys(family="batch")) - set(lab.compacted())
    assert (found["segments"], found["rows"]) == (2, sum(one.rows for one in manifests))
    assert found["uncompacted"] == len(loose)
    text = run_cli(lab.home, "status", "--url", NOWHERE).stdout
    assert f"2 with {found['rows']} rows" in text
    assert f"{len(loose)} batches" in text


def test_uncompacted_batches_about_to_lose_their_lock_are_named_and_nothing_is_extended(
    compacted: CompactedLab,
) -> None:
    lab = compacted
    with lab.open() as archive:
        assert look_at_locks(archive).alarms == ()
    lab.clock.moment += AFTER_LOCKS
    loose = set(lab.keys(family="batch")) - set(lab.compacted())
    with lab.open() as archive:
        for _ in range(2):
            found = status(archive).as_json()["segments"]
            assert {(held["site"], held["batch"]) for held in found["alarms"]} == {
                (site, key) for site in ("primary", "standby") for key in loose
            }
            assert all(held["locked_until"].startswith("2027-01") for held in found["alarms"])
        lines = [line for line in lines_of(status(archive).as_json() | SERVER) if loose_in(line[1])]
    assert len(lines) == min(10, 2 * len(loose))
    lab.keep()
    with lab.open() as archive:
        assert status(archive).as_json()["segments"]["alarms"] == []


SERVER = {
    "server": {"url": NOWHERE, "ready": False, "detail": ""},
    "health": {"from": "look", "sites": []},
}


def loose_in(text: object) -> bool:
    return isinstance(text, str) and parse_key(text.partition(" ")[0]) is not None
