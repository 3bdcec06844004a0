"""Short verbs about a disposal on record: taking it back, and its papers."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vanvault.archiver.appliance import Archive, ArchiveReader
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import Conflict, Damaged, InvalidInput, NotFound
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.journal import EventType
from vanvault.archiver.people.approvals import Requester
from vanvault.recovery.disposal.papers import CERTIFICATE_FORM, PLAN_FORM
from vanvault.recovery.disposal_record import KnownDisposal, known_disposals
from vanvault.recovery.documents import REPORT, Report
from vanvault.recovery.work import record_aside

_MOST_REASON = 500  # characters


def withdraw_disposal(archive: Archive, id: str, who: Requester, reason: str) -> KnownDisposal:
    """Take a disposal back before it begins; whoever it is: stopping one harms nothing.

    Raises NotFound, InvalidInput (no reason), Conflict (it has begun, or is over), SiteUnavailable (no site
    takes it), KeyUnavailable, Damaged.
    """
    reason = checked_reason(reason)
    known = known_disposals(archive).get(id)
    if known.state not in ("planned", "cooling", "ready"):
        raise Conflict(f"{id} is {known.state}", hint=f"See: vanvault disposal show {id}")
    detail: dict[str, object] = {
        "disposal": id,
        "digest": known.record.digest,
        "reason": reason,
        "who": who.name,
    }
    record_aside(archive, EventType.DISPOSAL_WITHDRAWN, detail)
    archive.refresh()
    return known_disposals(archive).get(id)


def checked_reason(text: str) -> str:
    """A reason as it goes on record. Raises InvalidInput."""
    reason = text.strip()
    if not reason or len(reason) > _MOST_REASON or not reason.isprintable():
        raise InvalidInput(
            f"a reason has 1 to {_MOST_REASON} characters that can be shown", field="reason", hint="Say why."
        )
    return reason


def signed_plan(
    archive: ArchiveReader, known: KnownDisposal, public_key: Callable[[str], Ed25519PublicKey]
) -> Report:
    """The plan of a disposal as it lies in the archive, its digest and its signature proved.

    Raises Damaged (another plan than was approved, or its signature does not fit), NotFound, SiteUnavailable,
    KeyUnavailable.
    """
    data = archived_paper(archive, known.record.plan)
    if hashlib.sha256(data).hexdigest() != known.record.digest:
        raise Damaged(f"the archived plan of {known.record.id} is another one than is on record")
    report = PLAN_FORM.verified(data, public_key)
    if report.get("id") != known.record.id:
        raise Damaged(f"the archived plan of {known.record.id} is of another disposal")
    return report


def signed_certificate(
    archive: ArchiveReader, known: KnownDisposal, public_key: Callable[[str], Ed25519PublicKey]
) -> Report:
    """The newest certificate of a disposal, proved in the same way. Raises as ``signed_plan``."""
    certificate = known.record.certificate
    if certificate is None:
        raise NotFound(f"{known.record.id} has no certificate yet", hint="It is made at the end of its run.")
    data = archived_paper(archive, certificate.message)
    if hashlib.sha256(data).hexdigest() != certificate.sha256:
        raise Damaged(f"the archived certificate of {known.record.id} is another one than is on record")
    return CERTIFICATE_FORM.verified(data, public_key)


#: Files of a certificate that are handed out one by one.
_CERTIFICATE_FILES = (REPORT, "certificate.en.pdf", "certificate.vi.pdf")


def certificate_file(
    archive: ArchiveReader,
    known: KnownDisposal,
    name: str,
    public_key: Callable[[str], Ed25519PublicKey],
) -> bytes:
    """A file of the newest certificate of a disposal: ``report.json``, or its pages as PDF; each proved.

    Raises NotFound (no certificate, or no such file), and as ``signed_plan``.
    """
    if name not in _CERTIFICATE_FILES:
        raise NotFound(
            f"a certificate has no file {name[:40]!r}", hint=f"It has {', '.join(_CERTIFICATE_FILES)}."
        )
    report = signed_certificate(archive, known, public_key)
    certificate = known.record.certificate
    data = archived_paper(archive, certificate.message if certificate else "", name)
    if name != REPORT and hashlib.sha256(data).hexdigest() != report["files"].get(name):
        raise Damaged(f"{name} of the certificate of {known.record.id} is another one than was signed")
    return data


def archived_paper(archive: ArchiveReader, message: str, name: str = REPORT) -> bytes:
    """The signed report, or a page, out of an archived bundle. Raises NotFound, Damaged, SiteUnavailable."""
    filters = {"gateway": SYSTEM_GATEWAY, "entry": "message", "message_id": message}
    item = next(archive.search.every(Query(filters=filters, order="oldest")), None)
    if item is None:
        raise NotFound(f"the archive has no message {message[:80]}")
    try:
        with zipfile.ZipFile(io.BytesIO(archive.original(item))) as bundle:
            return bundle.read(name)
    except (zipfile.BadZipFile, KeyError) as error:
        raise Damaged(f"the archive's copy of {message[:80]} is no bundle", key=message) from error
