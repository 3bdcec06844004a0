"""Beside a receipt stands which segment holds the rows of an object that was cleared; its bytes stay."""

from __future__ import annotations

from pathlib import Path

from tests.support.archives import SITES
from tests.support.lab import Lab
from tests.support.server import Server, push
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.upkeep import compact


def test_headers_of_a_receipt_say_where_its_object_went(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        entry = push(client, "m-1", b"m-1").json()["id"]
    with Archive.open(home) as archive:
        archive.catch_up()
        compact(archive, until=archive.clock.now())
        (segment,) = {
            one.manifest.segment
            for one in archive.catalogue.segments()
            if entry in {row["id"] for row in archive.locator.rows(one)}
        }
    with Server(home) as server, server.wait_ready().client(token) as client:
        before = client.get(f"/v1/receipts/{entry}")
        assert before.status_code == 200
        assert not [name for name in before.headers if name.startswith("vanvault-cleared")]
        lab, key = Lab(home), before.json()["object"]
        for gone in (SITES[1:], SITES):
            for site in gone:
                if lab.all_files(site, key):
                    lab.drop(site, key)  # as a disposer does, months later
            after = client.get(f"/v1/receipts/{entry}")
            assert after.content == before.content
            assert after.headers["Vanvault-Cleared-Into"] == segment
            assert after.headers["Vanvault-Cleared-At"] == ", ".join(gone)
