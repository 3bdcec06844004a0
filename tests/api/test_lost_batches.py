"""404 means that the archive does not hold it: never said of what lies in a batch that no site gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.api.conftest import check_problem
from tests.support.archives import SITES
from tests.support.command import run_cli, vanvault
from tests.support.lab import Lab
from tests.support.server import Server, push
from vanvault.archiver.appliance import init_home


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def truncate(path: Path) -> None:
    Lab.overwrite(path, b"")


def test_an_entry_of_a_batch_that_is_lost_at_both_sites_is_no_404(tmp_path: Path) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    with Server(home) as server, server.wait_ready().client(token) as client:
        fields = {"Vanvault-Transaction-Id": "t-1"}
        receipts: list[dict[str, Any]] = [push(client, f"m-{n}", b"<x/>", **fields).json() for n in range(4)]
        assert server.stop() == 0
    for receipt, harm in zip(receipts[:3], (replace_by_folder, replace_by_loop, truncate), strict=True):
        for site in SITES:
            (path,) = Lab(home).files(site, receipt["object"])
            harm(path)
    for file in (home / "cache").glob("*.sqlite*"):
        file.unlink()
    with Server(home) as server, server.wait_ready().client(token) as client:
        for receipt in receipts[:3]:
            for route in ("messages/{}", "messages/{}/original", "receipts/{}"):
                answer = client.get("/v1/" + route.format(receipt["id"]))
                check_problem(answer, 503, "batch-lost")
                assert int(answer.headers["Retry-After"]) > 0
        for route in ("search?message_id=m-0", "search", "histogram", "transactions/t-1"):
            reasons = [one["reason"] for one in client.get(f"/v1/{route}").json()["unread"]]
            assert sorted(reasons) in (["damaged", "missing"], ["damaged", "missing", "missing"]), route
        assert client.get(f"/v1/messages/{receipts[3]['id']}").status_code == 200
        check_problem(client.get(f"/v1/messages/{receipts[3]['id'][:-1]}7"), 404, "not-found")
        assert server.stop() == 0
    ended = run_cli(home, "get", receipts[0]["id"])
    assert ended.exit_code == 3, ended.stderr
    assert "nobody can say" in ended.stderr
    found = vanvault(home, "search", "--message-id", "m-0")
    assert [one["reason"] for one in found["unread"]].count("damaged") == 1
