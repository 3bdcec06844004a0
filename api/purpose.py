"""Why a person asks for an original: ``?purpose=``, the header ``Purpose``, or a form. It goes on record."""

from __future__ import annotations

from starlette.requests import Request

from vanvault.api.urls import decoded_header, query_of
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.people.looks import MOST_PURPOSE

_NAME = "purpose"
#: In the scope of a request: its purpose, from a form.
_GIVEN = "vanvault.purpose"
_HINT = "Say why you ask: ?purpose=TEXT, or the header Purpose. It goes on record with the look."


def give_purpose(request: Request, purpose: str) -> None:
    """Say what a request is for that tells it in the fields of a form, before a look of it begins."""
    request.scope[_GIVEN] = purpose


def purpose_of(request: Request) -> str:
    """What a request says that it is for; "" where it says nothing.

    Raises InvalidInput: it says so twice, or what it says is no line of text.
    """
    told = [value for name, value in query_of(request.scope) if name == _NAME]
    told += [
        decoded_header(value, _NAME) for name, value in request.headers.raw if name.lower() == b"purpose"
    ]
    told += [one for one in (request.scope.get(_GIVEN),) if one is not None]
    if len(told) > 1:
        raise InvalidInput("purpose is given twice", field=_NAME, hint=_HINT)
    purpose = told[0].strip() if told else ""
    if told and (not purpose or len(purpose) > MOST_PURPOSE or not purpose.isprintable()):
        raise InvalidInput(f"a purpose has 1 to {MOST_PURPOSE} printable characters", field=_NAME, hint=_HINT)
    return purpose


def without_purpose(given: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters of a query but this one."""
    return [(name, value) for name, value in given if name != _NAME]


def check_purpose(purpose: str) -> None:
    """Raises InvalidInput: there is none."""
    if not purpose:
        raise InvalidInput("a purpose is missing", field=_NAME, hint=_HINT)
