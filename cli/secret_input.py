"""A secret from a file or standard input, line by line: never from an argument, and never shown."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from vanvault.archiver.core.errors import InvalidInput


def secret_line(file: BinaryIO, field: str = "password") -> str:
    """The next line, "" at the end. Raises InvalidInput: no UTF-8; nothing of it is shown."""
    try:
        return file.readline().removeprefix(codecs.BOM_UTF8).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidInput(
            f"the {field} is not in UTF-8", field=field, hint="Save the file as UTF-8."
        ) from None  # the cause would show bytes of the secret
