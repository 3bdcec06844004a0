"""One entry or receipt by its id: from the hot tail as it is, else after it caught up with the sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from vanvault.archiver.core.errors import NotFound
from vanvault.cli.context import catch_up

if TYPE_CHECKING:
    from vanvault.archiver.appliance import Archive

_T = TypeVar("_T")


def find_entry(archive: Archive, entry_id: str) -> dict[str, Any]:
    """What the archive knows about an entry. Raises NotFound, InvalidInput, KeyUnavailable."""
    return _found(archive, lambda: archive.search.entry(entry_id))


def receipt_of(archive: Archive, entry_id: str) -> dict[str, Any]:
    """The first receipt of an entry. Raises NotFound, InvalidInput, KeyUnavailable."""
    return _found(archive, lambda: archive.receipts.of(entry_id))


def _found(archive: Archive, look: Callable[[], _T]) -> _T:
    try:
        return look()
    except NotFound:
        catch_up(archive)
        return look()
