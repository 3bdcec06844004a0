"""The settings of one home: ``vanvault.toml``, checked whole at load. Unknown names are errors.

``VANVAULT_<SECTION>__<NAME>`` in the environment overrides a value, such as
``VANVAULT_INTAKE__LINGER_MS=2``. Secrets never stand here.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vanvault.archiver.core.settings.approvals import ApprovalSettings
from vanvault.archiver.core.settings.environment import from_environment, merged
from vanvault.archiver.core.settings.mail import MailSettings
from vanvault.archiver.core.settings.renamed import with_new_names
from vanvault.archiver.core.settings.sections import (
    AvailabilitySettings,
    BackupSettings,
    ClearingSettings,
    ClockSettings,
    CompactionSettings,
    DisposalSettings,
    FailoverSettings,
    HealthSettings,
    HttpSettings,
    IndexSettings,
    IntakeSettings,
    JobsSettings,
    KeysSettings,
    LimitsSettings,
    LogSettings,
    MetricsSettings,
    ProbeSettings,
    ReconcileSettings,
    RetentionSettings,
    ScheduleSettings,
    SearchSettings,
    SitesSettings,
    VerifySettings,
)
from vanvault.archiver.core.settings.sign_on import SignOnSettings

SITE_NAMES = ("primary", "standby")


#: How the id of a demonstration begins; that of no other archive does, being hexadecimal.
DEMO_PREFIX = "demo-"


class Settings(BaseModel):
    """All settings of one home."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archive: str = Field(min_length=8, max_length=64, pattern="^[a-z0-9-]+$", description="id, fixed at init")
    sites: SitesSettings
    intake: IntakeSettings = IntakeSettings()
    http: HttpSettings = HttpSettings()
    limits: LimitsSettings = LimitsSettings()
    retention: RetentionSettings = RetentionSettings()
    disposal: DisposalSettings = DisposalSettings()
    compaction: CompactionSettings = CompactionSettings()
    clearing: ClearingSettings = ClearingSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    jobs: JobsSettings = JobsSettings()
    probe: ProbeSettings = ProbeSettings()
    clock: ClockSettings = ClockSettings()
    keys: KeysSettings = KeysSettings()
    backup: BackupSettings = BackupSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    availability: AvailabilitySettings = AvailabilitySettings()
    health: HealthSettings = HealthSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    verify: VerifySettings = VerifySettings()
    schedule: ScheduleSettings = ScheduleSettings()
    failover: FailoverSettings = FailoverSettings()
    sign_on: SignOnSettings = SignOnSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    mail: MailSettings = MailSettings()

    @property
    def is_demo(self) -> bool:
        """Was the archive made as a demonstration?

        Its id says so, which is in every site and object from init on: none becomes one later.
        """
        return self.archive.startswith(DEMO_PREFIX)

    @model_validator(mode="before")
    @classmethod
    def _overridden(cls, fields: Any) -> Any:
        """The environment overrides the file; both may use old names (``renamed.py``).

        Raises SettingsError: a setting under both names, or a whole section that is no JSON object.
        """
        return merged(with_new_names(fields), with_new_names(from_environment(cls)))
