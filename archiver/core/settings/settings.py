"""The settings of one home: ``vanvault.toml``, checked whole at load. Unknown names are errors.

``VANVAULT_<SECTION>__<NAME>`` in the environment overrides a value, such as
``VANVAULT_INTAKE__LINGER_MS=2``. Secrets never stand here.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from vanvault.archiver.core.settings.renamed import with_new_names
from vanvault.archiver.core.settings.sections import (
    AvailabilitySettings,
    BackupSettings,
    ClockSettings,
    CompactionSettings,
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

SITE_NAMES = ("primary", "standby")


class Settings(BaseSettings):
    """All settings of one home."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="VANVAULT_", env_nested_delimiter="__"
    )

    archive: str = Field(min_length=8, max_length=64, pattern="^[a-z0-9-]+$", description="id, fixed at init")
    sites: SitesSettings
    intake: IntakeSettings = IntakeSettings()
    http: HttpSettings = HttpSettings()
    limits: LimitsSettings = LimitsSettings()
    retention: RetentionSettings = RetentionSettings()
    compaction: CompactionSettings = CompactionSettings()
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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrides the file; both may use old names (``renamed.py``)."""
        return (
            _WithNewNames(settings_cls, env_settings),
            _WithNewNames(settings_cls, init_settings),
        )


class _WithNewNames(PydanticBaseSettingsSource):
    """A source whose old names are translated. Raises SettingsError: a setting under both names."""

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        return with_new_names(self._source())
