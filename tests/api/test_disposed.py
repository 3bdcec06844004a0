"""What was disposed of answers 410 and names its certificate, to who asks and to who sends it again."""

from __future__ import annotations

from pathlib import Path

from tests.api.conftest import check_problem
from tests.support.server import Server, push
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.upkeep import compact
from vanvault.archiver.upkeep.residue import Disposed, write_residue

DISPOSAL = "d-0123456789abcdef"


def test_it_is_gone_and_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        first, second = (push(client, name, name.encode()).json() for name in ("m-1", "m-2"))
    with Archive.open(home) as archive:
        archive.catch_up()
        compact(archive, until=archive.clock.now())
        segments = [
            one
            for one in archive.catalogue.segments()
            if first["id"] in {row["id"] for row in archive.locator.rows(one)}
        ]
        write_residue(
            archive, segments, [Disposed(first["id"], "entry", "QD08-2015/5", 1)], disposal=DISPOSAL
        )
    with Server(home) as server, server.wait_ready().client(token) as client:
        one = first["id"]
        for path in (f"messages/{one}", f"messages/{one}/original", f"receipts/{one}"):
            problem = check_problem(client.get(f"/v1/{path}"), 410, "disposed")
            assert (problem["certificate"], len(problem["on"])) == (DISPOSAL, len("2037-01-02"))
        for body in (b"m-1", b"other bytes"):
            check_problem(push(client, "m-1", body), 410, "disposed")
        assert client.get(f"/v1/messages/{second['id']}/original").content == b"m-2"
        (item,) = client.get("/v1/search", params={"message_id": "m-1"}).json()["items"]
        assert (item["entry"], item["disposed"]["certificate"]) == ("disposed", DISPOSAL)
