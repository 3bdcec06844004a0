"""Pages as answers: a template filled with a view, in one language, under a strict policy.

No page may be framed, kept, or told of to other hosts; it runs no script but the two files of this host.
"""

from __future__ import annotations

import base64
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from vanvault.api.console.forms import form_token, secret_of
from vanvault.api.console.help_pages import help_title
from vanvault.api.console.languages import language_of
from vanvault.api.console.messages import catalogue
from vanvault.api.console.pages import PAGES, PREFIX, SIGN_IN, ConsolePage
from vanvault.api.console.telling import Telling
from vanvault.api.console.views.frame import Frame, SignedOnFrame, menu_of
from vanvault.api.console.visits import known_visit
from vanvault.archiver.core.ports import SystemEntropy
from vanvault.recovery.documents import Language

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_NONCE_BYTES = 18
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-src 'self'; form-action {forms}; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types htmx"
)
#: Of every answer of the console.
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def page_answer(
    request: Request, page: ConsolePage, *, status: int = 200, forms: str = "'self'", **values: Any
) -> Response:
    """The page of this name with these values, for who opens it.

    ``forms``: where forms of it may be sent, and led on to.
    """
    nonce = base64.b64encode(SystemEntropy().token(_NONCE_BYTES)).decode()
    language = language_of(request)
    frame = _frame(request, page, language, nonce)
    template = _environment(language).get_template(f"{page.name}.html")
    secret = secret_of(request)
    token, help_of = partial(form_token, secret), partial(help_title, language=language)
    text = template.render(frame=frame, tell=Telling(language), token=token, help_title=help_of, **values)
    headers = {
        **SAFE_HEADERS,
        "Content-Security-Policy": _POLICY.format(nonce=nonce, forms=forms),
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language, Cookie",
    }
    return Response(text, status_code=status, media_type="text/html", headers=headers)


def _frame(request: Request, page: ConsolePage, language: Language, nonce: str) -> Frame:
    visit, address = known_visit(request), ""
    if request.method == "GET" and page in PAGES:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if visit is None or page is SIGN_IN:
        return Frame(language, page, address, nonce)
    signed_on = SignedOnFrame(
        visit.name, visit.idle_s, visit.left_s, form_token(secret_of(request), f"{PREFIX}/sign-out")
    )
    allowed = tuple(one for one in PAGES if one.is_for(visit.may))
    return Frame(language, page, address, nonce, menu_of(allowed, page), signed_on)


@cache
def _environment(language: Language) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        lstrip_blocks=True,
    )
    texts = catalogue(language)
    made.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)  # type: ignore[attr-defined]
    return made
