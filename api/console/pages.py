"""The table of pages: where each is, what it is for, and which permission it takes. Pure.

A new page is a row here, a route module, a view model and a template.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vanvault.api.console.messages import N_
from vanvault.archiver.people.accounts import ROLES, Permission

#: All addresses of the console begin so.
PREFIX = "/console"


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One row. Texts are the English ones, which the catalogue translates."""

    name: str  # also of its template
    path: str  # as its route has it
    title: str
    purpose: str  # one sentence, at the top of the page
    needs: Permission | None = None  # None: every person who is signed on
    in_menu: bool = False
    runbook: str = ""  # a page of help: a runbook or guide, without language
    or_needs: Permission | None = None  # is as good as ``needs``

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that permit it, none where it takes no permission."""
        return roles_with(*(one for one in (self.needs, self.or_needs) if one))

    def is_for(self, may: Callable[[Permission], bool]) -> bool:
        """May somebody with these permissions open it?"""
        return self.needs is None or may(self.needs) or (self.or_needs is not None and may(self.or_needs))


def roles_with(*permissions: Permission) -> tuple[str, ...]:
    """The roles that permit one of these."""
    return tuple(role.name for role in ROLES.values() if role.permissions & set(permissions))


HOME = ConsolePage(
    "home",
    PREFIX,
    N_("Home"),
    N_("How the archive stands, how old each statement is, and what needs a person now."),
    in_menu=True,
    runbook="work-overdue",
)
INBOX = ConsolePage(
    "inbox",
    f"{PREFIX}/inbox",
    N_("Inbox"),
    N_(
        "What waits for a person: requests for approval, what else is due, each with its deadline, and what"
        " must be seen to."
    ),
    in_menu=True,
    runbook="work-overdue",
)
JOBS = ConsolePage(
    "jobs",
    f"{PREFIX}/jobs",
    N_("Jobs"),
    N_("What was run on this archive and what came of it, for ever: the newest first, failures included."),
    needs="verify-results",
    in_menu=True,
    runbook="work-overdue",
)
RUNNING = ConsolePage(
    "running",
    f"{JOBS.path}/running",
    N_("Jobs that run now"),
    N_("What runs now on this archive, how far it is, and when it is expected to end."),
    needs="verify-results",
    runbook="work-overdue",
)
JOB = ConsolePage(
    "job",
    f"{JOBS.path}/{{job_id}}",
    N_("Job"),
    N_("What one job was asked to do, what came of it and what it found, as the record tells it."),
    needs="verify-results",
    runbook="work-overdue",
)
SIGN_IN = ConsolePage(
    "sign-in",
    f"{PREFIX}/sign-in",
    N_("Sign in"),
    N_("Sign in with the account that the account manager gave you."),
)
SEARCH = ConsolePage(
    "search",
    f"{PREFIX}/search",
    N_("Search"),
    N_("Find messages and events by any field, over a time that you name."),
    needs="search",
    in_menu=True,
    runbook="auditors",
)
MESSAGE = ConsolePage(
    "message",
    f"{PREFIX}/messages/{{entry_id}}",
    N_("Entry"),
    N_("What the archive knows of one message or event, and how that is proved."),
    needs="search",
    runbook="objects-damaged",
)
ORIGINAL = ConsolePage(
    "original",
    f"{MESSAGE.path}/original",
    N_("Original"),
    N_("The bytes as they were received, shown as text: nothing in them runs."),
    needs="originals",
    runbook="objects-damaged",
)
EXTRACTIONS = ConsolePage(
    "extractions",
    f"{PREFIX}/extractions",
    N_("Extractions"),
    N_("Data for an authority by its letter: asked for by form, approved by others, taken away once."),
    needs="extract",
    runbook="auditors",
    in_menu=True,
)
EXTRACTION_FORM = ConsolePage(
    "extraction-form",
    f"{EXTRACTIONS.path}/new",
    N_("Ask for an extraction"),
    N_("What the letter of the authority asks for, and no more. Others approve exactly this form."),
    needs="extract",
    runbook="auditors",
)
EXTRACTION = ConsolePage(
    "extraction",
    f"{EXTRACTIONS.path}/{{extraction_id}}",
    N_("Extraction"),
    N_("The form as it was asked for, who approved it, what was given out, and how to check that."),
    needs="extract",
    runbook="auditors",
)
SITES = ConsolePage(
    "sites",
    f"{PREFIX}/sites",
    N_("Sites and recovery"),
    N_("How both sites stand, who leads, which jobs run by themselves, and when the service stood still."),
    needs="verify-results",
    in_menu=True,
    runbook="site-unavailable",
)
ACCESS = ConsolePage(
    "access",
    f"{PREFIX}/access",
    N_("Access log"),
    N_("Who has looked at what, when, and for what purpose; this look goes on record, too."),
    needs="see-access",
    in_menu=True,
    runbook="break-glass",
)
PEOPLE = ConsolePage(
    "people",
    f"{PREFIX}/people",
    N_("People"),
    N_("Who has an account and what it may do, when it was used last, and which reviews are due."),
    needs="manage-accounts",
    in_menu=True,
    runbook="work-overdue",
    or_needs="see-access",
)
PERSON = ConsolePage(
    "person",
    f"{PEOPLE.path}/{{name}}",
    N_("Account"),
    N_("What this account may do and who gave it that, where it is signed in, and when it is reviewed."),
    runbook="break-glass",
)
HOLDS = ConsolePage(
    "holds",
    f"{PREFIX}/holds",
    N_("Holds"),
    N_("What must not be let go whatever its period of keeping says: for which case, since when, by whom."),
    needs="see-access",
    in_menu=True,
    runbook="work-overdue",
)
HOLD = ConsolePage(
    "hold",
    f"{HOLDS.path}/{{hold_id}}",
    N_("Hold"),
    N_("What this hold is about, over how many entries it is, and who said what to it."),
    needs="see-access",
    runbook="work-overdue",
)
DISPOSALS = ConsolePage(
    "disposals",
    f"{PREFIX}/disposals",
    N_("Disposals"),
    N_("What was let go or is to be because the law no longer asks for it, and by whose decision."),
    needs="verify-results",
    in_menu=True,
    runbook="work-overdue",
)
DISPOSAL = ConsolePage(
    "disposal",
    f"{DISPOSALS.path}/{{disposal_id}}",
    N_("Disposal"),
    N_("Who planned and approved it, what was removed where, its certificate, and what is left."),
    needs="verify-results",
    runbook="work-overdue",
)
REPORTS = ConsolePage(
    "reports",
    f"{PREFIX}/reports",
    N_("Reports"),
    N_("Reports on accounts, reviews, the operation and personal data: those due, and those made."),
    needs="see-access",
    in_menu=True,
    runbook="work-overdue",
)
LAW = ConsolePage(
    "law",
    f"{PREFIX}/law",
    N_("Legal duties"),
    N_("What the law asks for, by which text, what of this archive meets it, and what shows that."),
    in_menu=True,
    runbook="auditors",
)
HELP_INDEX = ConsolePage(
    "help-index",
    f"{PREFIX}/help",
    N_("Help"),
    N_("What to do when something is wrong, step by step, and how an auditor works with this archive."),
    in_menu=True,
)
HELP = ConsolePage("help", f"{HELP_INDEX.path}/{{name}}", N_("Help"), "")
#: What tells that a page cannot be shown, and why.
PROBLEM = ConsolePage("problem", "", N_("This page cannot be shown"), "")

PAGES = (
    *(HOME, INBOX, SEARCH, MESSAGE, ORIGINAL, EXTRACTIONS, EXTRACTION_FORM, EXTRACTION),
    *(SITES, JOBS, RUNNING, JOB),
    *(HOLDS, HOLD, DISPOSALS, DISPOSAL, PEOPLE, PERSON, REPORTS, LAW, ACCESS, HELP_INDEX, HELP, SIGN_IN),
)


def page_at(path: str) -> ConsolePage:
    """The page of a route, or the one above it; where none has it, ``PROBLEM``."""
    exact = (page for page in PAGES if page.path == path)
    within = (page for page in PAGES if page is not HOME and path.startswith(f"{page.path}/"))
    return next(exact, None) or next(within, PROBLEM)
