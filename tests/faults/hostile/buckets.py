"""Worlds whose sites are buckets of a real MinIO; a proxy stands before the hostile one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.faults.hostile.hands import BucketHand
from tests.faults.hostile.world import Estate, RealClock, World, fill
from tests.s3.homes import make_home
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import fault_proxy
from tests.support.archives import SITES


@contextmanager
def bucket_world(
    folder: Path, server: Endpoint, other: Estate, random: Random, *, hostile: str, policy: str
) -> Iterator[World]:
    """A new archive in two buckets of one server."""
    clock = RealClock()
    with pytest.MonkeyPatch.context() as environment, fault_proxy(server.url) as proxy:
        home = make_home(
            folder,
            dict.fromkeys(SITES, server),
            environment,
            through={hostile: proxy.url},
            read_timeout_s=2,
            connect_timeout_s=2,
            attempts=2,
        )
        estate = fill(home.path, clock)
        hands = {
            site: BucketHand(insider.client, insider.bucket, clock.now)
            for site, insider in home.insiders.items()
        }
        honest = next(site for site in SITES if site != hostile)
        yield World(
            estate=estate,
            hostile=hostile,
            hand=hands[hostile],
            honest_hand=hands[honest],
            other=other,
            random=random,
            policy=policy,
            before=hands[honest].view(),
            proxy=proxy,
        )
