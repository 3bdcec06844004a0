"""The start of a node: its parts, and its tasks in the order of their start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from vanvault.api.exporting import sweep_exports
from vanvault.api.extracting import sweep_task
from vanvault.api.health import refusal_of
from vanvault.api.ledger import recorder_of
from vanvault.api.metrics import Metrics
from vanvault.api.node import Duties, Node, NodeThreads
from vanvault.api.quotas import OVERHEAD_BYTES, QuotaLimits, Quotas
from vanvault.api.receive_pace import BodyPace
from vanvault.api.saturation import Saturation
from vanvault.api.signing_on import sign_ons_of
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy
from vanvault.archiver.core.model import Commit
from vanvault.archiver.core.settings import Settings
from vanvault.archiver.intake import Hooks, Intake, Ticket, release_here
from vanvault.archiver.replicas import LargeObjects
from vanvault.archiver.upkeep import SetAsideRecord
from vanvault.archiver.upkeep.periodic import (
    HealthRecord,
    IndexKeeper,
    Maintenance,
    PeerSync,
    Sampler,
    SiteMonitor,
    Supervisor,
    WaitingChanges,
)
from vanvault.recovery.access import EmergencyFiles, LookHearing, LookPort, LookRecorder, ReadCounter
from vanvault.recovery.accounts import AccountsView
from vanvault.recovery.conditions import ConditionWatch
from vanvault.recovery.gateways import GatewayDuty, RecordingIntake
from vanvault.recovery.holds import hold_task
from vanvault.recovery.person_tokens import PersonTokensView
from vanvault.recovery.reconcile import Reconciler
from vanvault.recovery.retention import clock_task
from vanvault.recovery.schedule import AskedJobs, open_scheduler
from vanvault.recovery.verified import count_verifications

#: Longest wait of a look at other nodes for a process that writes the hot tail: readers wait for that look.
_LOCK_S = 2.0


def start_node(
    archive: Archive, loop: asyncio.AbstractEventLoop, metrics: Metrics, saturation: Saturation
) -> Node:
    """Put a node together on an open archive and start it. Raises SettingsError (the table of jobs).

    Outcomes of entries are handed to ``loop``, a whole group at a time.
    """

    def release(tickets: Sequence[Ticket]) -> None:
        if tickets and not loop.is_closed():
            loop.call_soon_threadsafe(release_here, tickets)

    count_verifications(archive)
    sweep_exports(archive.home)
    archive.lets_back = False
    maintenance = Maintenance(archive)
    intake = archive.open_intake(Hooks(release, metrics.group))
    emergency = EmergencyFiles(archive.home, archive.clock)
    accounts = AccountsView.of(archive)
    looks = LookRecorder(LookPort(intake.submit, archive.record_aside, emergency.keep), archive.clock)
    draining = threading.Event()
    node = Node(
        archive=archive,
        intake=intake,
        large=LargeObjects(
            archive.sites, archive.keys, archive.entropy, archive.object_signer, policy=archive.policy
        ),
        quotas=_quotas(archive, metrics, saturation),
        saturation=saturation,
        body_pace=_body_pace(archive.settings),
        threads=_threads(),
        duties=Duties(
            sampler=Sampler(archive),
            peers=PeerSync(lambda: _fold_peers(archive, intake), archive.settings.intake.follow_interval_s),
            maintenance=maintenance,
            conditions=ConditionWatch(
                archive,
                opened=lambda: intake.committer.writer is not None,
                refusal=lambda: refusal_of(intake),
                lock_alarms=lambda: len(keeper.alarms) if (keeper := maintenance.snapshot.keeper) else 0,
            ),
            looks=looks,
            reads=ReadCounter(
                looks,
                archive.clock,
                archive.entropy,
                settle=lambda: emergency.settle(archive.record_aside),
            ),
            asked_jobs=AskedJobs(archive, draining),
        ),
        draining=draining,
        supervisor=Supervisor(clock=archive.clock, stopwatch=archive.stopwatch),
        metrics=metrics,
        sign_ons=sign_ons_of(archive, intake, accounts),
        person_tokens=PersonTokensView(
            archive, accounts, tell=lambda event: intake.submit(event, lambda outcome, repeated: None)
        ),
    )
    _register(node)
    node.supervisor.start()
    return node


def _quotas(archive: Archive, metrics: Metrics, saturation: Saturation) -> Quotas:
    intake, limits = archive.settings.intake, archive.settings.limits
    own = limits.of_gateways()

    def refused(limit: str) -> None:
        metrics.limited(limit)
        saturation.reached(limit)

    return Quotas(
        QuotaLimits(
            total_bytes=intake.memory_bytes,
            # The original of a message is read with three times its size.
            largest_bytes=3 * max(intake.max_message_bytes, intake.max_request_bytes) + OVERHEAD_BYTES,
            waiting_entries=intake.pool_limits().waiting_entries // 2,
            gateways=lambda: archive.gateways.count,
            of_gateway=lambda gateway: own.get(gateway, limits),
        ),
        refused=refused,
    )


def _body_pace(settings: Settings) -> BodyPace:
    http = settings.http
    return BodyPace(
        silence_s=settings.intake.body_timeout_s,
        grace_s=http.header_timeout_s,
        bytes_per_s=http.body_bytes_per_s,
        limit_s=http.body_limit_s,
    )


def _register(node: Node) -> None:
    """Every task, in the order of their start; they stop in the reverse order.

    Who puts something on record stops before intake does.
    """
    archive, intake, supervisor, duties = node.archive, node.intake, node.supervisor, node.duties
    recorder = recorder_of(node)
    monitor = SiteMonitor(
        archive.readable,
        archive.health,
        HealthRecord(intake.submit, lambda: intake.refusal is None, archive.policy.may_degrade),
        waiting=WaitingChanges(archive.home / "cache" / "health", archive.entropy),
        clock=archive.clock,
        every_s=archive.settings.health.check_interval_s,
    )
    scheduler = open_scheduler(archive, node.draining)

    def finish_record() -> None:
        if intake.committer.state in ("closed", "failed"):
            recorder.finish()

    supervisor.at_stop("availability-file", finish_record)
    supervisor.at_stop("intake", intake.close)
    supervisor.add(*intake.tasks)
    supervisor.at_stop("look-record", duties.looks.close)
    supervisor.at_stop("reads", duties.reads.close)
    supervisor.add(duties.reads.task, LookHearing(archive.home, duties.looks).task)
    supervisor.at_stop("site-monitor", monitor.close)
    supervisor.add(*monitor.tasks)
    supervisor.add(Reconciler(archive, lambda upgrades: _record(intake, upgrades)).task)
    supervisor.add(SetAsideRecord(archive).task)
    gateways = GatewayDuty(
        archive.gateways,
        archive.search,
        RecordingIntake(intake.submit, lambda: intake.refusal is None),
        archive.clock,
    )
    supervisor.at_stop("gateways", gateways.close)
    supervisor.add(gateways.task)
    supervisor.at_stop("sampler", duties.sampler.close)
    supervisor.add(duties.sampler.task, duties.peers.task, duties.conditions.task)
    supervisor.at_stop("availability", recorder.say_last)
    supervisor.add(recorder.task)
    supervisor.add(IndexKeeper(archive).task, hold_task(archive), clock_task(archive))
    supervisor.add(sweep_task(archive, node.threads.exports))
    if archive.settings.compaction.in_serve:
        supervisor.add(duties.maintenance.task)
    supervisor.add(duties.asked_jobs.task)
    if scheduler is not None:
        supervisor.add(scheduler.task)


def _fold_peers(archive: Archive, intake: Intake) -> None:
    """Fold what other nodes wrote; before this node's writer opens, its start folds everything."""
    writer = intake.committer.writer
    if writer is not None:
        if not intake.tail_updater.flush():  # what a new leader lacks of this node's own must be known
            raise Busy("the hot tail does not hold yet what this node archived", retry_after=2)
        with archive.tail.waiting_at_most(_LOCK_S):
            archive.follow(own=writer.id)


def _record(intake: Intake, upgrades: Sequence[Commit]) -> None:
    writer = intake.committer.writer
    if writer is not None:
        writer.record(upgrades)


def _threads() -> NodeThreads:
    return NodeThreads(
        compute=ThreadPoolExecutor(4, thread_name_prefix="compute"),
        reads=ThreadPoolExecutor(4, thread_name_prefix="read"),
        lookups=ThreadPoolExecutor(2, thread_name_prefix="look-up-large"),
        large=ThreadPoolExecutor(4, thread_name_prefix="large"),
        sign_on=ThreadPoolExecutor(4, thread_name_prefix="sign-on"),
        passwords=ThreadPoolExecutor(2, thread_name_prefix="password"),
        exports=ThreadPoolExecutor(1, thread_name_prefix="export"),
        listings=ThreadPoolExecutor(1, thread_name_prefix="listing"),
    )
