"""Faults between VanVault and a store: what a gateway is told, and what is true at both sites.

Each row of the tables breaks one kind of request at some sites. Whatever breaks, three things hold: no
false ack (a receipt means that both stores hold the object, locked), no lost ack (the same receipt for
ever after), no double message (the same id again gives the same one message).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.s3.homes import S3Home, make_home
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, FaultProxy
from tests.support.archives import GATEWAY, SITES, Node, message
from tests.support.whole import read_entries
from vanvault.archiver.appliance import Archive
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import SiteUnavailable, VanVaultError
from vanvault.archiver.core.evidence import Receipt, verify_receipt
from vanvault.archiver.core.model import MessageDraft
from vanvault.archiver.core.times import parse_rfc3339
from vanvault.recovery.verify import verify_archive

#: Tries of one request, and seconds until one that hangs is given up.
ATTEMPTS, READ_TIMEOUT_S = 2, 1
ALWAYS = 10_000
BODY = b"<dossier>" + bytes(range(256)) * 8 + b"</dossier>"

BATCH = "/batch/"
LISTING = "&versions="

Proxies = Mapping[str, FaultProxy]


@dataclass(frozen=True, slots=True)
class Row:
    """What breaks, how often, where, and whether the gateway gets its receipt all the same."""

    fault: Fault
    method: str
    times: int
    acknowledged: bool
    sites: tuple[str, ...] = ("primary",)
    path: str = BATCH
    may_be_stored: bool = True  # what a refusal says; the sites that work have stored it

    def __str__(self) -> str:
        often = "once" if self.times == 1 else "always"
        return f"{self.method}-{self.path}-{self.fault.name}-{often}-{'+'.join(self.sites)}"

    def script(self, proxies: Proxies) -> None:
        for site in self.sites:
            proxies[site].script(self.fault, method=self.method, path=self.path, times=self.times)


WRITES = [
    # The PUT is broken once: it is repeated, after a look where it may have been carried out.
    Row(Fault.RESET_BEFORE, "PUT", 1, acknowledged=True),
    Row(Fault.RESET_AFTER, "PUT", 1, acknowledged=True),
    Row(Fault.ERROR_500, "PUT", 1, acknowledged=True),
    Row(Fault.ERROR_500_AFTER, "PUT", 1, acknowledged=True),
    Row(Fault.SLOW_DOWN, "PUT", 1, acknowledged=True),
    Row(Fault.HANG_BEFORE, "PUT", 1, acknowledged=True),
    Row(Fault.HANG_AFTER, "PUT", 1, acknowledged=True),
    Row(Fault.WRONG_REQUEST, "PUT", 1, acknowledged=True),
    Row(Fault.RESET_AFTER, "PUT", 1, acknowledged=True, sites=SITES),
    # Credentials that have expired do not get better by repeating.
    Row(Fault.EXPIRED, "PUT", 1, acknowledged=False),
    # The PUT stays broken.
    Row(Fault.RESET_BEFORE, "PUT", ALWAYS, acknowledged=False),
    Row(Fault.RESET_BEFORE, "PUT", ALWAYS, acknowledged=False, sites=("standby",)),
    Row(Fault.ERROR_500, "PUT", ALWAYS, acknowledged=False),
    Row(Fault.SLOW_DOWN, "PUT", ALWAYS, acknowledged=False),
    Row(Fault.HANG_BEFORE, "PUT", ALWAYS, acknowledged=False),
    Row(Fault.WRONG_REQUEST, "PUT", ALWAYS, acknowledged=False),
    Row(Fault.EXPIRED, "PUT", ALWAYS, acknowledged=False),
    # It stays broken on the way back: the look finds what the first attempt stored.
    Row(Fault.RESET_AFTER, "PUT", ALWAYS, acknowledged=True),
    Row(Fault.ERROR_500_AFTER, "PUT", ALWAYS, acknowledged=True),
    Row(Fault.HANG_AFTER, "PUT", ALWAYS, acknowledged=True, sites=SITES),
    # No site takes it, and each says so: then nothing is stored, and the refusal says that.
    Row(Fault.SLOW_DOWN, "PUT", ALWAYS, acknowledged=False, sites=SITES, may_be_stored=False),
    Row(Fault.EXPIRED, "PUT", ALWAYS, acknowledged=False, sites=SITES, may_be_stored=False),
    Row(Fault.WRONG_REQUEST, "PUT", ALWAYS, acknowledged=False, sites=SITES, may_be_stored=False),
    # It is stored, but the lock cannot be read back. Without that there is no receipt.
    Row(Fault.RESET_BEFORE, "HEAD", 1, acknowledged=True),
    Row(Fault.RESET_AFTER, "HEAD", 1, acknowledged=True),
    Row(Fault.ERROR_500, "HEAD", 1, acknowledged=True),
    Row(Fault.SLOW_DOWN, "HEAD", 1, acknowledged=True),
    Row(Fault.HANG_BEFORE, "HEAD", 1, acknowledged=True),
    Row(Fault.EXPIRED, "HEAD", 1, acknowledged=False),
    Row(Fault.RESET_BEFORE, "HEAD", ALWAYS, acknowledged=False),
    Row(Fault.ERROR_500, "HEAD", ALWAYS, acknowledged=False),
    Row(Fault.SLOW_DOWN, "HEAD", ALWAYS, acknowledged=False, sites=SITES),
    Row(Fault.HANG_AFTER, "HEAD", ALWAYS, acknowledged=False, sites=("standby",)),
    Row(Fault.EXPIRED, "HEAD", ALWAYS, acknowledged=False),
]


@pytest.fixture
def home(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minio_pair: tuple[Endpoint, Endpoint],
    proxies: Proxies,
) -> S3Home:
    return make_home(
        tmp_path,
        dict(zip(SITES, minio_pair, strict=True)),
        monkeypatch,
        through={site: proxy.url for site, proxy in proxies.items()},
        attempts=ATTEMPTS,
        read_timeout_s=READ_TIMEOUT_S,
    )


@pytest.fixture
def archive(home: S3Home) -> Iterator[Archive]:
    with home.archive() as found:
        yield found


def mend(proxies: Proxies) -> None:
    for proxy in proxies.values():
        proxy.clear()


def push_once(node: Node, draft: MessageDraft) -> Receipt | VanVaultError:
    try:
        return node.push(draft)
    except VanVaultError as error:
        return error


def check_held(home: S3Home, archive: Archive, receipt: Receipt) -> None:
    """What the receipt claims is true, as the stores say without any proxy between."""
    verify_receipt(receipt, archive.signing.public)
    assert [placement["site"] for placement in receipt["placements"]] == list(SITES)
    for placement in receipt["placements"]:
        versions = home.versions(placement["site"], placement["key"])
        (named,) = (version for version in versions if version.version == placement["version"])
        assert named.retain_until is not None
        assert named.retain_until >= parse_rfc3339(placement["retain_until"])


def check_whole(archive: Archive, bodies: Mapping[str, bytes]) -> None:
    """Both sites are whole and hold each message once."""
    entries = read_entries(archive)
    assert {key[2]: data for key, data in entries.items() if key[1] == GATEWAY} == bodies
    report = verify_archive(archive, pause=lambda: None)
    assert report.whole, report.findings
    assert report.messages == len(bodies)


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_a_write_is_acknowledged_when_both_hold_it_and_never_twice(
    row: Row, home: S3Home, archive: Archive, proxies: Proxies
) -> None:
    draft = message("m-1", BODY)
    with Node(archive) as node:
        node.wait_ready()
        row.script(proxies)
        outcome = push_once(node, draft)
        assert isinstance(outcome, VanVaultError) != row.acknowledged, outcome
        if isinstance(outcome, VanVaultError):
            assert isinstance(outcome, SiteUnavailable)
            assert outcome.site in row.sites
            assert outcome.may_be_stored == row.may_be_stored
        else:
            check_held(home, archive, outcome)
        mend(proxies)
        receipt = node.push_until_accepted(draft)
        check_held(home, archive, receipt)
        if row.acknowledged:
            assert receipt == outcome
        assert node.submit([draft]) == [(receipt, True)]
    check_whole(archive, {"m-1": BODY})


READS = [
    Row(fault, "GET", times, acknowledged=True, sites=sites, path=path)
    for path in (BATCH, LISTING)
    for fault, times, sites in [
        (Fault.RESET_BEFORE, 1, ("primary",)),
        (Fault.ERROR_500, 1, SITES),
        (Fault.SLOW_DOWN, 1, SITES),
        (Fault.TRUNCATE, 1, SITES),
        (Fault.HANG_AFTER, 1, ("standby",)),
    ]
] + [
    # A listing of one site is half a listing; and what a site does not give is not confirmed to lie there.
    Row(fault, "GET", ALWAYS, acknowledged=False, path=path)
    for path in (BATCH, LISTING)
    for fault in (Fault.RESET_AFTER, Fault.ERROR_500, Fault.TRUNCATE, Fault.EXPIRED)
]


@pytest.mark.parametrize("row", READS, ids=str)
def test_a_node_that_starts_amid_faults_forgets_nothing(
    row: Row, home: S3Home, archive: Archive, proxies: Proxies
) -> None:
    """The start folds the archive: it may not open with half of it, nor take for absent what is not given."""
    draft = message("m-1", BODY)
    with Node(archive) as node:
        node.wait_ready()
        receipt = node.push(draft)
    lose_hot_tail(home)
    row.script(proxies)
    with home.archive() as restarted, Node(restarted) as node:
        if row.acknowledged:
            node.wait_ready()
        else:
            refusal = wait_for_refusal(node)
            assert refusal.site in row.sites
            mend(proxies)
        again = node.push_until_accepted(draft)
        assert again == receipt
        mend(proxies)
        assert node.push_until_accepted(message("m-2", BODY))["message_id"] == "m-2"
        assert node.intake.tail_updater.flush()
        check_whole(restarted, {"m-1": BODY, "m-2": BODY})


def lose_hot_tail(home: S3Home) -> None:
    for file in (home.path / "cache").glob("hot-tail*"):
        file.unlink()


def wait_for_refusal(node: Node) -> SiteUnavailable:
    """Until the node says which site keeps it from opening."""
    pause = threading.Event()
    for _ in range(1000):
        refusal = node.intake.committer.refusal
        if isinstance(refusal, SiteUnavailable):
            return refusal
        assert refusal is not None, "the node opened"
        pause.wait(0.01)
    raise AssertionError("the node never said why it is not open")


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RESET_BEFORE,
        Fault.ERROR_500,
        Fault.HANG_BEFORE,
        Fault.TRUNCATE,
        Fault.WRONG_BYTES,
        Fault.EXPIRED,
    ],
)
@pytest.mark.parametrize("times", [1, ALWAYS], ids=["once", "always"])
def test_an_original_comes_back_right_or_from_the_other_site(
    fault: Fault, times: int, archive: Archive, proxies: Proxies
) -> None:
    with Node(archive) as node:
        node.wait_ready()
        node.push(message("small", BODY))
        node.push(node.placed(message("large", BODY * 2)))
    for family in ("/batch/", "/large/"):
        proxies["primary"].script(fault, method="GET", path=family, times=times)
    for message_id, body in (("small", BODY), ("large", BODY * 2)):
        (item,) = archive.search.page(Query(filters={"message_id": message_id}, limit=2)).items
        assert archive.original(item) == body


@pytest.mark.parametrize("garbage", [False, True], ids=["unlocked", "garbage"])
def test_what_recovery_finds_is_locked_and_right_before_it_is_acknowledged(
    garbage: bool,
    home: S3Home,
    archive: Archive,
    proxies: Proxies,
) -> None:
    draft = message("m-1", BODY)
    with Node(archive) as node:
        node.wait_ready()
        proxies["primary"].script(Fault.RESET_BEFORE, method="PUT", path="/batch/", times=10_000)
        push_once(node, draft)
    standby = home.insiders["standby"]
    key = standby.message_batches()[-1]
    home.insiders["primary"].put(key, b"garbage" if garbage else standby.newest(key))
    mend(proxies)
    with home.archive() as restarted, Node(restarted) as node:
        node.wait_ready()
        check_held(home, restarted, node.push(draft))
