"""The node's part in the availability ledger: its state, as the ledger's levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vanvault.api.health import health_of
from vanvault.archiver.journal.availability import AliveFiles, Level, RecordedNode, Recorder

if TYPE_CHECKING:
    from vanvault.api.node import Node

_ALIVE = "alive"


def recorder_of(node: Node) -> Recorder:
    """A recorder of this node."""
    archive, committer = node.archive, node.intake.committer

    def writer() -> str | None:
        return committer.writer.id if committer.writer else None

    return Recorder(
        RecordedNode(writer, lambda: level_of(node), node.intake.submit, archive.system_event),
        AliveFiles(archive.home / "cache" / _ALIVE),
        clock=archive.clock,
        stopwatch=archive.stopwatch,
        heartbeat_s=archive.settings.availability.heartbeat_interval_s,
    )


def level_of(node: Node) -> tuple[Level, str] | None:
    """Level and reason for the ledger; None while the node starts."""
    health = health_of(node)
    if health.ready:
        return (Level.UP if health.state == "ready" else Level.DEGRADED), health.state
    return None if health.state in ("starting", "recovering") else (Level.DOWN, health.state)
