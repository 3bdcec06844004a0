"""A client as gateways should be: nodes in turn, the same request again on 503 or a refused connection."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence

import httpx

from tests.support.waiting import PATIENCE_S


class RoundRobin:
    """Sends each request to the next node; every other failure is the caller's to see."""

    def __init__(self, urls: Sequence[str], token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._clients = [
            httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) for url in urls
        ]
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self.repeats = 0  # how often a request had to be sent again

    def __enter__(self) -> RoundRobin:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def push(self, message_id: str, body: bytes) -> httpx.Response:
        """One message, until a node answers otherwise than 503."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            client = self._clients[next(self._turn) % len(self._clients)]
            try:
                answer = client.post(
                    "/v1/messages", content=body, headers={"Vanvault-Message-Id": message_id}
                )
                if answer.status_code != 503:
                    return answer
            except httpx.ConnectError:
                pass
            with self._lock:
                self.repeats += 1
            time.sleep(0.02)
        raise AssertionError(f"no node took {message_id}")
