"""Files that verbs write: whole or not at all."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

import orjson

from vanvault.archiver.core.errors import Conflict, InvalidInput
from vanvault.archiver.core.machine import raise_limit


def write_whole(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file by way of a working file beside it; folders are made.

    Raises Conflict when it is there and may not be replaced, InvalidInput when it cannot be written.
    """
    working = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{path.parent} cannot be made: {error.strerror}", field="output") from error
    try:
        with working.open("xb") as file:
            file.write(data)
        if replace:
            working.replace(path)
        else:
            path.hardlink_to(working)  # unlike a rename it refuses to replace
    except FileExistsError as error:
        raise Conflict(f"{path} is there already", hint="Name another file, or use --force.") from error
    except OSError as error:
        raise_limit(error)
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", field="output") from error
    finally:
        with suppress(OSError):
            working.unlink()


def write_json(path: Path, value: object, *, replace: bool = True) -> None:
    """Write one JSON value, indented. Raises as ``write_whole`` does."""
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(path, data, replace=replace)
