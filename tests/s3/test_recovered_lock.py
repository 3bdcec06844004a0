"""What recovery finds at both sites is right and locked there before anybody gets a receipt for it."""

from __future__ import annotations

import pytest

from tests.s3.homes import S3Home
from tests.s3.test_faults_between import BODY, Fault, Proxies, archive, check_held, home, mend, push_once  # noqa: F401
from tests.support.archives import Node, message
from vanvault.archiver.archive import Archive


@pytest.mark.parametrize("garbage", [False, True], ids=["unlocked", "garbage"])
def test_what_recovery_finds_is_locked_and_right_before_it_is_acknowledged(
    garbage: bool,
    home: S3Home,
    archive: Archive,
    proxies: Proxies,  # noqa: F811
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
