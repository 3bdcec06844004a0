"""What one node counts and measures, in a registry of its own. Described for operators in docs/metrics.md.

Names follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/): prefix, unit, ``_total``.
Labels take few values, all known ahead: never an id, a gateway or anything that a caller chose.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vanvault import __version__
from vanvault.api.saturation import NODE_LIMITS, OWN_LIMITS
from vanvault.archiver.core.errors import VanVaultError
from vanvault.archiver.intake import Ticket

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: Seconds; the limits of an acknowledgement in milliseconds are 1, 2.5, 5, ...
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ENTRIES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
_BYTES = tuple(4**power * 1024.0 for power in range(9))  # 1 KiB to 64 MiB
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: Intake routes, and what their entries are.
ENTRIES = {"/v1/messages": "message", "/v1/messages:batch": "message", "/v1/events": "event"}


class _Lean(Collector):
    """A registry without the ``_created`` series: nobody asks, and they double the page."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [found for found in family.samples if not found.name.endswith("_created")]
            yield family


class Metrics:
    """The instruments of one node. Safe from many threads."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self._accepted = Counter(
            "vanvault_entries_accepted", "Entries archived for the first time.", ["entry"], registry=registry
        )
        self._repeated = Counter(
            "vanvault_entries_repeated",
            "Entries that were archived before and got their first receipt again.",
            ["entry"],
            registry=registry,
        )
        self._refused = Counter(
            "vanvault_entries_refused",
            "Entries, or whole intake requests, that were refused, by kind of problem.",
            ["entry", "problem"],
            registry=registry,
        )
        self._accepted_bytes = Counter(
            "vanvault_accepted_bytes", "Bytes of accepted originals and events.", ["entry"], registry=registry
        )
        self._ack = Histogram(
            "vanvault_ack_duration_seconds",
            "From the head of an intake request to its acknowledgement.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._requests = Counter(
            "vanvault_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._duration = Histogram(
            "vanvault_http_request_duration_seconds",
            "From the head of a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._received = Counter(
            "vanvault_http_received_bytes", "Bytes of bodies received.", registry=registry
        )
        self._sent = Counter("vanvault_http_sent_bytes", "Bytes of bodies sent.", registry=registry)
        self.in_flight = Gauge(
            "vanvault_http_requests_in_flight", "Requests being answered.", registry=registry
        )
        self._commit = Histogram(
            "vanvault_commit_duration_seconds",
            "One group commit: encode, encrypt, put at every site, read locks back.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._commit_entries = Histogram(
            "vanvault_commit_entries", "Entries of one group commit.", buckets=_ENTRIES, registry=registry
        )
        self._commit_bytes = Histogram(
            "vanvault_commit_bytes",
            "Bytes of originals and events in one group commit.",
            buckets=_BYTES,
            registry=registry,
        )
        self._commit_failures = Counter(
            "vanvault_commit_failures", "Group commits that failed.", registry=registry
        )
        self._limited = Counter(
            "vanvault_limit_reached",
            "Requests that were refused, or connections that ended, because of a limit.",
            ["limit"],
            registry=registry,
        )
        for limit in (*NODE_LIMITS, *OWN_LIMITS):
            self._limited.labels(limit)
        self._entries: dict[str, tuple[Counter, Counter]] = {}
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram, Histogram | None]] = {}
        build = Gauge(
            "vanvault_build_info",
            "Always 1; its labels say what runs.",
            ["version", "python"],
            registry=registry,
        )
        build.labels(__version__, platform.python_version()).set(1)
        for entry in sorted(set(ENTRIES.values())):  # so that rates start at 0 and not at the first entry
            self._entries[entry] = self._accepted.labels(entry), self._accepted_bytes.labels(entry)
            self._repeated.labels(entry)

    def text(self) -> bytes:
        """Everything, in the Prometheus text format 0.0.4."""
        return generate_latest(_Lean(self.registry))

    def accepted(self, entry: str, count: int, size: int) -> None:
        """``count`` entries of ``size`` bytes together were archived."""
        entries, sizes = self._entries[entry]
        entries.inc(count)
        sizes.inc(size)

    def repeated(self, entry: str, count: int) -> None:
        """``count`` entries got their first receipt again."""
        self._repeated.labels(entry).inc(count)

    def refused(self, entry: str, problem: str) -> None:
        """An entry was refused; ``problem`` is the last part of the problem's URN."""
        self._refused.labels(entry, problem).inc()

    def limited(self, limit: str) -> None:
        """A limit was reached; ``limit`` is one of ``saturation``'s names."""
        self._limited.labels(limit).inc()

    def answered(
        self, *, method: str, route: str, status: int, seconds: float, received: int, sent: int
    ) -> None:
        """One request; ``route`` is a template, or "other"."""
        # Children are kept: looking one up costs more than counting.
        answered = self._children.get((method, route, status))
        if answered is None:
            known = method if method in _METHODS else "other"
            answered = (
                self._requests.labels(known, route, str(status)),
                self._duration.labels(route),
                self._ack.labels(route) if route in ENTRIES and status in (200, 201) else None,
            )
            if known == method:
                self._children[method, route, status] = answered
        requests, duration, ack = answered
        requests.inc()
        duration.observe(seconds)
        if ack is not None:
            ack.observe(seconds)
        if received:
            self._received.inc(received)
        self._sent.inc(sent)

    def group(self, tickets: Sequence[Ticket], seconds: float, error: VanVaultError | None) -> None:
        """One group commit, told by the writing thread."""
        if error is not None:
            self._commit_failures.inc()
            return
        self._commit.observe(seconds)
        self._commit_entries.observe(len(tickets))
        self._commit_bytes.observe(sum(ticket.draft.size for ticket in tickets))
