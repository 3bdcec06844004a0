"""``vanvault reconcile``: level sites, lags, conflicts, and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.support.archives import SITES
from tests.support.command import run_cli
from tests.support.lab import message
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.model import Draft
from vanvault.recovery.work import account


def write(archive: Archive, drafts: list[Draft]) -> list[str]:
    """Commit drafts through a writer of their own; the key of the first object."""
    writer, opened = archive.open_writer()
    try:
        degraded = archive.policy.may_degrade()
        committed = writer.commit(drafts, degraded=degraded)
        event = archive.system_event("writer.closed", {})
        closed = writer.commit([event], final=True, degraded=degraded)
    finally:
        writer.close()
    return [batch.folded.key for batch in (*opened, *committed, *closed)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home")
    return tmp_path / "home"


def told(result: Result) -> Any:
    """The one JSON value on stdout, whatever the exit code."""
    return json.loads(result.stdout)


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_lacks_objects_is_brought_level(home: Path, site: str) -> None:
    with Archive.open(home) as archive:
        write(archive, [message(archive, 1), message(archive, 2)])
    aside = home / "aside"
    shutil.copytree(home / "sites" / site, aside)
    with Archive.open(home) as archive:
        more = write(archive, [message(archive, 3)])
    shutil.rmtree(home / "sites" / site)
    aside.rename(home / "sites" / site)

    dry = run_cli(home, "reconcile", "--dry-run", "--json")
    assert dry.exit_code == 3
    found = told(dry)
    assert (found["level"], found["copied"]["objects"]) == (False, 0)
    assert found["lag"][site]["objects"] == len(more)
    assert found["lag"][site]["bytes"] > 0

    done = run_cli(home, "reconcile", "--json")
    assert done.exit_code == 0, done.stderr
    assert told(done)["copied"]["objects"] == len(more)
    assert told(done)["level"] is True
    again = run_cli(home, "reconcile")
    assert again.exit_code == 0
    assert "copied 0" in again.stdout
    assert run_cli(home, "verify").exit_code == 0
    with Archive.open(home) as archive:
        archive.catch_up()
        events = archive.search.page(Query(filters={"type": "vanvault.site.reconciled"})).items
        assert len(events) == 1


def test_a_site_that_is_away(home: Path) -> None:
    (home / "sites" / "standby").rename(home / "aside")
    assert run_cli(home, "reconcile", "--json").exit_code == 10


def test_degraded_receipts_are_upgraded(home: Path) -> None:
    with (home / "vanvault.toml").open("a") as settings:
        settings.write('\n[sites]\npolicy = "any"\n')
    folder, aside = home / "sites" / "standby", home / "aside"
    folder.rename(aside)
    with Archive.open(home) as archive:
        keys = write(archive, [message(archive, 1)])
    shown = run_cli(home, "status", "--json", "--url", "http://127.0.0.1:9")
    health = {site["site"]: site for site in told(shown)["health"]["sites"]}
    assert (health["primary"]["state"], health["standby"]["state"]) == ("healthy", "out")
    assert health["standby"]["lag"]["objects"] == len(keys)
    aside.rename(folder)
    done = told(run_cli(home, "reconcile", "--json"))
    assert (done["level"], done["upgraded"]) == (True, len(keys))
    with Archive.open(home) as archive:
        archive.catch_up()
        assert archive.tail.degraded() == []
    assert told(run_cli(home, "reconcile", "--json"))["upgraded"] == 0


class TestConflicts:
    """Two homes of one archive that wrote on the two sides of a partition."""

    @pytest.fixture
    def parted(self, home: Path) -> Path:
        """A home whose sites hold one message id with two contents."""
        other = home.parent / "other"
        shutil.copytree(home, other)
        with Archive.open(home) as archive:
            write(archive, [message(archive, 1, body=b"<one/>")])
        with Archive.open(other) as archive:
            write(archive, [message(archive, 1, body=b"<other/>"), message(archive, 2)])
        batches = Path("sites") / "standby" / "objects" / "batch"
        for folder in (other / batches).iterdir():
            shutil.copytree(folder, home / batches / folder.name)
        return home

    def test_reported_then_resolved_on_record(self, parted: Path) -> None:
        found = run_cli(parted, "reconcile", "--json")
        assert found.exit_code == 3
        report = told(found)
        assert report["level"] is True
        (conflict,) = report["conflicts"]
        assert set(conflict) == {"entry", "id", "first", "gateway", "received_at", "first_received_at"}
        assert run_cli(parted, "get", conflict["id"]).exit_code == 0  # both are kept
        assert run_cli(parted, "get", conflict["first"]).exit_code == 0

        assert run_cli(parted, "reconcile", "resolve", conflict["id"]).exit_code == 2
        assert run_cli(parted, "reconcile", "resolve", "no-such-id", "--reason", "x").exit_code == 4
        command = ("reconcile", "resolve", conflict["id"], "--reason", "a test", "--json")
        resolved = run_cli(parted, *command, env={"LOGNAME": "somebody-else"})
        assert resolved.exit_code == 0, resolved.stderr
        assert told(resolved) == {"resolved": conflict["id"], "first": conflict["first"]}
        assert run_cli(parted, "reconcile", "resolve", conflict["id"], "--reason", "x").exit_code == 5
        after = run_cli(parted, "reconcile", "--json")
        assert (after.exit_code, told(after)["conflicts"]) == (0, [])
        with Archive.open(parted) as archive:
            archive.catch_up()
            (event,) = archive.search.page(Query(filters={"type": "vanvault.conflict.resolved"})).items
            detail = json.loads(event["detail"])
            assert (detail["reason"], detail["who"]) == ("a test", account())
