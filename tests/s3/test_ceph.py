"""MinIO and Ceph as one archive: what Ceph does otherwise than MinIO must not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.s3.homes import make_home
from tests.s3.life import Life, problems, running
from tests.servers.endpoint import Endpoint
from tests.support.archives import SITES
from tests.support.server import push
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.core.names import sha256_of


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, minio_a: Endpoint, ceph_a: Endpoint) -> Iterator[Life]:
    with pytest.MonkeyPatch.context() as environment:
        sites = dict(zip(SITES, (minio_a, ceph_a), strict=True))
        with running(make_home(tmp_path_factory.mktemp("life"), sites, environment)) as found:
            yield found


def test_the_main_job(life: Life) -> None:
    life.check_originals()
    with life.home.archive() as archive:
        for receipt in life.receipts.values():
            verify_receipt(receipt, archive.signing.public)
            for placement in receipt["placements"]:
                stored = archive.sites[placement["site"]].stat(placement["key"], placement["version"])
                assert stored.retain_until is not None
    summary = life.vanvault("verify")
    assert summary["findings"] == []
    assert summary["messages"] == len(life.bodies)
    assert summary["sites"]["primary"] == summary["sites"]["standby"]


def test_damage_at_ceph_is_named_and_healed(life: Life) -> None:
    insider = life.home.insiders["standby"]
    garbage, marked = insider.message_batches()[:2]
    insider.put(garbage, b"not what the name promises")
    insider.mark_deleted(marked)
    summary = life.vanvault("verify", exit_code=3)
    found = {(one["problem"], one["site"], one["key"]) for one in summary["findings"] if one["failing"]}
    assert found == {("damaged", "standby", garbage), ("hidden", "standby", marked)}
    assert life.vanvault("repair")["whole"] is True
    for key in (garbage, marked):
        assert sha256_of(key) == hashlib.sha256(insider.newest(key)).digest()
    assert problems(life.vanvault("verify")) == set()


def test_a_site_at_ceph_is_rebuilt_in_a_new_bucket(life: Life) -> None:
    assert life.server.stop() == 0
    settings = life.home.path / "vanvault.toml"
    bucket = life.home.insiders["standby"].bucket
    settings.write_text(settings.read_text().replace(bucket, f"{bucket}-new"))
    report = life.vanvault("restore", "--from", "primary")
    assert report["whole"] is True
    assert report["copied"]["objects"] == report["objects"]
    assert report["verification"]["sites"]["standby"]["objects"] >= report["objects"]
    with life.restarted() as client:
        for message_id in ("single-1", "large"):
            answer = push(client, message_id, life.bodies[message_id])
            assert (answer.status_code, answer.json()) == (200, life.receipts[message_id])
        assert push(client, "after", b"accepted again").status_code == 201
    assert problems(life.vanvault("verify")) == set()
