"""The table of conditions: what each means, how severe it is, and what to do. Pure.

Every row has an entry in a runbook and an alert rule; tests compare them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ConditionSeverity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """One row."""

    id: str
    severity: ConditionSeverity  # error: something is lost, or would be lost now
    remedy: str  # what to do first, with the command
    page: str  # of the folder runbooks, without language

    @property
    def runbook(self) -> str:
        """The page in English; the Vietnamese one lies beside it."""
        return f"runbooks/{self.page}.en.md"


_ROWS = (
    ConditionKind(
        "site-away",
        "error",
        "Bring the site back. Meanwhile vanvault failover promote lets the other one lead; if it is gone for"
        " good, run: vanvault restore.",
        "site-unavailable",
    ),
    ConditionKind("site-clock-off", "error", "Set the clock of that site right (NTP).", "site-unavailable"),
    ConditionKind(
        "clock-ahead",
        "error",
        "Run: vanvault clock show. If the clocks are right now, run: vanvault clock accept --reason TEXT.",
        "clock-wrong",
    ),
    ConditionKind(
        "clock-off",
        "error",
        "Set the clock right (NTP); see every clock: vanvault clock show.",
        "clock-wrong",
    ),
    ConditionKind(
        "probe-missing",
        "error",
        "Run: vanvault probe, with the name of the site.",
        "site-unavailable",
    ),
    ConditionKind(
        "intake-refused",
        "error",
        "Read GET /v1/health/ready and the log of the node; if its writing thread failed, start it anew.",
        "site-unavailable",
    ),
    ConditionKind("damage-known", "error", "Run: vanvault repair, then vanvault verify.", "objects-damaged"),
    ConditionKind(
        "verification-overdue",
        "error",
        "Run: vanvault verify --next, until vanvault coverage ends with 0.",
        "work-overdue",
    ),
    ConditionKind("lock-ends", "error", "Run: vanvault compact.", "work-overdue"),
    ConditionKind(
        "keepers-failing",
        "error",
        "Run: vanvault retention keep, then vanvault hold keep; each says what fails. Then see why no node"
        " does it by itself.",
        "work-overdue",
    ),
    ConditionKind(
        "profile-differs",
        "error",
        "Name the profile on record in retention.profile (and retention.originals_years), and start the node"
        " anew; or put another one in force: vanvault retention change.",
        "work-overdue",
    ),
    ConditionKind(
        "escrow-stale",
        "error",
        "Run: vanvault keys escrow split, hand out the shares, then run: vanvault keys escrow verify."
        " On a token: vanvault keys rotate all --escrow. A bundle that is not on record counts once it is"
        " verified.",
        "escrow-stale",
    ),
    ConditionKind(
        "escrow-unverified",
        "error",
        "Type or scan the shares and run: vanvault keys escrow verify.",
        "escrow-stale",
    ),
    ConditionKind(
        "escrow-missing",
        "warning",
        "Run: vanvault keys escrow split, then vanvault keys escrow verify. A bundle that is not on record"
        " (of an older version, or of a new token) counts once it is verified.",
        "escrow-stale",
    ),
    ConditionKind(
        "keys-missing",
        "error",
        "Run: vanvault keys escrow restore, with the newest shares. Until then rotate nothing. If no object"
        " needs the key, vanvault verify ends with 0, and this is over.",
        "keys-lost",
    ),
    ConditionKind(
        "key-acts-missing",
        "error",
        "The key folder is older than a revocation on record: restore it from a newer escrow.",
        "keys-lost",
    ),
    ConditionKind(
        "key-not-trusted",
        "warning",
        "Find out who put the key into the key folder: vanvault keys list.",
        "signing-key-stolen",
    ),
    ConditionKind(
        "backup-failed",
        "error",
        "Run: vanvault backup run, then vanvault backup check --read-data 100.",
        "backup-overdue",
    ),
    ConditionKind("backup-overdue", "error", "Run: vanvault backup run.", "backup-overdue"),
    ConditionKind(
        "backup-missing",
        "warning",
        "Name a repository elsewhere in backup.repository, then run: vanvault backup init.",
        "backup-overdue",
    ),
    ConditionKind(
        "backup-abroad",
        "warning",
        "Move the repository to Viet Nam, or let counsel say what may lie abroad: vanvault law.",
        "backup-overdue",
    ),
    ConditionKind(
        "look-emergency",
        "warning",
        "Bring a site back that takes the record, then run: vanvault access emergency --end.",
        "site-unavailable",
    ),
    ConditionKind(
        "drill-failed",
        "error",
        "Read why: vanvault drill show; mend it, and run the drill again.",
        "work-overdue",
    ),
    ConditionKind("drill-overdue", "warning", "Run: vanvault drill run.", "work-overdue"),
    ConditionKind(
        "job-failing",
        "warning",
        "Read why: vanvault schedule list, then run the job by hand.",
        "work-overdue",
    ),
    ConditionKind(
        "job-overdue",
        "warning",
        "See that a node or a timer starts jobs: vanvault schedule list.",
        "work-overdue",
    ),
    ConditionKind(
        "break-glass",
        "error",
        "Find out why it was needed and what was done; then somebody else runs: vanvault account breakglass"
        " review ID --by NAME.",
        "break-glass",
    ),
    ConditionKind(
        "break-glass-overdue",
        "error",
        "Review it now: vanvault account breakglass review ID --by NAME.",
        "break-glass",
    ),
    ConditionKind(
        "reviews-due",
        "warning",
        "See the list: vanvault account review. Confirm what is needed as it is: vanvault account review"
        " --confirm NAME; suspend the rest.",
        "work-overdue",
    ),
    ConditionKind(
        "hold-unconfirmed",
        "warning",
        "See it: vanvault hold list. Who did not place it confirms it: vanvault hold confirm HOLD; or"
        " two such people release it.",
        "work-overdue",
    ),
    ConditionKind(
        "open-too-long",
        "warning",
        "See them: vanvault retention open. Ask their gateways for the line of the log that ends each.",
        "work-overdue",
    ),
    ConditionKind(
        "disposal-half-done",
        "error",
        "See why: vanvault disposal show ID. Bring the site back, or let the hold come to its end; then go"
        " on: vanvault disposal run ID.",
        "work-overdue",
    ),
    ConditionKind(
        "disposal-waits",
        "warning",
        "Another person than who planned it runs it: vanvault disposal run ID; or, where it has not begun, it"
        " is taken back: vanvault disposal withdraw ID.",
        "work-overdue",
    ),
    ConditionKind(
        "disposal-came-back",
        "warning",
        "See which: vanvault verify. Remove them by running their disposal once more: vanvault disposal run"
        " ID. Find out where they came from: a backup, a disk that was put back.",
        "work-overdue",
    ),
    ConditionKind(
        "approvers-gone",
        "error",
        "See who can: vanvault approval table show. Who is idle: vanvault account review --confirm. Others"
        " need approval (vanvault account resume, or grant); where nobody can give it, holders of the"
        " escrow's shares open the table: vanvault approval table set --bundle FILE --share FILE.",
        "work-overdue",
    ),
    ConditionKind(
        "approvers-few",
        "warning",
        "See who may: vanvault approval table show. Bring back who is idle (vanvault account review"
        " --confirm), or give others the role approver, which those who are left approve.",
        "work-overdue",
    ),
    ConditionKind(
        "report-overdue",
        "warning",
        "Run: vanvault report due --make. Then see to it that each gets to whom it is owed.",
        "work-overdue",
    ),
    ConditionKind(
        "window-unannounced",
        "warning",
        "Run: vanvault availability window notify; or tell people otherwise, and say so with --by-hand.",
        "work-overdue",
    ),
    ConditionKind("job-wrong", "warning", "Correct the setting that it names.", "work-overdue"),
    ConditionKind(
        "index-not-kept",
        "warning",
        "Run: vanvault compact, and read what it warns of. A new node would have to index from segments.",
        "work-overdue",
    ),
    ConditionKind("site-behind", "warning", "Run: vanvault reconcile.", "site-unavailable"),
    ConditionKind(
        "sites-together",
        "warning",
        "Move one site to another server, disk and place.",
        "site-unavailable",
    ),
    ConditionKind("set-aside", "warning", "Find out who wrote there: vanvault verify.", "objects-damaged"),
    ConditionKind(
        "residue-refused",
        "warning",
        "Find out which node made it, and who holds its signing key: vanvault verify names it. What it would"
        " replace goes on counting.",
        "objects-damaged",
    ),
    ConditionKind(
        "id-conflict", "warning", "See both contents: vanvault reconcile --dry-run.", "objects-damaged"
    ),
    ConditionKind(
        "hot-tail-incomplete",
        "warning",
        "Answers may lack entries: bring the sites back, then run: vanvault verify.",
        "site-unavailable",
    ),
)

#: By id, in the order in which they are told.
CONDITIONS: dict[str, ConditionKind] = {row.id: row for row in _ROWS}
