"""A page in place of one that cannot be shown: why not, what to do, and who may. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vanvault.api.console.messages import N_
from vanvault.api.console.pages import ConsolePage

#: Last part of a problem's type -> its title for people, and what to do.
_TITLES: Mapping[str, tuple[str, str]] = {
    "access-denied": (
        N_("You may not do this"),
        N_("Ask an account manager for the role, if you need it for your work."),
    ),
    "stale-form": (
        N_("The form was too old"),
        N_("Open the page anew and send the form again."),
    ),
    "another-site": (
        N_("Another site sent this"),
        N_("Nothing was done. Open the page here, and send its own form."),
    ),
    "sign-in-too-old": (
        N_("Sign in again for this"),
        N_("For this you must have signed in with two factors within the last five minutes."),
    ),
    "unauthenticated": (N_("Nobody is signed in"), N_("Sign in, and open the page again.")),
    "not-found": (N_("There is no such page or entry"), N_("Check the address, or search for the entry.")),
    "disposed": (
        N_("This was here, and was disposed of by the rules"),
        N_("The certificate named below proves it; an operator shows it by this number."),
    ),
    "invalid-input": (N_("The question cannot be understood"), N_("Correct what is named below.")),
    "approval-needed": (N_("Others must approve this"), N_("Wait for the approval, then ask again.")),
    "too-large": (N_("This is too large"), N_("Ask for less at once.")),
    "too-slow": (N_("The request came too slowly"), N_("Send it again.")),
    "conflict": (N_("Somebody else changed this"), N_("Open the page again.")),
    "busy": (N_("The archive is busy"), N_("Wait a moment, and open the page again. Nothing was changed.")),
    "site-unavailable": (
        N_("A site of the archive is unavailable"),
        N_("Nothing is lost. Open the page again later; an operator brings the site back."),
    ),
    "site-full": (N_("A site of the archive is full"), N_("An operator must give it more room.")),
    "damaged": (
        N_("Something in the archive is damaged"),
        N_("An operator must repair it from the other site."),
    ),
    "batch-lost": (N_("Something in the archive is lost"), N_("An operator must see to it.")),
    "forged": (N_("Something at a site is forged"), N_("Tell the security officer at once.")),
    "key-unavailable": (N_("A key of the archive is unavailable"), N_("An operator must see to it.")),
    "machine-limit": (N_("The node has no room left"), N_("An operator must see to it.")),
}
_OTHER = (
    N_("The page cannot be shown"),
    N_("Open it again. If that does not help, tell an operator the number below."),
)


#: What lacks where access is denied.
Denied = Literal["permission", "stale-form", "another-site", "sign-in-too-old"]


@dataclass(frozen=True, slots=True)
class ProblemView:
    """What a page says of a problem. ``detail`` and ``hint`` are the program's own words, in English."""

    status: int
    title: str
    advice: str
    detail: str = ""
    hint: str = ""
    field: str = ""
    roles: tuple[str, ...] = ()  # that would permit it
    certificate: str = ""  # its number, of an entry that was disposed of
    on: str = ""  # the day of that, YYYY-MM-DD, UTC
    request: str = ""  # the id of the request, for the log
    retry_after: int | None = None


def problem_view(
    problem: Mapping[str, Any],
    page: ConsolePage,
    *,
    denied: Denied = "permission",
    request: str = "",
    retry_after: int | None = None,
) -> ProblemView:
    """The page of a problem (RFC 9457), where ``page`` was asked for.

    ``denied``: what lacks where access was denied; roles are named only where it is a permission.
    """
    name = str(problem["type"]).rpartition(":")[2]
    lacks_permission = name == "access-denied" and denied == "permission"
    if name == "access-denied" and not lacks_permission:
        name = denied
    if problem["status"] == 404:
        name = "not-found"
    title, advice = _TITLES.get(name, _OTHER)
    return ProblemView(
        status=problem["status"],
        title=title,
        advice=advice,
        detail=str(problem.get("detail", "")),
        hint=str(problem.get("hint", "")),
        field=str(problem.get("field", "")),
        roles=page.roles if lacks_permission else (),
        certificate=str(problem.get("certificate", "")),
        on=str(problem.get("on", "")),
        request=request,
        retry_after=retry_after,
    )
