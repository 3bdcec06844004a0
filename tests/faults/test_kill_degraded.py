"""kill -9 at every step of a degraded commit: what was acknowledged at one site is known after the restart,
though the other site is still away, and whole at both once it is back."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.faults.pushing import SETTINGS, Pushed
from tests.faults.test_kill import PUT_STEPS, WRITER_STEPS
from tests.support.server import Server
from tests.support.waiting import wait_for
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.core.evidence import holders, verify_receipt

ANY = {
    **SETTINGS,
    "SITES__POLICY": "any",
    "HEALTH__CHECK_INTERVAL_S": "0.1",
    "HEALTH__BACK_S": "0.3",
    "RECONCILE__CHECK_INTERVAL_S": "0.2",
}
CASES = [
    ("commit-point", 2, ""),  # before the site is out
    *((step, 12, "") for step in WRITER_STEPS),
    *((step, 12, "primary") for step in PUT_STEPS[1::2]),
]


def wait_until_level(client: httpx.Client) -> None:
    def level() -> bool:
        ready = client.get("/v1/health/ready").json()
        return ready["status"] == "ready" and all(site["state"] == "healthy" for site in ready["sites"])

    wait_for(level, "the sites come level")


@pytest.mark.parametrize(("step", "nth", "site"), CASES)
def test_killed_at_a_step_while_a_site_is_away(tmp_path: Path, step: str, nth: int, site: str) -> None:
    home = tmp_path / "home"
    token = init_home(home)
    folder, aside = home / "sites" / "standby", tmp_path / "aside"
    program = ("-m", "tests.faults.node", str(home), "{port}", step, str(nth), *([site] if site else []))
    pushed = Pushed()
    with Server(home, settings=ANY, program=program) as server:
        server.wait_ready()
        folder.rename(aside)
        pushed.push_until_it_dies(server, token, Random(nth))
        assert server.wait_end() == -signal.SIGKILL
    first = dict(pushed.receipts)
    assert all(receipt.get("degraded") for receipt in first.values())
    with Server(home, settings=ANY) as server:
        server.wait_ready()
        with server.client(token) as client:
            pushed.retry_all(client)
            aside.rename(folder)
            wait_until_level(client)
            for message_id, receipt in pushed.receipts.items():
                later = client.get(f"/v1/receipts/{receipt['id']}").json()
                assert holders(later) == {"primary", "standby"}, message_id
                assert "degraded" not in later
        assert server.stop() == 0
    with Archive.open(home) as archive:
        ours = {key[2]: data for key, data in read_entries(archive).items() if key[1] != "vanvault"}
        assert ours == pushed.bodies
        for receipt in (*first.values(), *pushed.receipts.values()):
            verify_receipt(receipt, archive.signing.public)
