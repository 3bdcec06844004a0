"""In which language a page is: the one that was chosen, else the first that the browser asks for. Pure."""

from __future__ import annotations

import re

from starlette.requests import Request

from vanvault.recovery.documents import LANGUAGES, Language

#: No secret, and no cookie of a session: it holds ``en`` or ``vi``.
LANGUAGE_COOKIE = "vanvault-language"
_DEFAULT: Language = "vi"
_ITEM = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,40})?(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?", re.ASCII)
_MOST_ITEMS = 30


def language_of(request: Request) -> Language:
    """The language of this request's answer."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return known(chosen) or preferred(request.headers.get("accept-language", ""))


def known(name: str | None) -> Language | None:
    """The language of this name."""
    return next((one for one in LANGUAGES if one == name), None)


def preferred(header: str) -> Language:
    """What an Accept-Language (RFC 9110, 12.5.4) asks for, among ours; Vietnamese where it names neither."""
    best, weight = _DEFAULT, 0.0
    for item in header.split(",")[:_MOST_ITEMS]:
        match = _ITEM.fullmatch(item.strip())
        language = known(match[1].lower()) if match else None
        quality = float(match[2] or 1) if match else 0.0
        if language and quality > weight:
            best, weight = language, quality
    return best
