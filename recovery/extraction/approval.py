"""The approval of an extraction: asked for when the form is put on record, used up when it runs."""

from __future__ import annotations

import unicodedata

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import ApprovalNeeded
from vanvault.archiver.core.law import citation
from vanvault.archiver.people.approvals import ApprovalWish, Requester
from vanvault.archiver.people.extraction import Extraction
from vanvault.recovery.accounts import current_accounts
from vanvault.recovery.approvals import GoodApproval, need

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
    try:
        return _approval(archive, wish, who, use=False).request
    except ApprovalNeeded as asked:
        return asked.request


def use_approval(archive: Archive, wish: ApprovalWish, who: Requester) -> GoodApproval:
    """Use the approval up. Raises as ``recovery.approvals.need``."""
    return _approval(archive, wish, who, use=True)


def _approval(archive: Archive, wish: ApprovalWish, who: Requester, *, use: bool) -> GoodApproval:
    good = need(archive, wish.act, wish.subject, who, beneficiaries=wish.beneficiaries, use=use)
    if good is None:
        raise ApprovalNeeded(
            "an extraction is never without its approval",
            request="",
            hint=f"This rests on: {citation('extraction-approved', text='CV907-2019')}.",
        )
    return good
