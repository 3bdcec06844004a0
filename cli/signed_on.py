"""The session of the person at this command line: its secret lies in a file that nobody else may read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from vanvault.archiver.core.errors import InvalidInput

#: Names the file in place of the usual one.
VARIABLE = "VANVAULT_SESSION_FILE"
_USUAL = Path("vanvault") / "session"
_AGAIN = "Sign on again: vanvault login."


@dataclass(frozen=True, slots=True)
class KeptSession:
    """What ``vanvault login`` kept: the secret, whose it is, and the node that gave it."""

    secret: str = field(repr=False)
    account: str
    url: str
    ca_file: str = ""  # "": the authorities of the system


def session_secret() -> str | None:
    """The secret (``vvs_...``) of who is signed on here, None: nobody is. It may be over by now.

    Raises InvalidInput: others can read the file, or it is not one of ``vanvault login``.
    """
    kept = kept_session()
    return None if kept is None else kept.secret


def session_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where the session is kept: VANVAULT_SESSION_FILE, else below XDG_CONFIG_HOME or ``~/.config``."""
    given = os.environ if environment is None else environment
    if named := given.get(VARIABLE):
        return Path(named)
    base = given.get("XDG_CONFIG_HOME", "")
    # The specification of base directories says to ignore a relative one.
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / _USUAL


def kept_session() -> KeptSession | None:
    """Who signed on here, None: nobody. Raises InvalidInput, as ``session_secret``."""
    from vanvault.archiver.disk import read_plain

    path = session_file()
    try:
        mode, data = path.stat().st_mode, read_plain(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", field="session") from error
    if mode & 0o077:
        raise InvalidInput(
            f"others can read {path}, where the session is kept",
            field="session",
            hint=f"Sign off (vanvault logout) after: chmod 600 {path}. Then sign on again.",
        )
    try:
        found = orjson.loads(data)
        return KeptSession(**{name: str(found[name]) for name in KeptSession.__slots__})
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{path} is not what vanvault login wrote", field="session", hint=_AGAIN
        ) from error


def keep_session(kept: KeptSession) -> Path:
    """Keep this session in the place of what was there; where. Raises InvalidInput: no place for it."""
    from vanvault.archiver.disk import replace_file

    path = session_file()
    told = {name: getattr(kept, name) for name in KeptSession.__slots__}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, orjson.dumps(told))
    except OSError as error:
        raise InvalidInput(
            f"the session cannot be kept in {path}: {error.strerror}",
            field="session",
            hint=f"Name another file: {VARIABLE}.",
        ) from error
    return path


def forget_session() -> None:
    """Nobody is signed on here any more."""
    session_file().unlink(missing_ok=True)
