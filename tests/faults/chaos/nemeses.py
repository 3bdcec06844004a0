"""Nemeses: each does its harm and returns what ends it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.faults.chaos.cluster import BUCKET, Cluster, Daemon, Store, other
from tests.faults.chaos.hosts import Namespaces
from tests.faults.chaos.plan import Step
from tests.servers.fault_proxy import Fault

Undo = Callable[[], None]
Nemesis = Callable[[Cluster, Step, Random], Undo]

_EVERY = 1_000_000  # requests
_HARMED = 3  # objects that one step harms at most
_LEFT = 64 * 1024  # bytes on a disk that is full
#: Seconds that a clock is off: more than the archive permits, more than S3's signatures do, and years.
_OFF_S = (-86_400 * 4000, -86_400, -300, 300, 86_400, 86_400 * 4000)


def begin(cluster: Cluster, step: Step) -> Undo:
    """Let it loose; the returned function ends it."""
    return NEMESES[step.nemesis](cluster, step, Random(step.seed))


def _kill(daemon: Daemon) -> Undo:
    daemon.processes.stop()
    return daemon.start


def _freeze(daemon: Daemon) -> Undo:
    daemon.processes.freeze()
    return daemon.processes.thaw


def _node_kill(cluster: Cluster, step: Step, random: Random) -> Undo:
    return _kill(cluster.nodes[step.node])


def _node_freeze(cluster: Cluster, step: Step, random: Random) -> Undo:
    return _freeze(cluster.nodes[step.node])


def _store_kill(cluster: Cluster, step: Step, random: Random) -> Undo:
    return _kill(cluster.stores[step.site])


def _store_freeze(cluster: Cluster, step: Step, random: Random) -> Undo:
    return _freeze(cluster.stores[step.site])


def _compact(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A compactor of all that came until now, on a node's host; it may meet whatever else goes on."""
    process = _compactor(cluster, step)

    def end() -> None:
        _wait(cluster, process, 60)

    return end


def _compact_kill(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A compactor that dies in the middle."""
    process = _compactor(cluster, step)
    _let_work(process, random)
    process.kill()
    return lambda: _wait(cluster, process, 5)


def _compact_freeze(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A compactor that stands still in the middle, and goes on when the others did."""
    process = _compactor(cluster, step)
    _let_work(process, random)
    process.send_signal(signal.SIGSTOP)

    def end() -> None:
        process.send_signal(signal.SIGCONT)
        _wait(cluster, process, 60)

    return end


def _let_work(process: subprocess.Popen[bytes], random: Random) -> None:
    """Wait until a verb has called a store (a Python takes seconds to start), and a moment more."""
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 15 and not _has_socket(process.pid):
        time.sleep(0.02)
    time.sleep(random.uniform(0, 1.5))


def _has_socket(pid: int) -> bool:
    with suppress(OSError):
        return any(os.readlink(one).startswith("socket:") for one in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _compactor(cluster: Cluster, step: Step) -> subprocess.Popen[bytes]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return cluster.begin("compact", "--until", now, node=cluster.nodes[step.node])


def _wait(
    cluster: Cluster, process: subprocess.Popen[bytes], seconds: float, actor: str = "compactor"
) -> None:
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    code = process.returncode
    cluster.history.note(actor, "end", f"exit {code}", said=said.decode()[-300:] if code else "")


def _partition(cluster: Cluster, step: Step, random: Random) -> Undo:
    """The nodes at each site see their own store only."""
    for node in cluster.nodes:
        cluster.cut(node, other(node.place))
    return cluster.mend


def _one_way(cluster: Cluster, step: Step, random: Random) -> Undo:
    """Requests from one site to the other arrive; no answer comes back."""
    for node in cluster.nodes:
        if node.place == step.site:
            cluster.cut(node, other(step.site), answers_only=True)
    return cluster.mend


def _node_cut(cluster: Cluster, step: Step, random: Random) -> Undo:
    cluster.cut(cluster.nodes[step.node], step.site, answers_only=random.random() < 0.5)
    return cluster.mend


def _gateway_cut(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A gateway's pushes are taken by a node, and it never learns of it; or they do not arrive at all."""
    assert isinstance(cluster.hosts, Namespaces)
    gateway, node = random.choice(cluster.gateways), cluster.nodes[step.node]
    cluster.hosts.cut(node.host, gateway)
    if random.random() < 0.5:
        cluster.hosts.cut(gateway, node.host)
    return cluster.mend


def _link_down(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A store's or a node's cable is pulled."""
    assert isinstance(cluster.hosts, Namespaces)
    hosts = cluster.hosts
    host = random.choice([cluster.stores[step.site], cluster.nodes[step.node]]).host
    hosts.link(host, "down")
    return lambda: hosts.link(host, "up")


def _slow(cluster: Cluster, step: Step, random: Random) -> Undo:
    for line in cluster.lines.values():
        line.script(Fault.SLOW, times=_EVERY)
    return cluster.mend


def _lossy(cluster: Cluster, step: Step, random: Random) -> Undo:
    """Now and then a connection breaks, before the store has done what it was asked or after."""
    for line in cluster.lines.values():
        for _ in range(200):
            fault = random.choice((Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.ERROR_500_AFTER))
            line.script(fault, skip=random.randrange(8))
    return cluster.mend


def _disk_full(cluster: Cluster, step: Step, random: Random) -> Undo:
    store = cluster.stores[step.site]
    filler = store.room / "filler"
    room = os.statvfs(store.room)
    # The store writes meanwhile, and may have taken the last of it.
    with filler.open("wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - _LEFT))
    return lambda: filler.unlink(missing_ok=True)


def _clock_jump(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A node's host has its clock set wrong, and right again."""
    clock = cluster.nodes[step.node].clock
    assert clock is not None
    clock.set_off(timedelta(seconds=random.choice(_OFF_S)))
    return lambda: clock.set_off(timedelta())


def _promote(cluster: Cluster, step: Step, random: Random) -> Undo:
    """A person lets one site lead, whatever else goes on; the way back is taken when all is mended."""
    arguments = ("failover", "promote", "--site", step.site, "--reason", "chaos", "--yes")
    process = cluster.begin(*arguments)

    def end() -> None:
        _wait(cluster, process, 60, "promotion")
        cluster.promoted = True  # or perhaps: it may have failed, but stored

    return end


def _harm(how: Callable[[Path, Random], None]) -> Nemesis:
    def nemesis(cluster: Cluster, step: Step, random: Random) -> Undo:
        """Harm some objects in the store's own files; what the other site lacks is spared."""
        store = cluster.stores[step.site]
        keys = sorted(_keys(store) & _keys(cluster.stores[other(step.site)]))
        chosen = random.sample(keys, min(_HARMED, len(keys)))
        for key in chosen:
            how(store.drive / BUCKET / key, random)
        cluster.harmed.add(step.site)
        cluster.harmed_keys.update((step.site, key) for key in chosen)
        cluster.history.note(step.nemesis, "harmed", step.site, keys=chosen)
        return lambda: None

    return nemesis


def _keys(store: Store) -> set[str]:
    root = store.drive / BUCKET
    return {str(path.parent.relative_to(root)) for path in root.rglob("xl.meta")}


def _some_file(folder: Path, random: Random) -> Path:
    """MinIO keeps small objects within ``xl.meta``, larger ones in parts beside it."""
    return random.choice(sorted(path for path in folder.rglob("*") if path.is_file()))


def _flip(folder: Path, random: Random) -> None:
    path = _some_file(folder, random)
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def _truncate(folder: Path, random: Random) -> None:
    path = _some_file(folder, random)
    os.truncate(path, random.randrange(path.stat().st_size))


def _delete(folder: Path, random: Random) -> None:
    shutil.rmtree(folder)


def wipe(cluster: Cluster, site: str) -> None:
    """The site burns down: an empty drive in its place."""
    store = cluster.stores[site]
    store.processes.stop()
    shutil.rmtree(store.drive)
    cluster.harmed.add(site)
    store.start()
    cluster.history.note("nemesis", "wiped", site)


NEMESES: dict[str, Nemesis] = {
    "node-kill": _node_kill,
    "node-freeze": _node_freeze,
    "store-kill": _store_kill,
    "store-freeze": _store_freeze,
    "compact": _compact,
    "compact-kill": _compact_kill,
    "compact-freeze": _compact_freeze,
    "partition": _partition,
    "partition-one-way": _one_way,
    "node-cut": _node_cut,
    "gateway-cut": _gateway_cut,
    "link-down": _link_down,
    "slow": _slow,
    "lossy": _lossy,
    "disk-full": _disk_full,
    "clock-jump": _clock_jump,
    "promote": _promote,
    "flip": _harm(_flip),
    "truncate": _harm(_truncate),
    "delete": _harm(_delete),
}
