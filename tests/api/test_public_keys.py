"""``GET /v1/keys``: for anybody, and enough to verify every receipt, before and after a rotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.api.conftest import Appliance
from tests.support.server import push
from vanvault.archiver.core.evidence import verify_receipt
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import SigningKeys, parse_public_keys


def published(appliance: Appliance) -> dict[str, Any]:
    with httpx.Client(base_url=appliance.server.url, trust_env=False) as stranger:
        answer = stranger.get("/v1/keys")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def verifies(receipt: Mapping[str, Any], keys: list[dict[str, Any]]) -> None:
    trusted = parse_public_keys(one["pem"].encode() for one in keys)
    verify_receipt(receipt, trusted.__getitem__)


def test_a_receipt_verifies_with_the_keys_that_a_stranger_fetched(
    appliance: Appliance, client: httpx.Client
) -> None:
    before = push(client, "keys-1", b"<a/>").json()
    first = published(appliance)
    assert first["archive"] == before["archive"]
    (active,) = (one for one in first["keys"] if one["active"])
    assert active["key_id"] == before["signing_key"]
    verifies(before, first["keys"])

    rotated = SigningKeys(appliance.home / KEYS_FOLDER).rotate(SystemEntropy())
    after = push(client, "keys-2", b"<a/>").json()
    second = published(appliance)
    assert after["signing_key"] == rotated
    assert [one["key_id"] for one in second["keys"] if one["active"]] == [rotated]
    old, new = second["keys"][-2:]
    assert old["until"] == new["from"] is not None
    for receipt in (before, after):
        verifies(receipt, second["keys"])


def test_the_keys_tell_no_secret(appliance: Appliance) -> None:
    for one in published(appliance)["keys"]:
        assert one["pem"].startswith("-----BEGIN PUBLIC KEY-----\n")
        assert set(one) == {
            "key_id",
            "version",
            "algorithm",
            "pem",
            "active",
            "from",
            "until",
            "introduced_by",
            "revoked",
        }
