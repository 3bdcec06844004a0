"""Reconciliation: the sites are brought level, and conflicts between them are named and resolved."""

from __future__ import annotations

from vanvault.recovery.reconcile.conflicts import EntryConflict, count_open, open_conflicts, resolve
from vanvault.recovery.reconcile.lag import known_lag
from vanvault.recovery.reconcile.reconcile import ReconcileReport, reconcile_sites
from vanvault.recovery.reconcile.reconciler import Reconciler
from vanvault.recovery.reconcile.run import ReconcileRequest, Reconciliation, reconcile
from vanvault.recovery.reconcile.upgrade import upgrade_all

__all__ = [
    "EntryConflict",
    "ReconcileReport",
    "ReconcileRequest",
    "Reconciler",
    "Reconciliation",
    "count_open",
    "known_lag",
    "open_conflicts",
    "reconcile",
    "reconcile_sites",
    "resolve",
    "upgrade_all",
]
