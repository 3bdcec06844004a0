"""Metrics that are read off the node when it is scraped: nothing here waits for a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vanvault.api.health import STATES, health_of
from vanvault.api.saturation import NODE_LIMITS
from vanvault.archiver.core.tasks import TaskStatus
from vanvault.archiver.replicas import CAUSES, Quarantine, SiteStatus
from vanvault.archiver.upkeep.periodic import SITE_STATES, MaintenanceSnapshot, SiteSample
from vanvault.recovery.conditions import CONDITIONS, Condition

if TYPE_CHECKING:
    from vanvault.api.listener import Connections
    from vanvault.api.node import Node

_VERDICTS = ("pass", "weak", "refused", "unreadable", "none")


class NodeCollector(Collector):
    """Reads the node that ``node`` returns, None while it starts, and the connections of its listener."""

    def __init__(
        self, node: Callable[[], Node | None], connections: Callable[[], Connections | None]
    ) -> None:
        self._node = node
        self._connections = connections

    def describe(self) -> Iterator[Metric]:
        """Nothing is registered by name: what a node has is known when it runs."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        node = self._node()
        health = health_of(node)
        yield _gauge("vanvault_ready", "1 when a message would be accepted now.", float(health.ready))
        states: dict[str, float] = {name: float(name == health.state) for name in STATES}
        yield _labelled("vanvault_node_state", "1 for the state that the node is in.", "state", states)
        yield from _open(self._connections())
        if node is None:
            return
        intake = node.intake
        reached = node.saturation.now()
        yield _labelled(
            "vanvault_saturated",
            "1 when gateways were refused lately, because the node reached this limit.",
            "limit",
            {limit: float(limit in reached) for limit in NODE_LIMITS},
        )
        yield _gauge("vanvault_inflight_bytes", "Bytes reserved by requests in flight.", node.quotas.used)
        yield _gauge(
            "vanvault_inflight_budget_bytes", "Most bytes in flight; more get 503.", node.quotas.limit
        )
        yield _gauge("vanvault_waiting_entries", "Entries that wait for a group commit.", intake.pool.waiting)
        updater = intake.tail_updater
        yield _gauge(
            "vanvault_hot_tail_lag_entries", "Entries committed, not yet searchable.", updater.backlog
        )
        yield _gauge("vanvault_hot_tail_lag_seconds", "How long the oldest of them waits.", updater.behind_s)
        yield _gauge(
            "vanvault_peer_fold_age_seconds",
            "Since what other nodes wrote was last folded whole.",
            node.duties.peers.behind_s,
        )
        sample = node.duties.sampler.last
        yield from _sites(sample.sites)
        statuses = node.archive.health.snapshot()
        yield from _lags(statuses)
        yield _barred(statuses)
        yield from _maintenance(node.duties.maintenance.snapshot)
        yield _set_aside(node.archive.sites, node.archive.quarantine.counts())
        yield from _tasks(node.supervisor.status())
        yield _conditions(node.duties.conditions.last)
        for name, what in (
            ("entries", "Entries"),
            ("batches", "Batch objects"),
            ("conflicts", "Conflicting ids"),
            ("segments", "Segments"),
        ):
            if name in sample.counts:
                text = f"{what} that this node knows of; counted now and then."
                yield _gauge(f"vanvault_archive_{name}", text, sample.counts[name])


def _conditions(last: Sequence[Condition] | None) -> Metric:
    """Every condition that there is, 0 while it does not stand; without a value before the first look."""
    family = GaugeMetricFamily(
        "vanvault_condition", "1 while somebody must see to this.", labels=["id", "severity"]
    )
    if last is not None:
        standing = {one.id for one in last}
        for kind in CONDITIONS.values():
            family.add_metric([kind.id, kind.severity], float(kind.id in standing))
    return family


def _open(connections: Connections | None) -> Iterator[Metric]:
    """Connections of the listener."""
    found: dict[str, float] = {}
    most = 0
    if connections is not None:
        found = {"caller": connections.callers, "stranger": len(connections) - connections.callers}
        most = connections.limits.total
    yield _labelled("vanvault_connections", "Open connections, by whether a valid token came.", "of", found)
    yield _gauge("vanvault_connections_limit", "Most connections at once.", most)


def _lags(statuses: Iterable[SiteStatus]) -> Iterator[Metric]:
    """What each site lacks, as reconciliation last saw it; without a value before the first comparison."""
    lags = {status.site: status.lag for status in statuses if status.lag is not None}
    for name, what in (
        ("objects", "Objects that the site lacks."),
        ("bytes", "Bytes that the site lacks."),
        ("seconds", "Age of the oldest object that the site lacks."),
    ):
        values = {site: float(getattr(lag, name)) for site, lag in lags.items()}
        yield _labelled(f"vanvault_site_lag_{name}", what, "site", values)


def _barred(statuses: Iterable[SiteStatus]) -> Metric:
    """Sites whose answers a check found wrong."""
    family = GaugeMetricFamily(
        "vanvault_site_barred", "1 while the site's answers are wrong.", labels=["site", "cause"]
    )
    for status in statuses:
        for cause in CAUSES:
            family.add_metric([status.site, cause], float(cause in status.barred))
    return family


def _maintenance(snapshot: MaintenanceSnapshot) -> Iterator[Metric]:
    """Compaction and the keeper, where this node does them; without a value before their first round."""
    last, keeper = snapshot.last_run, snapshot.keeper
    for name, what, value in (
        ("compacted_segments", "Segments this node has made.", snapshot.segments),
        ("compaction_failing", "1 when the last look failed.", bool(snapshot.last_error)),
        (
            "compaction_last_success_timestamp_seconds",
            "When compaction and keeper last ended without an error.",
            last.timestamp() if last is not None else None,
        ),
        (
            "uncompacted_batch_copies",
            "Copies of batches that no segment holds.",
            keeper.uncompacted if keeper is not None else None,
        ),
        (
            "lock_alarms",
            "Of these, copies whose lock was about to end, or had ended.",
            len(keeper.alarms) if keeper is not None else None,
        ),
    ):
        yield GaugeMetricFamily(f"vanvault_{name}", what, value=None if value is None else float(value))


def _set_aside(sites: Iterable[str], counts: Mapping[tuple[str, str], int]) -> Metric:
    """Zeros, too: a rule sees a count rise only where there was a series before."""
    family = GaugeMetricFamily(
        "vanvault_set_aside_objects",
        "Objects that are not the archive's, as this node last came across them.",
        labels=["site", "reason"],
    )
    for site in sites:
        for reason in Quarantine.REASONS:
            family.add_metric([site, reason], float(counts.get((site, reason), 0)))
    return family


def _tasks(tasks: Iterable[TaskStatus]) -> Iterator[Metric]:
    """How the node's periodic work goes; a task that never succeeded has no time."""
    failures = CounterMetricFamily(
        "vanvault_task_failures", "Rounds of the node's periodic work that failed.", labels=["task"]
    )
    last: dict[str, float] = {}
    for task in tasks:
        failures.add_metric([task.name], float(task.failures))
        if task.last_success is not None:
            last[task.name] = task.last_success.timestamp()
    yield failures
    yield _labelled(
        "vanvault_task_last_success_timestamp_seconds", "When a round last ended well.", "task", last
    )


def _sites(sites: Mapping[str, SiteSample]) -> Iterator[Metric]:
    if not sites:
        return
    up = {name: float(site.up) for name, site in sites.items()}
    yield _labelled("vanvault_site_up", "1 when the site answered the last time.", "site", up)
    states = GaugeMetricFamily("vanvault_site_state", "1 for the site's state.", labels=["site", "state"])
    for name, site in sites.items():
        for state in SITE_STATES:
            states.add_metric([name, state], float(site.state == state))
    yield states
    skew = {name: site.skew_s for name, site in sites.items() if site.up}
    yield _labelled("vanvault_site_clock_skew_seconds", "The site's clock less the host's.", "site", skew)
    ages = {name: site.probe_age_s for name, site in sites.items() if site.probe_age_s is not None}
    yield _labelled("vanvault_site_probe_age_seconds", "Age of the site's newest probe.", "site", ages)
    verdicts = GaugeMetricFamily(
        "vanvault_site_probe_verdict",
        "1 for the verdict of the site's newest probe.",
        labels=["site", "verdict"],
    )
    for name, site in sites.items():
        for verdict in _VERDICTS:
            verdicts.add_metric([name, verdict], float(site.verdict == verdict))
    yield verdicts


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
