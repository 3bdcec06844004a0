"""A legal hold laid on an object with the means of the store itself: hits say so, and all else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.s3.homes import Insider, S3Home, make_home
from tests.servers.endpoint import Endpoint
from tests.support.archives import SITES, Node, message
from tests.support.command import vanvault


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minio_pair: tuple[Endpoint, Endpoint]
) -> Iterator[S3Home]:
    """At the standby VanVault has just the rights of each duty; three messages, each in its own batch."""
    sites = dict(zip(SITES, minio_pair, strict=True))
    made = make_home(tmp_path, sites, monkeypatch, least_privilege=("standby",))
    with made.archive() as archive, Node(archive) as node:
        node.wait_ready()
        for number in range(3):
            node.push(message(f"m-{number}", b"<dossier/>" * 50))
    yield made


def lay(insider: Insider, key: str, status: str) -> None:
    insider.client.put_object_legal_hold(Bucket=insider.bucket, Key=key, LegalHold={"Status": status})


def hits(home: S3Home) -> dict[str, dict[str, object]]:
    """As a new process finds them: it knows no answers of before."""
    found = vanvault(home.path, "search", "--entry", "message")
    assert found["partial"] is False
    return {item["message_id"]: item for item in found["items"]}


@pytest.mark.parametrize("site", SITES)
def test_a_hit_says_that_it_is_held(home: S3Home, site: str) -> None:
    insider = home.insiders[site]
    before = hits(home)
    assert {item["held"] for item in before.values()} == {False}
    key = str(before["m-1"]["object"])
    lay(insider, key, "ON")
    try:
        found = hits(home)
        assert {name: item["held"] for name, item in found.items()} == {
            "m-0": False,
            "m-1": True,
            "m-2": False,
        }
        shown = vanvault(home.path, "get", found["m-1"]["id"])
        assert {name: shown[name] for name in found["m-1"]} == found["m-1"]
        assert [stored.held for stored in home.versions(site, key)] == [True]
        # Nothing else minds the hold: locks are extended, everything is whole.
        with home.archive() as archive:
            stored = archive.sites[site].stat(key)
            assert stored.retain_until is not None
            until = stored.retain_until + timedelta(hours=12)
            later = archive.sites[site].extend(key, stored.version, until)
            assert (later.retain_until, later.held) == (until, True)
        report = vanvault(home.path, "verify")
        assert (report["whole"], report["findings"]) == (True, [])
        assert vanvault(home.path, "compact")["damaged"] == []
        verified = hits(home)["m-1"]
        assert verified["verified_at"] is not None
    finally:
        lay(insider, key, "OFF")
    assert {item["held"] for item in hits(home).values()} == {False}
