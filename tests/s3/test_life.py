"""The main job on S3: pairs of sites behind a real server, through damage, loss and restore."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator

import pytest

from tests.s3.homes import make_home
from tests.s3.life import Life, problems, running
from tests.servers.endpoint import Endpoint
from tests.servers.minio import MinioServer
from tests.support.archives import SITES
from tests.support.server import push
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.core.names import parse_key
from vanvault.archiver.core.times import parse_rfc3339

#: Primary ("": a folder), standby, and whether VanVault acts there as users with just the rights of a duty.
PAIRS = [("minio_a", "minio_b", False), ("", "minio_b", True)]


@pytest.fixture(scope="module", params=PAIRS, ids=["minio+minio", "file+minio"])
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    *names, least_privilege = request.param
    sites: dict[str, Endpoint | None] = {
        site: request.getfixturevalue(name) if name else None for site, name in zip(SITES, names, strict=True)
    }
    with pytest.MonkeyPatch.context() as environment:
        folder = tmp_path_factory.mktemp("life")
        users = ("standby",) if least_privilege else ()
        with running(make_home(folder, sites, environment, least_privilege=users)) as found:
            yield found


def test_originals_come_back_and_are_found(life: Life) -> None:
    life.check_originals()
    timeline = life.client.get("/v1/transactions/t-1").json()["items"]
    assert [item["event_id"] for item in timeline] == ["event-0", "event-1", "event-2"]
    body = life.bodies["batched-7"]
    found = life.client.get("/v1/search", params={"sha256": hashlib.sha256(body).hexdigest()}).json()
    assert [item["message_id"] for item in found["items"]] == ["batched-7"]


def test_receipts_verify_and_name_versions_that_exist(life: Life) -> None:
    with life.home.archive() as archive:
        for message_id, receipt in life.receipts.items():
            body = life.bodies[message_id]
            digests = (hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest())
            verify_receipt(receipt, archive.signing.public, digests=digests)
            assert {placement["site"] for placement in receipt["placements"]} == set(SITES)
            for placement in receipt["placements"]:
                stored = archive.sites[placement["site"]].stat(placement["key"], placement["version"])
                assert stored.retain_until is not None
                assert stored.retain_until >= parse_rfc3339(placement["retain_until"])


def test_the_same_again_gives_the_first_receipt(life: Life) -> None:
    for message_id in ("single-0", "large", "batched-3"):
        answer = push(life.client, message_id, life.bodies[message_id])
        assert (answer.status_code, answer.json()) == (200, life.receipts[message_id])
    assert push(life.client, "single-0", b"other bytes").status_code == 409


def test_verify_reads_everything_and_finds_it_whole(life: Life) -> None:
    summary = life.vanvault("verify")
    assert summary["findings"] == []
    assert summary["whole"] is True
    assert summary["messages"] == len(life.bodies)
    both = summary["sites"]
    assert both["primary"] == both["standby"]
    # Of a share only what is read tells its lock, where listings do not; that is no finding.
    assert life.vanvault("verify", "--subset", "1/50")["findings"] == []


def test_damage_by_an_insider_is_named_and_healed(life: Life) -> None:
    site, insider = next(iter(life.home.insiders.items()))
    garbage, unlocked, marked = insider.message_batches()[:3]
    large = life.receipts["large"]["large_object"]
    insider.put(garbage, b"not what the name promises")
    insider.put(unlocked, insider.newest(unlocked))
    insider.put(large, insider.newest(marked))
    insider.mark_deleted(marked)
    insider.put("notes.txt", b"an insider's notes")
    summary = life.vanvault("verify", exit_code=3)
    found = {(one["problem"], one["site"], one["key"]) for one in summary["findings"] if one["failing"]}
    assert found == {
        ("damaged", site, garbage),
        ("lock", site, unlocked),
        ("swapped", site, large),
        ("hidden", site, marked),
        ("extra", site, "notes.txt"),
    }
    life.check_originals()  # what is below is locked, and the other site is whole
    repaired = life.vanvault("repair", exit_code=3)  # as verify would: a person removes the notes
    assert (repaired["whole"], repaired["failed"], repaired["beyond"]) == (False, [], [])
    assert [(one["problem"], one["key"]) for one in repaired["aside"]] == [("extra", "notes.txt")]
    assert {(one["action"], one["key"]) for one in repaired["repaired"]} == {
        ("copy", garbage),
        ("extend", unlocked),
        ("copy", large),
        ("copy", marked),
    }
    for key in (garbage, large, marked):
        digest = parse_key(key)
        assert digest is not None
        assert hashlib.sha256(insider.newest(key)).digest() == digest.sha256
    insider.client.delete_object(
        Bucket=insider.bucket,
        Key="notes.txt",
        VersionId=insider.client.head_object(Bucket=insider.bucket, Key="notes.txt")["VersionId"],
    )
    summary = life.vanvault("verify")
    assert {one["problem"] for one in summary["findings"]} == {"superseded"}
    assert life.vanvault("repair")["repaired"] == []


def test_a_bucket_that_is_gone_is_restored_while_the_node_runs(
    life: Life, minio_server_b: MinioServer
) -> None:
    insider = life.home.insiders["standby"]
    minio_server_b.stop()
    shutil.rmtree(minio_server_b.drive / insider.bucket)
    shutil.rmtree(minio_server_b.drive / ".minio.sys" / "buckets" / insider.bucket)
    minio_server_b.start()
    refused = push(life.client, "while-it-is-gone", b"refused")
    assert refused.status_code == 503
    assert refused.json()["site"] == "standby"
    life.check_originals()
    assert problems(life.vanvault("verify", exit_code=3)) == {"unavailable"}
    if not life.home.secret_file("standby").exists():
        # The writer may not make buckets, and says who may.
        life.vanvault("restore", "--from", "primary", exit_code=ExitCode.SETTINGS)
        insider.client.create_bucket(Bucket=insider.bucket, ObjectLockEnabledForBucket=True)
    report = life.vanvault("restore", "--from", "primary")
    assert report["whole"] is True
    assert report["verification"]["whole"] is True
    # The node copies, too, as soon as it sees the bucket: who of both copied more is left to chance.
    life.server.wait_ready()
    again = push(life.client, "while-it-is-gone", b"refused")
    assert again.status_code in (200, 201)
    life.bodies["while-it-is-gone"], life.receipts["while-it-is-gone"] = b"refused", again.json()
    life.push("after", b"accepted again")
    life.check_originals()
    for message_id in ("single-1", "large"):
        answer = push(life.client, message_id, life.bodies[message_id])
        assert (answer.status_code, answer.json()) == (200, life.receipts[message_id])
    assert life.vanvault("restore", "--from", "primary", "--no-verify")["copied"]["objects"] == 0
    summary = life.vanvault("verify")
    assert problems(summary) == set()
    assert summary["messages"] == len(life.bodies)
