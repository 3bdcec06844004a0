"""How a verb looks: it says what it asks for, reads, and puts the look on record before it prints."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import kind_of
from vanvault.archiver.core.errors import (
    AccessDenied,
    ApprovalNeeded,
    Damaged,
    InvalidInput,
    NotFound,
    VanVaultError,
)
from vanvault.archiver.people.looks import Look, LookAct, Viewer, outcome_of
from vanvault.recovery.access.emergency import EmergencyFiles
from vanvault.recovery.access.hand_over import handed_over
from vanvault.recovery.access.record import look_event, not_on_record
from vanvault.recovery.work import account

#: What tells its reader something about what the archive holds, so that it is said only once it is on record.
_TELLING = (NotFound, AccessDenied, ApprovalNeeded, Damaged)


class Looking:
    """One look of a verb, on its way."""

    def __init__(self, archive: Archive, look: Look) -> None:
        self._archive = archive
        self._look = look
        self._ended = False

    def shows(
        self, ids: Sequence[str] = (), count: int | None = None, *, objects: Sequence[str] = ()
    ) -> None:
        """Put on record what is about to be shown: ids of entries, and how many entries were counted.

        ``objects``: whose data keys are shown with a whole result.

        Returns once it is there. Raises SiteUnavailable, KeyUnavailable, MachineLimit: nothing may be shown.
        """
        count = len(ids) if count is None else count
        self._put(replace(self._look, shown=tuple(ids), count=count, objects=tuple(objects)))

    def ended_by(self, error: VanVaultError) -> None:
        """Put on record that nothing is shown. Raises as ``shows`` does where the error itself tells much."""
        if self._ended or isinstance(error, InvalidInput):
            return
        failed = replace(self._look, outcome=outcome_of(error), reason=kind_of(type(error)))
        if isinstance(error, _TELLING):
            self._put(failed)
            return
        with suppress(VanVaultError):  # a site is away: the error says no more than that
            self._put(failed)

    def _put(self, look: Look) -> None:
        self._ended = True
        archive = self._archive
        # A node believes the kernel alone about who looks, and a session is judged by this process.
        if look.viewer.by == "os-account" and handed_over(archive.home, look):
            return
        event = look_event(look, archive.clock.now())
        emergency = EmergencyFiles(archive.home, archive.clock)
        try:
            emergency.settle(archive.record_aside)
            archive.record_aside([event])
        except VanVaultError as error:
            if not emergency.keep([event]):
                raise not_on_record(error) from error


@contextmanager
def looking(
    archive: Archive,
    act: LookAct,
    asked: Mapping[str, object],
    *,
    purpose: str = "",
    viewer: Viewer | None = None,
) -> Iterator[Looking]:
    """A look at the archive; in the block the verb reads, and calls ``shows``.

    A running node of the home is given the look; where none runs, or a person looks, it is written here.

    Args:
        viewer: who looks, where a person is signed on; else it is the account of this process.
    """
    fields = {name: str(value) for name, value in asked.items() if value is not None}
    viewer = viewer or Viewer(account(), "os-account", str(os.getuid()))
    request = archive.entropy.token(8).hex()
    one = Looking(archive, Look(viewer, act, fields, purpose=purpose, request=request))
    try:
        yield one
    except VanVaultError as error:
        one.ended_by(error)
        raise
