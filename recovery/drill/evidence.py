"""The report of a past drill: found by its id or its path, and checked where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import SigningKeys, load_public_keys
from vanvault.recovery.drill.bundle import read_report
from vanvault.recovery.drill.report import parse_report, public_keys_of, verify_report


def drill_evidence(
    home: Path, drill: str, *, verify: bool, public_keys: Sequence[Path] = ()
) -> dict[str, Any]:
    """The report of ``drill``, an id or the path of its evidence.

    ``verify``: check the signature, by the keys in these files (PEM) or, without any, the home's own.

    Raises as ``read_report``, ``parse_report`` and ``verify_report``; KeyUnavailable (a file is no key).
    """
    data = read_report(home, drill)
    if not verify:
        return parse_report(data)
    if not public_keys:
        return verify_report(data, SigningKeys(home / KEYS_FOLDER).public)
    return verify_report(data, public_keys_of(load_public_keys(public_keys)))
