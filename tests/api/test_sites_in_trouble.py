"""A site that is full, read-only or gone while the node runs: clear refusals, nothing acknowledged that is
not stored, and the node goes on by itself when the site is back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.conftest import check_problem
from tests.support.archives import SITES
from tests.support.server import Server, push, push_until_accepted
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive, init_home


def check_whole(home: Path, bodies: dict[str, bytes]) -> None:
    with Archive.open(home) as archive:
        entries = read_entries(archive)
    assert {key[2]: data for key, data in entries.items() if key[1] == "gateway-1"} == bodies


@pytest.mark.parametrize("site", SITES)
def test_a_site_folder_is_removed_and_comes_back(tmp_path: Path, site: str) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    folder, aside = home / "sites" / site, tmp_path / "aside"
    with Server(home) as server, server.wait_ready().client(token) as client:
        before = push(client, "before", b"<before/>").json()
        folder.rename(aside)
        problem = check_problem(push(client, "while gone", b"<while/>"), 503, "site-unavailable")
        assert problem["site"] == site
        assert problem["hint"]
        assert client.get(f"/v1/messages/{before['id']}/original").content == b"<before/>"
        again = push(client, "before", b"<before/>")  # what is archived has its receipt, site or no site
        assert (again.status_code, again.json()) == (200, before)
        ready = client.get("/v1/health/ready")
        assert ready.status_code in (200, 503)
        aside.rename(folder)
        assert push_until_accepted(client, "while gone", b"<while/>").status_code in (200, 201)
        assert push(client, "before", b"<before/>").json() == before
        assert server.stop() == 0
    check_whole(home, {"before": b"<before/>", "while gone": b"<while/>"})


@contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[None]:
    """A small file system of its own at ``folder``; skips where this process may not mount one."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


@pytest.mark.parametrize("site", SITES)
def test_a_disk_that_is_full(tmp_path: Path, site: str) -> None:
    home = tmp_path / "home"
    with tmpfs(home / "sites" / site, "size=1m"):
        token = init_home(home)
        bodies: dict[str, bytes] = {}
        with Server(home) as server, server.wait_ready().client(token) as client:
            while True:
                message_id, body = f"m-{len(bodies)}", os.urandom(100_000)
                bodies[message_id] = body
                answer = push(client, message_id, body)
                if answer.status_code != 201:
                    break
            problem = check_problem(answer, 503, "site-full")
            assert (problem["site"], problem["may_be_stored"]) == (site, True)  # at the other site
            assert f"site {site} has no room left" in problem["detail"]
            assert "Free or add space" in problem["hint"]
            remount(home / "sites" / site, "size=8m")
            assert push_until_accepted(client, message_id, body).status_code in (200, 201)
            assert server.stop() == 0
        check_whole(home, bodies)


@pytest.mark.parametrize("site", SITES)
def test_a_disk_that_is_read_only(tmp_path: Path, site: str) -> None:
    home = tmp_path / "home"
    with tmpfs(home / "sites" / site, "size=8m"):
        token = init_home(home)
        with Server(home) as server, server.wait_ready().client(token) as client:
            push(client, "before", b"<before/>")
            remount(home / "sites" / site, "ro")
            problem = check_problem(push(client, "read-only", b"<ro/>"), 503, "site-unavailable")
            assert problem["site"] == site
            assert "read-only" in problem["hint"]
            remount(home / "sites" / site, "rw")
            assert push_until_accepted(client, "read-only", b"<ro/>").status_code in (200, 201)
            assert server.stop() == 0
        check_whole(home, {"before": b"<before/>", "read-only": b"<ro/>"})
