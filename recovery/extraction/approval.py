"""The approval of an extraction: asked for when the form is put on record, used up when it runs."""

from __future__ import annotations

import unicodedata

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import ApprovalNeeded, Conflict
from vanvault.archiver.core.law import citation
from vanvault.archiver.people.approvals import ApprovalWish, Requester
from vanvault.archiver.people.extraction import Extraction
from vanvault.recovery.accounts import current_accounts
from vanvault.recovery.approvals import GoodApproval, known_approvals, need

_ACT = "extraction"


def wish_of(archive: Archive, extraction: Extraction, who: Requester) -> ApprovalWish:
    """What others approve. Whoever is handed the data is none of them, by an account's name or a full name.

    Raises Damaged, SiteUnavailable (the index cannot be read), SettingsError.
    """
    recipient = extraction.form.recipient.name
    named = as_written(recipient)
    same = sorted(
        one.id
        for one in current_accounts(archive)
        if named in (as_written(one.about.full_name), as_written(one.name))
    )
    return ApprovalWish(_ACT, extraction.subject, who.key, (recipient, *same))


def as_written(name: str) -> str:
    """A name without the differences that people do not see as any: case, blanks, the form of accents."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def ask_approval(archive: Archive, extraction: Extraction, who: Requester) -> str:
    """The id of the request for approval, which is put on record where none waits. Uses up nothing.

    Raises as ``recovery.approvals.need``, but for ApprovalNeeded.
    """
    wish = wish_of(archive, extraction, who)
    known = known_approvals(archive)
    for request in known.book.of_digest(wish.digest):
        if known.standing(request).state in ("open", "approved"):
            return request.id
    try:
        use_approval(archive, wish, who)
    except ApprovalNeeded as asked:
        return asked.request
    raise Conflict(
        f"{extraction.id} was approved at this moment, and that is used up",
        hint="Nothing was given out. Run the same command again.",
    )


def use_approval(archive: Archive, wish: ApprovalWish, who: Requester) -> GoodApproval:
    """Use the approval up. Raises as ``recovery.approvals.need``."""
    good = need(archive, wish.act, wish.subject, who, beneficiaries=wish.beneficiaries)
    if good is None:
        raise ApprovalNeeded(
            "an extraction is never without its approval",
            request="",
            hint=f"This rests on: {citation('extraction-approved', text='CV907-2019')}.",
        )
    return good
