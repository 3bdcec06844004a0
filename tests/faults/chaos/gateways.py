"""Gateways: they push through a tiny round robin over the nodes, again and again until they are answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx

from tests.faults.chaos.history import History
from tests.faults.chaos.hosts import Host, Hosts
from tests.faults.chaos.ledger import Kind, Ledger, Promise, body_of, event_of
from vanvault.archiver.core.evidence import holders

GATEWAY = "gateway-1"
#: Longest wait for one answer, in seconds; then the next node is asked.
_PATIENCE_S = 6.0
_THREADS = 5  # of each gateway
_CARELESS = 0.005  # the part of its pushes that give an id two contents; one thread does it once at least


def after(first: dict[str, Any], later: dict[str, Any]) -> str:
    """What a later receipt is to the first: same, resigned, upgraded, renewed, lesser, twin or wrong.

    Resigned: it says the same, under another signature. Another row of its batch was degraded, and was
    upgraded meanwhile.

    Renewed: the same objects at the same sites, of which a copy was put anew. Right only after a copy was
    damaged or lost with the hot tail, before any object had its commit on record.

    Lesser: the same copies but for a site that is away, degraded, from a node that does not know yet that
    the first was given. True while a site is away or takes nothing, and never once all are there again.

    A twin is of the same bytes archived twice by two nodes that did not know of each other: one entry stands
    for both, and both receipts are true (docs/metrics.md).
    """
    if first == later:
        return "same"
    if first["sha256"] != later["sha256"]:
        return "wrong"
    if first["id"] != later["id"]:
        return "twin"
    if _statement(first) == _statement(later):
        return "resigned"
    if first.get("degraded") and (holders(first) < holders(later) or _names_more(later, first)):
        return "upgraded"  # or on the way there: a copy more of the batch, none yet of its large object
    if later.get("degraded") and holders(later) < holders(first) and _names_more(first, later):
        return "lesser"
    return "renewed" if _but_versions(first) == _but_versions(later) else "wrong"


def _statement(receipt: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in receipt.items() if name not in ("proof", "signature")}


def _but_versions(receipt: dict[str, Any]) -> dict[str, Any]:
    return {**_statement(receipt), "placements": sorted((p["site"], p["key"]) for p in receipt["placements"])}


def _names_more(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Do they differ in nothing but that the one names all copies of the other, and more?"""
    apart = ("placements", "policy", "degraded", "proof", "signature")
    more = all(placement in one["placements"] for placement in other["placements"])
    return more and all(one.get(name) == other.get(name) for name in one.keys() - apart)


class Client:
    """One connection to each node; not to be shared between threads."""

    def __init__(self, urls: Sequence[str], token: str, *, first: int = 0) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._clients = [
            httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE_S, trust_env=False) for url in urls
        ]
        self._turn = first

    def close(self) -> None:
        for client in self._clients:
            client.close()

    @property
    def last(self) -> int:
        """The node that was asked last, by index."""
        return self._turn % len(self._clients)

    def push(self, kind: Kind, id: str, variant: int = 0) -> tuple[str, Any]:
        """One try, at the next node: (outcome, the receipt or None)."""
        self._turn += 1
        client = self._clients[self.last]
        try:
            if kind == "event":
                answer = client.post("/v1/events", json=[event_of(id)])
            else:
                answer = client.post(
                    "/v1/messages",
                    content=body_of(id, variant),
                    headers={b"Vanvault-Message-Id": id.encode()},
                )
        except httpx.TransportError as error:
            return type(error).__name__, None
        if answer.status_code not in (200, 201):
            return str(answer.status_code), None
        found = answer.json()
        receipt = found["items"][0] if kind == "event" else found
        return (str(receipt["status"]), None) if "status" in receipt else ("acknowledged", receipt)

    def get(self, path: str, **parameters: str) -> httpx.Response:
        """Raises httpx.TransportError."""
        self._turn += 1
        return self._clients[self.last].get(path, params=parameters)


class Gateways:
    """Several of them, each with threads on its host, until ``stop``."""

    def __init__(
        self,
        hosts: Hosts,
        places: Sequence[Host],
        urls: Sequence[str],
        token: str,
        ledger: Ledger,
        history: History,
        seed: str,
    ) -> None:
        self._hosts, self._urls, self._token = hosts, urls, token
        self._ledger, self._history, self._seed = ledger, history, seed
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._busy = threading.Semaphore(len(places) * _THREADS)
        self.broken: list[str] = []  # answers that no gateway may ever get
        self.twins: set[str] = set()  # ids that got two true receipts
        self._threads = [
            threading.Thread(target=self._run, args=(place, number), name=f"{place.name}.{number}")
            for place in places
            for number in range(_THREADS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._go.set()
        for thread in self._threads:
            thread.join()

    def pause(self) -> None:
        """No new entries; returns once nobody waits for an answer."""
        self._go.clear()
        for _ in self._threads:
            self._busy.acquire()

    def go_on(self) -> None:
        for _ in self._threads:
            self._busy.release()
        self._go.set()

    def _run(self, place: Host, number: int) -> None:
        random = Random(f"{self._seed}/{place.name}/{number}")
        name = f"{place.name}.{number}"
        with self._hosts.on(place):
            client = Client(self._urls, self._token, first=random.randrange(len(self._urls)))
            for count in range(100_000):
                self._go.wait()
                if self._stop.is_set():
                    break
                with self._busy:
                    self._one(client, random, name, count)
                self._stop.wait(random.uniform(0.02, 0.1))
            client.close()

    def _one(self, client: Client, random: Random, name: str, count: int) -> None:
        """A new message or event, or one that was acknowledged before, once more."""
        dice = random.random()
        if dice > 1 - _CARELESS or (count == 1 and name.endswith(".0")):
            self._two_contents(client, random, name, f"{self._seed}/{name}/{count}")
            return
        known = self._ledger.promises() if dice < 0.06 else []
        if known:
            promise = known[random.randrange(len(known))]
            kind, id = promise.kind, promise.id
        else:
            kind = "event" if dice < 0.2 else "message"
            id = f"{self._seed}/{name}/{count}"
        self._ledger.sent(kind, GATEWAY, id)
        tries = 0
        while not self._stop.is_set():
            outcome, receipt = client.push(kind, id)
            tries += 1
            self._history.note(name, f"push {kind}", outcome, id=id, tries=tries, node=client.last)
            if receipt is not None:
                self._keep(Promise(kind, GATEWAY, id, receipt))
                return
            if outcome[0] == "4" and outcome not in ("408", "429"):
                self.broken.append(f"{id}: answered {outcome}")
                return
            self._stop.wait(random.uniform(0.05, 0.3))

    def _two_contents(self, client: Client, random: Random, name: str, id: str) -> None:
        """One id with two contents at two nodes: one is refused (409), or it is a conflict."""
        ids = set()
        for variant in random.sample((0, 1), 2):
            began = self._ledger.now()
            outcome, receipt = client.push("message", id, variant)
            self._history.note(name, "push careless", outcome, id=id, variant=variant, node=client.last)
            if receipt is not None:
                self._ledger.disputed(Promise("message", GATEWAY, id, receipt, variant), began)
                if receipt["id"] in ids:
                    self.broken.append(f"{id}: one receipt for two contents")
                ids.add(receipt["id"])
            elif outcome[0] == "4" and outcome not in ("408", "409", "429"):
                self.broken.append(f"{id}: answered {outcome}")

    def _keep(self, promise: Promise) -> None:
        first = self._ledger.acknowledged(promise)
        kinship = after(first.receipt, promise.receipt)
        if kinship in ("wrong", "renewed"):
            self.broken.append(f"{promise.id}: another receipt than the first")
        if kinship == "twin":
            self.twins.add(promise.id)


def push_until(client: Client, kind: Kind, id: str, seconds: float) -> tuple[str, Any]:
    """The outcome of the last try, and the receipt when there is one."""
    until = time.monotonic() + seconds
    while True:
        outcome, receipt = client.push(kind, id)
        if receipt is not None or time.monotonic() > until:
            return outcome, receipt
        time.sleep(0.1)
