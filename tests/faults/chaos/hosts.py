"""Hosts: network namespaces around a router, or plain processes on loopback where those are not permitted.

With namespaces, run.py has made a network and a mount namespace for the harness, in which it is the router::

    h-1 10.77.1.2 ── 10.77.1.1 ┐
    h-2 10.77.2.2 ── 10.77.2.1 ┼ router (the harness)
    ...                        ┘

A rule ``from A to B blackhole`` at the router drops silently what goes one way between two hosts, as a broken
line does; a blackhole route at a host would tell it at once. All of it ends with the harness.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_NETNS = Path("/run/netns")
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the run."""

    name: str
    address: str


class Hosts(Protocol):
    """Machines and the lines between them."""

    mode: str

    def add(self, name: str) -> Host: ...

    def command(self, host: Host, command: Sequence[str]) -> list[str]:
        """The same command, as run on this host."""
        ...

    def on(self, host: Host) -> AbstractContextManager[None]:
        """Sockets that this thread makes meanwhile are the host's."""
        ...


class Loopback:
    """All hosts are this machine."""

    mode = "loopback"

    def add(self, name: str) -> Host:
        return Host(name, "127.0.0.1")

    def command(self, host: Host, command: Sequence[str]) -> list[str]:
        return list(command)

    @contextmanager
    def on(self, host: Host) -> Iterator[None]:
        yield


class Namespaces:
    """Each host a network namespace, joined to the router by a veth pair."""

    mode = "namespaces"

    def __init__(self) -> None:
        """Only within ``unshare --net --mount``: it covers /run/netns of this mount namespace."""
        _NETNS.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "none", str(_NETNS))
        _ip("link", "set", "lo", "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        self._count = 0
        self._cuts: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def add(self, name: str) -> Host:
        self._count += 1
        net, wire = f"10.77.{self._count}", f"v{self._count}"
        _ip("netns", "add", name)
        _ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("addr", "add", f"{net}.1/24", "dev", wire)
        _ip("link", "set", wire, "up")
        for command in (
            ("addr", "add", f"{net}.2/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", f"{net}.1"),
        ):
            _ip("-n", name, *command)
        return Host(name, f"{net}.2")

    def command(self, host: Host, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", host.name, *command]

    @contextmanager
    def on(self, host: Host) -> Iterator[None]:
        with open("/proc/thread-self/ns/net") as own, (_NETNS / host.name).open() as other:
            _set_namespace(other.fileno())
            try:
                yield
            finally:
                _set_namespace(own.fileno())

    def cut(self, source: Host, target: Host) -> None:
        """Drop what ``source`` sends to ``target``, without a word."""
        with self._lock:
            if (source.address, target.address) not in self._cuts:
                self._cuts.append((source.address, target.address))
                _ip("rule", "add", *_rule(source.address, target.address))

    def mend(self) -> None:
        """Let everything through again."""
        with self._lock:
            while self._cuts:
                _ip("rule", "del", *_rule(*self._cuts.pop()))

    def link(self, host: Host, state: str) -> None:
        """Pull (``down``) or plug (``up``) the host's only cable, at the router's end."""
        wire = f"v{host.address.split('.')[2]}"
        _ip("link", "set", wire, state)


def _rule(source: str, target: str) -> tuple[str, ...]:
    return ("priority", "10", "from", source, "to", target, "blackhole")


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
