"""Ceph: a monitor, one OSD in memory and an RGW gateway on loopback, without a manager daemon.

RGW, its users and Object Lock work without ``ceph-mgr``, which would take most of the memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path

from tests.servers.debian import install_packages
from tests.servers.endpoint import Endpoint, Server
from tests.servers.processes import (
    Processes,
    ServerUnavailable,
    answers,
    free_ports,
    programs_missing,
    wait_until,
)

PACKAGES = ("ceph-mon", "ceph-osd", "radosgw")  # Debian's; they bring ceph-common along
PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "ceph-authtool", "monmaptool")
ACCESS_KEY, SECRET_KEY = "vanvault-root", "vanvault-root-secret"  # loopback and test data only

_CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = {monitors}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
ms bind ipv6 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
run dir = {folder}
admin socket = {folder}/$name.asok
pid file = {folder}/$name.pid
log file = {folder}/$name.log
mon cluster log file = {folder}/cluster.log
crash dir = {folder}
keyring = {folder}/keyring
[osd]
osd objectstore = memstore
memstore device bytes = 4294967296
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable usage log = false
rgw enable ops log = false
"""

_ALL = "allow *"
_KEYS = {
    "mon.": {"mon": _ALL},
    "client.admin": {"mon": _ALL, "osd": _ALL, "mgr": _ALL},
    "client.rgw": {"mon": _ALL, "osd": _ALL, "mgr": _ALL},
    "osd.0": {"mon": "allow profile osd", "osd": _ALL, "mgr": "allow profile osd"},
}


def install() -> str:
    """Install Ceph from Debian when it is not there; return one line that says what was done.

    Raises ServerUnavailable where that is not possible (no root, no apt-get, no archive).
    """
    if not programs_missing(PROGRAMS):
        return "Ceph: already installed"
    return install_packages("Ceph", PACKAGES)


class CephServer(Server):
    """One cluster of one monitor, one OSD and one gateway; everything is lost when it stops."""

    kind = "ceph"

    def __init__(self, folder: Path) -> None:
        """Start it and wait for the gateway (10 to 20 s). Raises ServerUnavailable."""
        if missing := programs_missing(PROGRAMS):
            raise ServerUnavailable(f"Ceph is not installed: {', '.join(missing)} missing")
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir(parents=True)
        messenger2, messenger1, port = free_ports(3)
        self._folder = folder
        self._fsid = str(uuid.uuid4())
        self._monitors = f"[v2:127.0.0.1:{messenger2},v1:127.0.0.1:{messenger1}]"
        self.endpoint = Endpoint(f"http://127.0.0.1:{port}", ACCESS_KEY, SECRET_KEY)
        self.processes = Processes(folder / "server.log")
        text = _CONFIGURATION.format(fsid=self._fsid, monitors=self._monitors, folder=folder, port=port)
        (folder / "ceph.conf").write_text(text)
        try:
            self._start_monitor()
            self._start_osd()
            self._start_gateway()
        except ServerUnavailable:
            self.processes.stop()
            raise

    def _run(self, *command: str) -> str:
        """Run one of Ceph's tools against this cluster and return what it prints."""
        environment = {**os.environ, "CEPH_CONF": str(self._folder / "ceph.conf")}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        if done.returncode != 0:
            raise ServerUnavailable(f"{' '.join(command[:4])} failed: {done.stderr[-1000:]}")
        return done.stdout

    def _daemon(self, *command: str) -> None:
        self.processes.start([*command, "-c", str(self._folder / "ceph.conf"), "-f"])

    def _start_monitor(self) -> None:
        keyring, monmap = str(self._folder / "keyring"), str(self._folder / "monmap")
        for number, (name, capabilities) in enumerate(_KEYS.items()):
            create = ["--create-keyring"] if number == 0 else []
            caps = [part for service, cap in capabilities.items() for part in ("--cap", service, cap)]
            self._run("ceph-authtool", keyring, *create, "--gen-key", "-n", name, *caps)
        self._run("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", self._monitors, monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._daemon("ceph-mon", "-i", "a")

    def _start_osd(self) -> None:
        osd = str(uuid.uuid4())
        self._run("ceph", "--connect-timeout", "60", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0")
        wait_until(self._osd_is_up, "the OSD being up", self.processes)

    def _osd_is_up(self) -> bool:
        return bool(json.loads(self._run("ceph", "osd", "stat", "-f", "json"))["num_up_osds"])

    def _start_gateway(self) -> None:
        self._daemon("radosgw", "-n", "client.rgw")
        wait_until(lambda: answers(self.endpoint.url), "the gateway answering", self.processes)
        self.add_user("vanvault", ACCESS_KEY, SECRET_KEY)

    def add_user(self, name: str, access_key: str, secret_key: str) -> None:
        """Add a user of the gateway, who owns what he makes."""
        command = ["radosgw-admin", "user", "create", f"--uid={name}", f"--display-name={name}"]
        self._run(*command, f"--access-key={access_key}", f"--secret-key={secret_key}")
