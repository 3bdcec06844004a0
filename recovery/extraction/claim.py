"""What lets a run go on after a kill: a random number that lies in the home before anything is used up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import orjson

from vanvault.archiver.core.errors import Conflict, SettingsError
from vanvault.archiver.core.machine import raise_limit
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.disk import replace_file

FOLDER = "extractions"
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class RunClaim:
    """One run of this home: the file it writes, and a number that nobody else knows."""

    nonce: str
    output: Path

    @property
    def digest(self) -> str:
        """By which the record knows it: whoever reads that cannot go on with the run."""
        return hashlib.sha256(self.nonce.encode()).hexdigest()


def claim_of(home: Path, extraction: str) -> RunClaim | None:
    """The claim of this home, or None. Raises Conflict: the file is no claim."""
    path = _path(home, extraction)
    try:
        told = orjson.loads(path.read_bytes())
        return RunClaim(str(told["claim"]), Path(told["output"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise_limit(error)
        raise Conflict(
            f"{path} is no claim of a run", hint="Delete it, and ask for the extraction anew."
        ) from error


def new_claim(home: Path, extraction: str, output: Path, entropy: Entropy) -> RunClaim:
    """A claim that lies durably in the home. Raises SettingsError: it cannot be written."""
    claim = RunClaim(entropy.token(_NONCE_BYTES).hex(), output)
    path = _path(home, extraction)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(path, orjson.dumps({"claim": claim.nonce, "output": str(output)}))
    except OSError as error:
        raise_limit(error)
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
    return claim


def _path(home: Path, extraction: str) -> Path:
    return home / FOLDER / f"{extraction}.json"
