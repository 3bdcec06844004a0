"""The text in a URL: percent-encoding is taken off once, and what comes out is UTF-8, or it is refused.

Headers are read by the same rule, so one id is one id by whatever way it comes.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from starlette.types import Scope

from vanvault.archiver.core.errors import InvalidInput

_TIMES = frozenset(("from", "to"))
_OFFSET = re.compile(r"(?<=[0-9]) ([0-9]{2}:[0-9]{2})$")
_HINT = "Percent-encode the UTF-8 bytes of what is not ASCII."


def check_url(scope: Scope) -> None:
    """Raises InvalidInput when the path or the query of a request is not UTF-8. Only escapes can be at fault:
    the listener takes ASCII only."""
    _check(scope.get("raw_path") or b"", "path")
    for parameter in scope["query_string"].split(b"&"):
        name, _, value = parameter.partition(b"=")
        _check(name, "query")
        _check(value, unquote(name.decode("ascii", errors="replace"))[:40])


def query_of(scope: Scope) -> list[tuple[str, str]]:
    """Names and values of a query that ``check_url`` let through, in order.

    A plus sign is a blank, as in every query. None stands before the offset of a time, so there it is one.
    """
    found = parse_qsl(scope["query_string"].decode(), keep_blank_values=True, errors="strict")
    return [(name, _OFFSET.sub(r"+\1", value) if name in _TIMES else value) for name, value in found]


def decoded_header(value: bytes, name: str) -> str:
    """The text of a header. Raises InvalidInput: it is not UTF-8."""
    try:
        return unquote(value.decode(), errors="strict")
    except UnicodeError as error:
        raise InvalidInput(f"{name} is not UTF-8", field=name) from error


def _check(part: bytes, field: str) -> None:
    try:
        if b"%" in part:
            unquote_to_bytes(part).decode()
    except UnicodeError as error:
        raise InvalidInput(f"{field}: the URL is not UTF-8 here", field=field, hint=_HINT) from error
