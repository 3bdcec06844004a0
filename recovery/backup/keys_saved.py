"""Would the keys come back after the loss of both sites and this host? What a run and a check say of it."""

from __future__ import annotations

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.keys.escrow import set_of
from vanvault.recovery.custody import escrow_standing


def escrow_problems(archive: Archive, bundle: bytes | None) -> tuple[str, ...]:
    """Why keys in use would not come back from their escrow, for people; empty where none was ever made.

    Args:
        bundle: the escrow bundle that the backup holds, if it holds one.

    Raises Damaged, SiteUnavailable (what is on record cannot be read), KeyUnavailable.
    """
    standing = escrow_standing(archive)
    problems = list(standing.problems())
    # Each bundle of a token holds its own versions, so none of them holds all.
    if bundle is not None and standing.possible and archive.settings.keys.provider == "files":
        try:
            set_id = set_of(bundle).set_id
        except Damaged as error:
            problems.append(f"the saved escrow bundle: {error.message}")
        else:
            if problem := standing.of_saved(set_id):
                problems.append(problem)
    return tuple(problems)
