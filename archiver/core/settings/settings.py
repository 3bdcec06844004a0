"""The settings of one home: ``vanvault.toml``, checked whole at load. Unknown names are errors.

``VANVAULT_<SECTION>__<NAME>`` in the environment overrides a value, such as
``VANVAULT_INTAKE__LINGER_MS=2``. Secrets never stand here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.settings.renamed import with_new_names
from vanvault.archiver.core.settings.sections import (
    AvailabilitySettings,
    BackupSettings,
    ClockSettings,
    CompactionSettings,
    FailoverSettings,
    HealthSettings,
    IndexSettings,
    IntakeSettings,
    JobsSettings,
    KeysSettings,
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

FILE_NAME = "vanvault.toml"
SITE_NAMES = ("primary", "standby")


class Settings(BaseSettings):
    """All settings of one home."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="VANVAULT_", env_nested_delimiter="__"
    )

    archive: str = Field(min_length=8, max_length=64, pattern="^[a-z0-9-]+$", description="id, fixed at init")
    sites: SitesSettings
    intake: IntakeSettings = IntakeSettings()
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


def load_settings(home: Path) -> Settings:
    """The settings of a home. Raises SettingsError that names the file and the field."""
    path = home / FILE_NAME
    try:
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{home} is no VanVault home: it has no {FILE_NAME}",
            hint="Run: vanvault --home DIR init, or name the right home with --home or VANVAULT_HOME.",
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    try:
        return Settings(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {where}: {first['msg']}", hint="Correct the settings file.") from error


def initial_text(archive: str, primary: str, standby: str, keys: KeysSettings | None = None) -> str:
    """The settings file that ``init`` writes: what must be said; all else has defaults."""
    return (
        "# Settings of this VanVault home. All names with defaults: docs/settings.md\n"
        f'archive = "{archive}"\n\n'
        f"[sites.primary]\nurl = {_quoted(primary)}\n\n"
        f"[sites.standby]\nurl = {_quoted(standby)}\n"
        f"{_keys_text(keys or KeysSettings())}"
    )


def _keys_text(keys: KeysSettings) -> str:
    if keys.provider == "files":
        return ""
    said = keys.pkcs11.model_dump(exclude_defaults=True)
    lines = [f"{name} = {'true' if value is True else _quoted(value)}\n" for name, value in said.items()]
    return f'\n[keys]\nprovider = "{keys.provider}"\n\n[keys.pkcs11]\n{"".join(lines)}'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
