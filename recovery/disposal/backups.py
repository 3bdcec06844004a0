"""After a disposal somebody says that no backup holds anything of it; the program looks where it can.

On record before the certificate is made: whoever is killed between the two calls it again, which looks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import AccessDenied, Conflict, Damaged
from vanvault.archiver.disposal import DisposalRecord, why_not_by
from vanvault.archiver.home_files import KEYS_FOLDER
from vanvault.archiver.journal import EventType
from vanvault.archiver.keys import SigningKeys
from vanvault.archiver.people.approvals import Requester
from vanvault.archiver.upkeep.residue import replaced_keys
from vanvault.recovery.backup import CopyLooked, look_for_objects
from vanvault.recovery.disposal.certifying import THIRD_COPY, certify_again
from vanvault.recovery.disposal.run import ANOTHER, RanDisposal, alone
from vanvault.recovery.disposal.verbs import checked_reason, signed_certificate
from vanvault.recovery.disposal_record import KnownDisposal, known_disposals
from vanvault.recovery.work import QUIET, Observer, catch_up, record_aside

#: Snapshots that an error names.
_NAMED = 3


def say_backups_gone(
    archive: Archive, id: str, who: Requester, reason: str, observer: Observer = QUIET
) -> RanDisposal:
    """Put on record that no backup holds anything of a disposal, and bring its certificate up to date.

    Where the settings name a repository it is looked into first, every snapshot of it. What backups were
    copied to, and a repository that is not named any more, nobody sees from here: the reason says what became
    of them. A copy that a later run finds at a site takes the statement away again.

    Raises:
        Conflict: the disposal is not certified in part; copies are left elsewhere than in backups; or the
            repository holds something of it still, or what cannot be looked into, which is named.
        AccessDenied: who planned it does not say so, nor does anybody without an account.
        InvalidInput (no reason), NotFound, Busy, KeyUnavailable, Damaged, SettingsError, SiteUnavailable.
    """
    reason = checked_reason(reason)
    with alone(archive):
        catch_up(archive, observer.warn)
        known = _known(archive, id)
        record = known.record
        if known.state != "certified-in-part":
            raise Conflict(
                f"{id} is {known.state}: only a disposal that is certified in part waits for backups",
                hint=f"See: vanvault disposal show {id}",
            )
        if why := why_not_by(record, who.key, who.name):
            raise AccessDenied(why, authenticated=True, hint=ANOTHER.format(what=f"backups-gone {id}"))
        before = signed_certificate(archive, known, SigningKeys(archive.home / KEYS_FOLDER).public)
        if elsewhere := [one for one in before["remaining"] if one["where"] != THIRD_COPY]:
            raise Conflict(
                f"copies of {id} are left elsewhere: {elsewhere[0]['where']} holds {elsewhere[0]['what']}",
                hint=f"Run it again once they have come to their end: vanvault disposal run {id}",
            )
        # Also where it was said before: whoever was killed then knows nothing of what came since.
        looked = look_for_objects(archive, _keys(archive, record))
        if looked is not None:
            _check_clear(id, looked)
        record_aside(
            archive,
            EventType.DISPOSAL_BACKUPS_GONE,
            {
                "disposal": id,
                "digest": record.digest,
                "reason": reason,
                "repository": looked.repository if looked else "",
                "snapshots": looked.snapshots if looked else 0,
                "who": who.name,
            },
        )
        known = _known(archive, id)
        folder: Path = certify_again(archive, known, before, (), who)
        return RanDisposal(_known(archive, id), folder=folder)


def _known(archive: Archive, id: str) -> KnownDisposal:
    archive.refresh()
    disposals = known_disposals(archive)
    known = disposals.get(id)
    if disposals.lacking:
        raise Damaged(f"a part of the record of disposals cannot be read: {disposals.lacking[0]}")
    return known


def _keys(archive: Archive, record: DisposalRecord) -> Iterable[str]:
    """Of every object that held something of it: what went from sites, and what never lay there lately."""
    segments = {id for one in record.replaced.values() for id in one.segments}
    residues = [one for one in archive.catalogue.segments(spare=True) if one.manifest.is_residue]
    own = {one.manifest.segment for one in residues if one.key in record.replaced}
    yield from (one.key for one in record.removing)
    for residue in residues:  # also one that a later disposal put in the place of one of these
        if residue.key in record.replaced or not (segments | own).isdisjoint(residue.manifest.replaces):
            yield from replaced_keys(archive, residue)


def _check_clear(id: str, looked: CopyLooked) -> None:
    """Raises Conflict."""
    if looked.holding:
        raise Conflict(
            f"the {looked.repository} holds something of {id} in {len(looked.holding)} of"
            f" {looked.snapshots} snapshots: {_named(looked.holding)}",
            hint="Make a new backup (vanvault backup run), let older ones go once their days are over"
            " (vanvault backup forget), and take their bytes away: restic prune --max-unused 0.",
        )
    if looked.strange:
        raise Conflict(
            f"{len(looked.strange)} of {looked.snapshots} snapshots in the {looked.repository} are not as"
            f" VanVault makes them; they may hold something of {id}: {_named(looked.strange)}",
            hint="Nobody can look into them from here. Forget them (restic forget ID), then take their bytes"
            " away: restic prune --max-unused 0.",
        )
    if looked.forgotten:
        raise Conflict(
            f"the {looked.repository} has bytes that no snapshot or no index names; they may be of {id}",
            hint="Take them away: restic prune --max-unused 0.",
        )


def _named(snapshots: tuple[str, ...]) -> str:
    more = f" and {len(snapshots) - _NAMED} more" if len(snapshots) > _NAMED else ""
    return ", ".join(one[:8] for one in snapshots[:_NAMED]) + more
