"""The report of a past drill: found by its id or its path, and checked where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.keys import SigningKeys, load_public_keys
from vanvault.recovery.documents import public_keys_of
from vanvault.recovery.drill.bundle import read_report
from vanvault.recovery.drill.report import DRILL_FORM


def drill_evidence(
    home: Path, drill: str, *, verify: bool, public_keys: Sequence[Path] = ()
) -> dict[str, Any]:
    """The report of ``drill``, an id or the path of its evidence.

    ``verify``: check the signature, by the keys in these files (PEM) or, without any, the home's own.

    Raises as ``read_report`` and ``SignedForm.verified``; KeyUnavailable (a file is no key).
    """
    data = read_report(home, drill)
    if not verify:
        return DRILL_FORM.parsed(data)
    if not public_keys:
        return DRILL_FORM.verified(data, SigningKeys(home / KEYS_FOLDER).public)
    return DRILL_FORM.verified(data, public_keys_of(load_public_keys(public_keys)))
