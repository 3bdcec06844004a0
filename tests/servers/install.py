"""``python -m tests.servers.install``: build and install what the server tests need, and say what was done.

Exits 0 even when a server cannot be had: the test run says so in its last lines (``fixtures.py``), and
fails by it where VANVAULT_REQUIRE_SERVERS=1 is set.
"""

from __future__ import annotations

from tests.servers import ceph, chromium, host_clock, keycloak, minio, restic, softhsm
from tests.servers.processes import ServerUnavailable


def main() -> None:
    for name, provide in (
        ("MinIO", minio.build),
        ("Ceph", ceph.install),
        ("SoftHSM2", softhsm.install),
        ("restic", restic.install),
        ("Keycloak", keycloak.install),
        ("Chromium", chromium.install),
        ("the host clock", host_clock.build),
    ):
        try:
            print(f"servers: {provide()}", flush=True)
        except ServerUnavailable as error:
            print(f"servers: {name} CANNOT BE HAD: {error}", flush=True)


if __name__ == "__main__":
    main()
