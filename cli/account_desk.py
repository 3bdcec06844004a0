"""Where the verbs about accounts are done: an open archive, who asks, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vanvault.archiver.home_files import load_settings
from vanvault.cli.context import open_archive
from vanvault.cli.progress import Terminal

if TYPE_CHECKING:
    from vanvault.recovery.accounts import Desk


@contextmanager
def desk_of(home: Path, as_json: bool) -> Iterator[Desk]:
    """The archive of a home, open for as long as the block runs."""
    from vanvault.recovery.accounts import Desk
    from vanvault.recovery.work import account

    load_settings(home)
    with open_archive(home) as archive:
        yield Desk(archive, account(), Terminal(quiet=as_json))
