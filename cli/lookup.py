"""One entry or receipt by its id: from the hot tail as it is, else after it caught up with the sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from vanvault.archiver.core.errors import BatchLost, NotFound, SiteUnavailable, VanVaultError
from vanvault.cli.context import catch_up
from vanvault.cli.output import warn

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive
    from vanvault.recovery.retention import KeptEntry
    from vanvault.recovery.timeline import Case

_T = TypeVar("_T")


def find_entry(archive: Archive, entry_id: str) -> dict[str, Any]:
    """What the archive knows about an entry.

    Raises NotFound, BatchLost, SiteUnavailable (nobody can say now), InvalidInput, KeyUnavailable.
    """
    return _found(archive, lambda: archive.search.entry(entry_id))


def receipt_of(archive: Archive, entry_id: str) -> dict[str, Any]:
    """The first receipt of an entry. Raises as ``find_entry`` does."""
    return _found(archive, lambda: archive.receipts.of(entry_id))


def kept_beside(
    archive: Archive, item: dict[str, Any], receipt: dict[str, Any] | None = None
) -> KeptEntry | None:
    """Until when an entry is kept at least, and the locks that stand at the sites now.

    None, and a warning, where that cannot be read: what it stands beside is shown all the same.
    """
    from vanvault.recovery.retention import kept_entry

    try:
        return kept_entry(archive, item, receipt)
    except VanVaultError as error:
        warn(f"until when it is kept is not known now: {error.message}")
        return None


def found_case(archive: Archive, asked: str, gateway: str) -> Case:
    """A transaction by its id, a dossier number, or an entry of it. Raises as ``find_entry`` does."""
    from vanvault.recovery.timeline import case_of

    return _found(archive, lambda: case_of(archive, asked, gateway))


def _found(archive: Archive, look: Callable[[], _T]) -> _T:
    try:
        return look()
    except (NotFound, BatchLost):
        whole = catch_up(archive)
        try:
            return look()
        except NotFound as error:
            # Where every site takes part, one of them knows of everything that was acknowledged.
            if whole or not (archive.behind or archive.policy.may_degrade()):
                raise
            raise SiteUnavailable(
                f"{error.message}, as far as can be seen now: not all of the archive could be read",
                site=", ".join(archive.readable.away()) or "hot tail",
                may_be_stored=False,
                hint="See the warnings. Ask again when they are gone.",
            ) from error
