"""Two sites with MinIO and two API nodes at each, every one on a host of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import ClientError

from tests.faults.chaos.history import History
from tests.faults.chaos.hosts import Host, Hosts, Namespaces
from tests.faults.chaos.ledger import LARGE_BYTES
from tests.faults.chaos.plan import Plan
from tests.servers.endpoint import Endpoint
from tests.servers.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.servers.host_clock import HostClock, library
from tests.servers.minio import ROOT_KEY, ROOT_SECRET, binary
from tests.servers.processes import Processes, free_ports
from tests.support.archives import SITES
from vanvault.archiver.appliance import Archive, init_home
from vanvault.archiver.stores.verdict import override_detail, override_event

BUCKET = "archive"
_MAIN = "from vanvault.cli.main import main; main()"
_FOR_EVER = 1_000_000  # requests
_STORE_BYTES = 192 * 2**20
_SETTINGS = {
    "INTAKE__LARGE_MESSAGE_BYTES": str(LARGE_BYTES),
    "COMPACTION__IN_SERVE": "false",
    "CLOCK__CHECK_INTERVAL_S": "3",
    "HEALTH__CHECK_INTERVAL_S": "0.5",
    "HEALTH__BACK_S": "1",
    "RECONCILE__CHECK_INTERVAL_S": "0.5",
    "RECONCILE__COMPARE_INTERVAL_S": "60",
    "LOG__ACCESS": "false",
    "JOBS__WORKERS": "1",
}
_S3_SETTINGS = {"ATTEMPTS": "2", "CONNECT_TIMEOUT_S": "1", "READ_TIMEOUT_S": "2"}
_POLICIES = {
    "all": {"SITES__POLICY": "all"},
    "any": {"SITES__POLICY": "any"},
    "fall-back": {"SITES__POLICY": "all", "SITES__FALL_BACK": "true"},
}


def other(site: str) -> str:
    return SITES[1 - SITES.index(site)]


@dataclass
class Daemon:
    """A process of the cluster that may be killed, frozen and started again."""

    name: str
    host: Host
    command: list[str]
    processes: Processes
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        return any(process.poll() is None for process in self.processes.running)

    def start(self) -> None:
        if not self.alive:
            self.processes.stop()
            self.processes.start(self.command, self.environment)

    def end(self, patience_s: float = 40) -> int:
        """SIGTERM; the exit code."""
        (process,) = self.processes.running
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            self.processes.stop()


@dataclass
class Store(Daemon):
    """The MinIO of one site; its drive is a file system of its own where that is permitted."""

    port: int = 9000
    room: Path = Path()  # the file system
    limited: bool = False  # can it be full?

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(f"http://{self.host.address}:{self.port}", ROOT_KEY, ROOT_SECRET)

    @property
    def drive(self) -> Path:
        return self.room / "drive"


@dataclass
class Node(Daemon):
    """``vanvault serve`` with a home of its own."""

    home: Path = Path()
    port: int = 8420
    place: str = ""  # the site that it stands at
    clock: HostClock | None = None  # None: the machine's

    @property
    def url(self) -> str:
        return f"http://{self.host.address}:{self.port}"

    def ready(self) -> bool:
        try:
            with httpx.Client(base_url=self.url, trust_env=False, timeout=3) as client:
                return bool(client.get("/v1/health/ready").json()["status"] == "ready")
        except (httpx.TransportError, ValueError, KeyError):
            return False


class Cluster:
    """All of it, running; ``folder`` holds homes, drives and logs."""

    def __init__(self, folder: Path, hosts: Hosts, history: History, plan: Plan) -> None:
        self.folder = folder
        self.hosts = hosts
        self.history = history
        self.plan = plan
        self.settings = {
            f"VANVAULT_{name}": value for name, value in (_SETTINGS | _POLICIES[plan.policy]).items()
        }
        for site in SITES:
            for name, value in _S3_SETTINGS.items():
                self.settings[f"VANVAULT_SITES__{site.upper()}__S3__{name}"] = value
        self.stores: dict[str, Store] = {}
        self.nodes: list[Node] = []
        self.lines: dict[tuple[str, str], FaultProxy] = {}  # by (node, site), where a proxy is in between
        self.gateways: list[Host] = []
        self.token = ""
        self.harmed: set[str] = set()  # sites whose stored bytes were harmed
        self.harmed_keys: set[tuple[str, str]] = set()  # (site, key)
        self.promoted = False  # may one site lead alone?
        self.resolved: set[frozenset[str]] = set()  # conflicts: the ids of both entries
        self._stack = ExitStack()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start everything; stop it at the end, whatever happened."""
        with self._stack:
            for site in SITES:
                self._add_store(site)
            self._make_home()
            for number, site in enumerate(SITES * self.plan.nodes):
                self._add_node(number, site)
            self.gateways = [self.hosts.add(f"gateway-{number}") for number in (1, 2)]
            for node in self.nodes:
                node.start()
            self.wait_ready()
            yield

    @property
    def archive_home(self) -> Path:
        """The operator's own home: keys and settings as the nodes have them."""
        return self.folder / "operator"

    def daemons(self) -> list[Daemon]:
        return [*self.stores.values(), *self.nodes]

    def _add_store(self, site: str) -> None:
        host, room = self.hosts.add(site), self.folder / "stores" / site
        room.mkdir(parents=True)
        limited = isinstance(self.hosts, Namespaces)
        if limited:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={_STORE_BYTES}", "none", str(room)], check=True
            )
            self._stack.callback(subprocess.run, ["umount", "--lazy", str(room)], check=False)
        port, console = free_ports(2)
        command = [str(binary()), "server", "--quiet", "--address", f"{host.address}:{port}"]
        command += ["--console-address", f"{host.address}:{console}", str(room / "drive")]
        store = Store(
            site,
            host,
            self.hosts.command(host, command),
            self._processes(site),
            {
                "MINIO_ROOT_USER": ROOT_KEY,
                "MINIO_ROOT_PASSWORD": ROOT_SECRET,
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
                "GOMAXPROCS": "2",
            },
            port=port,
            room=room,
            limited=limited,
        )
        self.stores[site] = store
        store.start()

    def _processes(self, name: str) -> Processes:
        processes = Processes(self.folder / f"{name}.log")
        self._stack.callback(processes.stop)
        return processes

    def _make_home(self) -> None:
        """A home whose sites are trusted without a probe, which takes half a minute."""
        wait_until(lambda: all(map(answers, self.stores.values())), "the stores", 30)
        for site in SITES:
            for kind, value in (("ACCESS", ROOT_KEY), ("SECRET", ROOT_SECRET)):
                path = self.folder / f"{site}.{kind.lower()}"
                path.write_text(value + "\n")
                self.settings[f"VANVAULT_{site.upper()}_{kind}_KEY_FILE"] = str(path)
        os.environ.update(self.settings)
        self._stack.callback(lambda: [os.environ.pop(name, None) for name in self.settings])
        urls = {site: store.endpoint.site_url(BUCKET) for site, store in self.stores.items()}
        self.token = init_home(self.archive_home, primary=urls["primary"], standby=urls["standby"])
        with Archive.open(self.archive_home) as archive:
            until = archive.clock.now() + timedelta(days=1)
            for site in SITES:
                detail = override_detail(site, "a test's own server", "test", until)
                archive.record(override_event(site), detail)

    def _add_node(self, number: int, place: str) -> None:
        name = f"{place}-{'ab'[number // len(SITES)]}"
        host, home = self.hosts.add(name), self.folder / name
        (port,) = free_ports(1)
        shutil.copytree(self.archive_home, home)
        command = [sys.executable, "-c", _MAIN, "--home", str(home), "serve"]
        command += ["--host", host.address, "--port", str(port)]
        node = Node(name, host, self.hosts.command(host, command), self._processes(name))
        node.home, node.port, node.place = home, port, place
        if library().is_file():
            node.clock = HostClock(self.folder / f"{name}.clock")
            node.environment |= node.clock.environment
        for site, store in self.stores.items():
            proxy = self._line(node, site)
            if proxy is not None:
                self.lines[name, site] = proxy
                through = Endpoint(proxy.url, ROOT_KEY, ROOT_SECRET).site_url(BUCKET)
                node.environment[f"VANVAULT_SITES__{site.upper()}__URL"] = through
            assert store.alive
        self.nodes.append(node)

    def _line(self, node: Node, site: str) -> FaultProxy | None:
        """On loopback a proxy is all that can be cut; else it makes the line between the sites bad."""
        upstream = self.stores[site].endpoint.url
        if not isinstance(self.hosts, Namespaces):
            return self._stack.enter_context(fault_proxy(upstream))
        if node.place == site:
            return None
        found = next((line for (_, to), line in self.lines.items() if to == site), None)
        if found is None:
            with self.hosts.on(self.stores[site].host):
                found = self._stack.enter_context(fault_proxy(upstream, self.stores[site].host.address))
        return found

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def wait_ready(self, seconds: float = 90) -> None:
        wait_until(lambda: all(node.ready() for node in self.nodes), "all nodes being ready", seconds)

    def heal(self) -> None:
        """Everything up, every line whole, clocks right; what bytes lack is the operator's to mend."""
        self.mend()
        for node in self.nodes:
            if node.clock is not None:
                node.clock.set_off(timedelta())
        for daemon in self.daemons():
            daemon.processes.thaw()
            daemon.start()
        self.history.note("run", "healed")

    def clean_drives(self) -> None:
        """What a store's administrator does before ``vanvault repair``: remove what is left of an object.

        A MinIO of one drive takes no new version over metadata that it cannot read.
        """
        for site, key in sorted(self.harmed_keys):
            store = self.stores[site]
            try:
                store.endpoint.client().head_object(Bucket=BUCKET, Key=key)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 500:
                    shutil.rmtree(store.drive / BUCKET / key, ignore_errors=True)
                    self.history.note("administrator", "removed", site, key=key)

    def verb(self, *arguments: str, patience_s: float = 120) -> tuple[int, Any]:
        """A verb of the operator: exit code, and its last line of JSON."""
        process = self.begin(*arguments)
        try:
            out, err = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        lines = out.decode().strip().splitlines()
        report = _json(lines[-1]) if lines else None
        said = err.decode()[-400:] if process.returncode else ""
        self.history.note("operator", " ".join(arguments), f"exit {process.returncode}", said=said)
        return process.returncode, report

    def begin(self, *arguments: str, node: Node | None = None) -> subprocess.Popen[bytes]:
        """Start a verb, on a node's host or the operator's; the caller waits for it or kills it."""
        home = node.home if node else self.archive_home
        command = [sys.executable, "-c", _MAIN, "--home", str(home), *arguments, "--json"]
        return subprocess.Popen(
            self.hosts.command(node.host, command) if node else command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(node.environment if node else {})},
        )

    def cut(self, node: Node, site: str, *, answers_only: bool = False) -> None:
        """Nothing passes between a node and a store; or its requests do, and no answer."""
        store = self.stores[site]
        if isinstance(self.hosts, Namespaces):
            self.hosts.cut(store.host, node.host)
            if not answers_only:
                self.hosts.cut(node.host, store.host)
        else:
            fault = Fault.HANG_AFTER if answers_only else Fault.HANG_BEFORE
            self.lines[node.name, site].script(fault, times=_FOR_EVER)

    def mend(self) -> None:
        """All lines are whole again."""
        if isinstance(self.hosts, Namespaces):
            self.hosts.mend()
        for line in self.lines.values():
            line.clear()


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def answers(store: Store) -> bool:
    """Does the store take requests?"""
    try:
        answer = httpx.get(f"{store.endpoint.url}/minio/health/ready", timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def wait_until(ready: Callable[[], bool], what: str, seconds: float) -> None:
    """Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not happen in {seconds:.0f} s")
        time.sleep(0.2)
