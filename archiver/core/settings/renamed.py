"""Settings that have a new name. The old name works for one more version, with a warning.

Each source (the file, the environment) is translated by itself before sources are merged, so the
environment overrides the file whichever of the two names each of them uses.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from vanvault.archiver.core.errors import SettingsError

_S3 = {
    "connect_timeout": "connect_timeout_s",
    "read_timeout": "read_timeout_s",
    "max_single_put": "max_single_put_bytes",
}

#: Section -> old name -> new name.
RENAMED: Mapping[str, Mapping[str, str]] = {
    "sites.primary.s3": _S3,
    "sites.standby.s3": _S3,
    "index.s3": _S3,
    "intake": {
        "group_bytes": "batch_bytes",
        "group_entries": "batch_rows",
        "follow_s": "follow_interval_s",
    },
    "compaction": {"every_s": "check_interval_s", "level": "compression_level"},
    "search": {"scan_seconds": "scan_s"},
    "clock": {"check_s": "check_interval_s"},
    "health": {"look_s": "check_interval_s"},
    "reconcile": {"check_s": "check_interval_s", "compare_s": "compare_interval_s"},
    "schedule": {"look_s": "check_interval_s"},
    "availability": {"heartbeat_s": "heartbeat_interval_s"},
    "backup": {"keep_days_min": "min_keep_days"},
    "verify": {"shares": "parts"},
}

_log = logging.getLogger("vanvault.settings")


def with_new_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one source under their new names; ``fields`` is left as it is.

    Warns once in a process for each old name. Raises SettingsError when one source gives a setting
    under both names.
    """
    translated = dict(fields)
    for section, names in RENAMED.items():
        _translate(translated, section.split("."), section, names)
    return translated


def _translate(fields: dict[str, Any], path: list[str], section: str, names: Mapping[str, str]) -> None:
    """Translate the table at ``path`` below ``fields``; only tables on the way there are copied."""
    found = fields.get(path[0])
    if not isinstance(found, Mapping):
        return
    fields[path[0]] = table = dict(found)
    if len(path) > 1:
        _translate(table, path[1:], section, names)
        return
    for old, new in names.items():
        if old not in table:
            continue
        if new in table:
            raise SettingsError(
                f"{section}.{old} and {section}.{new} are one setting, and both are given",
                hint=f"Keep {section}.{new}; {old} is its old name.",
            )
        table[new] = table.pop(old)
        _warn(f"{section}.{old}", f"{section}.{new}")


@cache
def _warn(old: str, new: str) -> None:
    _log.warning("The setting %s is called %s now; the next version will not know the old name.", old, new)
