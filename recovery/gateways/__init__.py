"""Verbs about gateways: each changes who may call, on record; and what a running node does about them."""

from __future__ import annotations

from vanvault.recovery.gateways.duty import GatewayDuty, RecordingIntake
from vanvault.recovery.gateways.record import event_of, record_changes
from vanvault.recovery.gateways.verbs import (
    AddRequest,
    TokenRequest,
    add_gateway,
    add_token,
    remove_gateway,
    remove_token,
    set_policy,
)

__all__ = [
    "AddRequest",
    "GatewayDuty",
    "RecordingIntake",
    "TokenRequest",
    "add_gateway",
    "add_token",
    "event_of",
    "record_changes",
    "remove_gateway",
    "remove_token",
    "set_policy",
]
