"""What the environment says of the settings: ``VANVAULT_<SECTION>__<NAME>``, or a whole section as JSON.

Most processes are given nothing of that sort. The library that reads it takes as long to load as a small
verb runs, so it is loaded only where a variable of such a name is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from vanvault.archiver.core.errors import SettingsError

PREFIX = "VANVAULT_"
NESTED = "__"


def from_environment(settings: type[BaseModel]) -> dict[str, Any]:
    """The values that the environment gives. Raises SettingsError: a whole section that is no JSON object."""
    if not any(_section(name) in settings.model_fields for name in os.environ):
        return {}
    from pydantic_settings import EnvSettingsSource
    from pydantic_settings import SettingsError as NoJson

    source = EnvSettingsSource(
        settings,  # type: ignore[arg-type]  # of a model it asks no more than its fields
        case_sensitive=False,
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
    )
    try:
        return source()
    except NoJson as error:
        section = re.search(r'for field "(\w+)"', str(error))
        name = f"{PREFIX}{section[1].upper()}" if section else f"{PREFIX}..."
        raise SettingsError(
            f"the environment variable {name} is no JSON object",
            hint=f"Set single values, such as {name}{NESTED}NAME=VALUE.",
        ) from error


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, table by table; where both give a value, that of ``above``."""
    found = dict(below)
    for name, value in above.items():
        under = found.get(name)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        found[name] = merged(under, value) if both else value  # type: ignore[arg-type]
    return found


def _section(variable: str) -> str:
    """``intake`` of ``VANVAULT_INTAKE__LINGER_MS``; "" of a variable of another name."""
    name = variable.upper()
    return name.removeprefix(PREFIX).split(NESTED)[0].lower() if name.startswith(PREFIX) else ""
