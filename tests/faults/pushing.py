"""Clients that push until the server dies, and what must be true of their messages afterwards."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from tests.support.server import Server, push
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.evidence import verify_receipt

#: One message in so many is large enough for an object of its own.
_LARGE_EVERY = 9
LARGE_BYTES = 8 * 1024
#: What a client waits after a refusal, in seconds: the node may be settling for a while.
REFUSED_PAUSE_S = 0.1
SETTINGS = {"INTAKE__LARGE_MESSAGE_BYTES": str(LARGE_BYTES)}


@dataclass
class Pushed:
    """Every message that was sent, and the receipt of each that was acknowledged."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def push_until_it_dies(self, server: Server, token: str, random: Random, *, clients: int = 4) -> None:
        """Push from several clients until the server no longer answers, or each has sent 200 messages."""
        seeds = [random.getrandbits(64) for _ in range(clients)]
        lock, pause = threading.Lock(), threading.Event()

        def one_client(number: int) -> None:
            choice = Random(seeds[number])
            with server.client(token) as client:
                for count in range(200):
                    message_id = f"{len(seeds)}-{seeds[number]:x}-{count}"
                    large = choice.randrange(_LARGE_EVERY) == 0
                    body = choice.randbytes(2 * LARGE_BYTES if large else choice.randrange(1, 3000))
                    with lock:
                        self.bodies[message_id] = body
                    try:
                        answer = push(client, message_id, body)
                    except httpx.TransportError:
                        return
                    if answer.status_code in (200, 201):
                        with lock:
                            self.receipts[message_id] = answer.json()
                    else:
                        pause.wait(REFUSED_PAUSE_S)

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(one_client, range(clients)))

    def check_after_restart(self, server: Server, token: str, home: Path) -> None:
        """Retry everything, read everything back, then look at both sites without the server."""
        with server.client(token) as client:
            self.retry_all(client)
        assert server.stop() == 0
        with Archive.open(home) as archive:
            archive.catch_up()
            entries = read_entries(archive)
            ours = {key[2]: data for key, data in entries.items() if key[1] != "vanvault"}
            assert ours == self.bodies
            for receipt in self.receipts.values():
                verify_receipt(receipt, archive.signing.public)

    def retry_all(self, client: httpx.Client) -> None:
        """Push everything again: what was acknowledged is known, and all of it can be found and read."""
        for message_id, body in self.bodies.items():
            self._retry(client, message_id, body)

    def _retry(self, client: httpx.Client, message_id: str, body: bytes) -> None:
        answer = push(client, message_id, body)
        receipt = answer.json()
        if message_id in self.receipts:
            assert answer.status_code == 200, "what was acknowledged was not known any more"
            assert receipt == self.receipts[message_id]
        else:
            assert answer.status_code in (200, 201)
            self.receipts[message_id] = receipt
        assert receipt["sha256"] == hashlib.sha256(body).hexdigest()
        found = client.get("/v1/search", params={"message_id": message_id}).json()["items"]
        assert [item["id"] for item in found] == [receipt["id"]]
        assert client.get(f"/v1/messages/{receipt['id']}/original").content == body
