"""Who may call: gateways, their tokens and what these are good for, and their policies."""

from __future__ import annotations

from vanvault.archiver.home_files import GATEWAYS_FILE
from vanvault.archiver.people.gateways import Caller, Gateways, NewToken
from vanvault.archiver.people.roster import POLICIES, Gateway, RosterChange, check_name, taken_by_removed
from vanvault.archiver.people.terms import SCOPES, Address, Network, Scope, TokenTerms, parse_network

__all__ = [
    "GATEWAYS_FILE",
    "POLICIES",
    "SCOPES",
    "Address",
    "Caller",
    "Gateway",
    "Gateways",
    "Network",
    "NewToken",
    "RosterChange",
    "Scope",
    "TokenTerms",
    "check_name",
    "parse_network",
    "taken_by_removed",
]
