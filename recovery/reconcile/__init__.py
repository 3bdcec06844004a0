"""The door of reconcile."""

from __future__ import annotations

from vanvault.recovery.reconcile.conflicts import Conflict, count_open, open_conflicts, resolve
from vanvault.recovery.reconcile.lag import known_lag
from vanvault.recovery.reconcile.reconcile import ReconcileReport, pause, reconcile
from vanvault.recovery.reconcile.reconciler import Reconciler
from vanvault.recovery.reconcile.upgrade import Upgraded, upgrade_all

__all__ = [
    "Conflict",
    "ReconcileReport",
    "Reconciler",
    "Upgraded",
    "count_open",
    "known_lag",
    "open_conflicts",
    "pause",
    "reconcile",
    "resolve",
    "upgrade_all",
]
