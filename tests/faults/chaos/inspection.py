"""The end of a run: the cluster is healed, mended by the operator's verbs, and every promise looked at."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.faults.chaos.checker import (
    Verdict,
    check_disputes,
    check_found,
    check_order,
    check_receipts,
    check_stored,
)
from tests.faults.chaos.cluster import Cluster
from tests.faults.chaos.gateways import Client, after, push_until
from tests.faults.chaos.ledger import Ledger, Promise, body_of
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import SigningKeys
from vanvault.recovery.verified import INFORMATIONAL

PublicKey = Callable[[str], Ed25519PublicKey]

_PATIENCE_S = 90.0


def inspect(cluster: Cluster, ledger: Ledger, verdict: Verdict) -> None:
    """Heal, settle what no gateway was answered yet, mend, and ask everything in every way."""
    cluster.heal()
    cluster.wait_ready()
    _settle(cluster, ledger, verdict)
    harmed = next(iter(cluster.harmed), "")
    with Archive.open(cluster.archive_home) as archive:
        check_stored(archive, ledger, verdict, named_only=True, spared=harmed)
    if harmed:
        cluster.clean_drives()
        _must(verdict, "repair", lambda: cluster.verb("repair"))
    _must(verdict, "reconcile", lambda: _reconcile(cluster, ledger, verdict))
    if cluster.promoted:
        _must(verdict, "failback", lambda: _failback(cluster))
    _ask_nodes(cluster, ledger, verdict)
    for node in cluster.nodes:
        code = node.end()
        if code != 0:
            verdict.is_unverified(node.name, f"ended with {code}")
    code, report = cluster.verb("verify")
    if code != 0 or any(finding["problem"] not in INFORMATIONAL for finding in report["findings"]):
        verdict.is_unverified("verify", f"exit {code}: {str(report)[:2000]}")
    code, report = cluster.verb("reconcile")
    if code != 0 or report["copied"]["objects"] or report["conflicts"]:
        verdict.is_unverified("reconcile", f"exit {code}: {str(report)[:2000]}")
    with Archive.open(cluster.archive_home) as archive:
        archive.catch_up()
        check_stored(archive, ledger, verdict)
        check_receipts(archive, ledger, verdict)
        check_found(archive, ledger, verdict)
        check_disputes(archive, ledger, verdict)


def _reconcile(cluster: Cluster, ledger: Ledger, verdict: Verdict) -> tuple[int, Any]:
    """Level, and no conflict open: each id with two acknowledged contents is told, and looked at."""
    code, report = cluster.verb("reconcile")
    if code not in (0, 3) or not report["level"]:
        return code, report
    told = {frozenset((one["id"], one["first"])): str(one["id"]) for one in report["conflicts"]}
    one_content = {promise.receipt["id"] for promise in ledger.promises()}
    if any(pair & one_content for pair in told):
        verdict.is_unverified("conflicts", f"told of an id with one content: {report['conflicts']}")
    for id, both in ledger.contents().items():
        if len(both) > 1 and both not in {*told, *cluster.resolved}:
            verdict.is_unverified(id, "it has two contents, and no conflict is told")
    for pair, entry in told.items():
        code, said = cluster.verb("reconcile", "resolve", entry, "--reason", "chaos")
        if code != 0:
            return code, said
        cluster.resolved.add(pair)
    return cluster.verb("reconcile") if told else (code, report)


def _failback(cluster: Cluster) -> tuple[int, Any]:
    """The way back, unless nobody was promoted after all."""
    code, stand = cluster.verb("failover", "status")
    if code == 0 and not stand["alone"]:
        return code, stand
    return cluster.verb("failover", "failback", "--reason", "chaos", "--yes")


def _must(verdict: Verdict, verb: str, run: Callable[[], tuple[int, Any]]) -> None:
    """Nodes run meanwhile, so that it may take a second try."""
    for _ in range(4):
        code, report = run()
        if code == 0:
            return
        time.sleep(1.5)
    verdict.is_unverified(verb, f"exit {code}: {str(report)[:2000]}")


def _settle(cluster: Cluster, ledger: Ledger, verdict: Verdict) -> None:
    """What was pushed and never acknowledged is sent again until it is."""
    client = Client([node.url for node in cluster.nodes], cluster.token)
    for kind, gateway, id in ledger.pending():
        outcome, receipt = push_until(client, kind, id, _PATIENCE_S)
        if receipt is None:
            verdict.is_unverified(id, f"never taken, at last {outcome}")
        else:
            ledger.acknowledged(Promise(kind, gateway, id, receipt))
    client.close()


def _ask_nodes(cluster: Cluster, ledger: Ledger, verdict: Verdict) -> None:
    """Each promise again, searched and read at nodes in turn; then the order of events."""
    promises, workers = ledger.promises(), 4
    public = SigningKeys(cluster.archive_home / KEYS_FOLDER).public
    urls = [node.url for node in cluster.nodes]

    def ask(share: Sequence[Promise], first: int) -> None:
        client = Client(urls, cluster.token, first=first)
        for promise in share:
            _ask(client, promise, verdict, harmed=bool(cluster.harmed), public=public)
        client.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda n: ask(promises[n::workers], n), range(workers)))
    client = Client(urls, cluster.token)

    def timeline(transaction: str, _: str) -> list[str]:
        items = client.get(f"/v1/transactions/{transaction}").json()["items"]
        return [item["event_id"] for item in items if item["entry"] == "event"]

    check_order(ledger, verdict, timeline)
    client.close()


def _ask(client: Client, promise: Promise, verdict: Verdict, *, harmed: bool, public: PublicKey) -> None:
    outcome, later = push_until(client, promise.kind, promise.id, 30)
    kinship = after(promise.receipt, later) if later is not None else outcome
    if kinship == "twin":
        verdict.twins.add(promise.id)
    elif kinship not in ("same", "resigned", "upgraded") and not (kinship == "renewed" and harmed):
        verdict.is_unverified(promise.id, f"sent again, it is answered: {kinship}")
    if later is not None and kinship != "same":
        try:
            verify_receipt(later, public)
        except VanVaultError as error:
            verdict.is_unverified(promise.id, error)
    if later is not None and later.get("degraded"):
        verdict.is_unverified(promise.id, "its receipt is degraded yet")
    try:
        found = client.get("/v1/search", **{f"{promise.kind}_id": promise.id}).json()["items"]
        if len(found := [item for item in found if item["entry"] == promise.kind]) != 1:
            (verdict.is_duplicated if found else verdict.is_lost)(promise.id, f"a node finds {len(found)}")
        elif promise.kind == "message":
            body = client.get(f"/v1/messages/{found[0]['id']}/original").content
            if hashlib.sha256(body).hexdigest() != hashlib.sha256(body_of(promise.id)).hexdigest():
                verdict.is_lost(promise.id, "a node gives other bytes")
    except (httpx.TransportError, KeyError, ValueError) as error:
        verdict.is_unverified(promise.id, error)
