"""The rooms of the house: who may import whom, and how many names each door has.

A room is a folder (in ``core`` also a single module) that others enter by its door only: the names in the
``__all__`` of its ``__init__.py``. A part with a door of its own, such as ``stores.probe``, is a room as
well; the modules of the folder around it may import each other freely.

Rooms of ``archiver`` stand here without their prefix. A name that ends with ``.*`` is the room and everything
below it. A room stands after all that it may import, so there can be no cycle.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """One row: ``door`` is how many names the room shows, None for a module that is its own door."""

    name: str
    door: int | None
    may_import: tuple[str, ...] = ()


def _room(name: str, door: int | None, may_import: str = "") -> Room:
    return Room(_whole(name), door, tuple(map(_whole, may_import.split())))


def _whole(name: str) -> str:
    return name if name.split(".")[0] in ("archiver", "recovery", "api", "cli") else f"archiver.{name}"


ROOMS = (
    _room("core.errors", None),
    _room("core.ports", None),
    _room("core.faults", None),
    _room("core.recorded_event", None),
    _room("core.bound_fold", None, "core.errors core.recorded_event"),
    _room("core.tasks", None),
    _room("core.options", None),
    _room("core.system_files", None),
    _room("core.machine", None, "core.errors"),
    _room("core.error_table", None, "core.errors core.machine"),
    _room("core.caches", None, "core.errors"),
    _room("core.search_form", None),
    _room("core.digests", None),
    _room("core.times", None, "core.errors"),
    _room("core.asked_times", None, "core.errors core.times"),
    _room("core.names", None, "core.errors"),
    _room("core.law", 10, "core.errors"),
    _room("core.retention", None, "core.errors core.law"),
    _room("core.object_limits", None, "core.names core.options core.retention"),
    _room("core.key_port", None, "core.errors core.names core.ports"),
    _room("core.model", 18),
    _room("core.readable", 9, "core.errors"),
    _room("core.metadata", 1, "core.model"),
    _room("core.sample", 6, "core.model"),
    _room(
        "core.settings",
        15,
        "core.asked_times core.errors core.options",
    ),
    _room("core.canonical", None, "core.errors"),
    _room("core.format", 0),
    _room("core.format.encrypted", None, "core.errors core.names core.key_port"),
    _room("core.format.framed", None, "core.errors core.key_port"),
    _room(
        "core.format.batches",
        25,
        "core.errors core.times core.names core.key_port core.canonical core.model core.format.encrypted",
    ),
    _room("core.format.row_blocks", 9, "core.errors core.key_port core.canonical"),
    _room(
        "core.format.segments",
        21,
        "core.errors core.times core.names core.canonical core.model core.format.row_blocks",
    ),
    _room("core.format.segments.schema", None),
    _room(
        "core.evidence",
        8,
        "core.errors core.times core.canonical core.format.* core.model",
    ),
    _room("core.outcome", None, "core.errors core.evidence"),
    _room("disk", 13),
    _room("home_files", None, "core.*"),
    _room("core_dumps", None),
    _room("worker_origin", None),
    _room("standard_streams", None),
    _room("log_lines", None),
    _room("people", 15, "core.* disk home_files"),
    _room("people.accounts", 29, "core.*"),
    _room("people.approvals", 20, "core.* people.accounts"),
    _room("people.credentials", 5, "core.*"),
    _room("people.extraction", 12, "core.*"),
    _room("people.looks", 14, "core.errors core.times core.canonical core.search_form"),
    _room("people.sight", 2, "core.* people.accounts"),
    _room("people.sign_on.local", 16, "core.*"),
    _room("people.sign_on.oidc", 21, "core.* people.accounts"),
    _room("people.sign_on", 33, "core.* people.accounts people.sign_on.local people.sign_on.oidc"),
    _room("people.tokens", 15, "core.* people people.accounts people.credentials"),
    _room("retention", 31, "core.*"),
    _room("disposal", 34, "core.* retention"),
    _room("keys", 26, "core.* disk"),
    _room("keys.parquet", None, "core.errors core.names core.key_port core.ports keys"),
    _room("keys.escrow", 14, "core.* disk"),
    _room("stores", 42, "core.* disk keys"),
    _room("stores.s3", 2, "core.*"),
    _room("stores.provision", 8, "core.*"),
    _room("stores.verdict", 14, "core.* keys"),
    _room("stores.probe", 3, "core.* keys stores.s3 stores.verdict"),
    _room("replicas", 31, "core.* keys stores"),
    _room(
        "catalogue",
        29,
        "core.* disk keys keys.parquet stores stores.s3 replicas",
    ),
    _room(
        "journal",
        16,
        "core.* log_lines keys stores stores.verdict replicas catalogue",
    ),
    _room("journal.availability", 12, "core.* disk log_lines catalogue"),
    _room(
        "intake",
        14,
        "core.* log_lines keys keys.parquet stores replicas catalogue",
    ),
    _room(
        "appliance",
        15,
        "core.* core_dumps disk home_files log_lines people people.credentials keys keys.parquet keys.escrow"
        " stores stores.verdict replicas catalogue journal intake",
    ),
    _room(
        "upkeep",
        21,
        "core.* core_dumps disk log_lines keys keys.parquet stores replicas catalogue journal intake"
        " appliance",
    ),
    _room(
        "upkeep.residue",
        6,
        "core.* keys keys.parquet stores replicas catalogue appliance upkeep",
    ),
    _room("upkeep.periodic", 11, "core.* disk log_lines stores replicas intake appliance upkeep"),
    _room(
        "export",
        11,
        "core.* disk keys replicas catalogue journal appliance",
    ),
    _room("recovery.work", 19, "archiver.*"),
    _room("recovery.documents", 24, "archiver.*"),
    _room("recovery.running", 7, "archiver.* recovery.work"),
    _room("recovery.job_record", 11, "archiver.*"),
    _room("recovery.objects", 24, "archiver.*"),
    _room("recovery.custody", 29, "archiver.* recovery.work"),
    _room("recovery.clock", 6, "archiver.* recovery.work"),
    _room("recovery.gateways", 11, "archiver.* recovery.work"),
    _room("recovery.accounts", 19, "archiver.* recovery.work"),
    _room("recovery.access", 18, "archiver.* recovery.work"),
    _room("recovery.person_tokens", 5, "archiver.* recovery.accounts recovery.work"),
    _room("recovery.sign_on", 26, "archiver.* recovery.work recovery.accounts"),
    _room("recovery.approvals", 17, "archiver.* recovery.work recovery.accounts recovery.sign_on"),
    _room("recovery.disposal_record", 6, "archiver.* recovery.approvals"),
    _room("recovery.holds", 10, "archiver.* recovery.work recovery.approvals"),
    _room("recovery.timeline", 6, "archiver.*"),
    _room("recovery.shown", 1, "archiver.*"),
    _room("recovery.searched", 5, "archiver.*"),
    _room(
        "recovery.retention",
        23,
        "archiver.* recovery.approvals recovery.holds recovery.timeline recovery.work",
    ),
    _room(
        "recovery.extraction",
        12,
        "archiver.* recovery.work recovery.documents recovery.accounts recovery.approvals",
    ),
    _room("recovery.availability", 15, "archiver.* recovery.work"),
    _room("recovery.notices", 9, "archiver.* recovery.work"),
    _room("recovery.maintenance", 11, "archiver.* recovery.work"),
    _room("recovery.verified", 14, "archiver.*"),
    _room("recovery.verify", 11, "archiver.* recovery.work recovery.objects recovery.verified"),
    _room("recovery.coverage", 10, "archiver.* recovery.work recovery.verified"),
    _room("recovery.reconcile", 12, "archiver.* recovery.work recovery.objects"),
    _room(
        "recovery.standings",
        10,
        "archiver.* recovery.approvals recovery.disposal_record recovery.documents recovery.extraction"
        " recovery.holds recovery.reconcile recovery.retention recovery.timeline",
    ),
    _room(
        "recovery.reports",
        18,
        "archiver.* recovery.access recovery.accounts recovery.documents recovery.gateways"
        " recovery.notices recovery.standings recovery.work",
    ),
    _room(
        "recovery.clearing",
        9,
        "archiver.* recovery.work recovery.objects recovery.verified recovery.verify recovery.clock"
        " recovery.coverage recovery.reconcile",
    ),
    _room(
        "recovery.repair",
        9,
        "archiver.* recovery.work recovery.objects recovery.verified recovery.verify",
    ),
    _room("recovery.restore", 11, "archiver.* recovery.work recovery.objects recovery.verify"),
    _room(
        "recovery.backup",
        24,
        "archiver.* recovery.work recovery.custody recovery.objects recovery.restore recovery.verify",
    ),
    _room(
        "recovery.failover",
        13,
        "archiver.* recovery.work recovery.objects recovery.reconcile recovery.verified recovery.verify",
    ),
    _room(
        "recovery.drill",
        22,
        "archiver.* recovery.work recovery.documents recovery.custody recovery.backup recovery.repair"
        " recovery.restore recovery.verified recovery.verify",
    ),
    _room("recovery.forecast", 10, "archiver.* recovery.work recovery.objects recovery.drill"),
    _room(
        "recovery.schedule",
        14,
        "archiver.* recovery.availability recovery.backup recovery.clearing recovery.coverage recovery.drill"
        " recovery.forecast recovery.maintenance recovery.notices recovery.reconcile recovery.repair"
        " recovery.reports recovery.running recovery.verified recovery.verify recovery.work",
    ),
    _room(
        "recovery.conditions",
        11,
        "archiver.* recovery.access recovery.accounts recovery.approvals recovery.backup recovery.clock"
        " recovery.coverage recovery.custody recovery.disposal_record recovery.drill recovery.holds"
        " recovery.notices recovery.reconcile recovery.reports recovery.retention recovery.schedule"
        " recovery.sign_on recovery.verified",
    ),
    _room(
        "recovery.status",
        6,
        "archiver.* recovery.backup recovery.clearing recovery.conditions recovery.custody"
        " recovery.disposal_record recovery.objects recovery.reconcile recovery.schedule recovery.work",
    ),
    _room(
        "recovery.disposal",
        14,
        "archiver.* recovery.approvals recovery.backup recovery.coverage recovery.disposal_record"
        " recovery.documents recovery.holds recovery.standings recovery.status recovery.verified"
        " recovery.work",
    ),
    _room("api.listener", 10, "core.errors core.error_table"),
    _room("api.console", 1, "archiver.* recovery.*"),
    _room("api", 1, "archiver.* recovery.* api.listener api.console"),
    _room("cli", 0, "archiver.* recovery.* api"),
)
