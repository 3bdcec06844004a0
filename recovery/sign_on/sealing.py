"""What a node hands out or keeps, sealed as credentials are: sessions, and sign-ons on their way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from vanvault.archiver.appliance import ArchiveReader
from vanvault.archiver.core.errors import AccessDenied, Damaged, InvalidInput
from vanvault.archiver.people.credentials import (
    CredentialPlace,
    SealedCredential,
    open_credential,
    seal_credential,
)
from vanvault.archiver.people.sign_on import Session, session_detail, session_of, session_proof
from vanvault.archiver.people.sign_on.oidc import DeviceGrant, PendingSignOn

_NONCE_BYTES = 16
_SESSION, _REFRESH, _PENDING, _DEVICE = "session", "refresh", "pending", "device"
_TICKET = "ticket"
_NOBODY = f"a-{'0' * 16}"  # no account has this id: whose a sign-on will be is not known before its end


def sealed_session(archive: ArchiveReader, session: Session, name: str) -> dict[str, Any]:
    """The detail of the event that opens a session of the account ``name``. Raises KeyUnavailable."""
    proof = _sealed(archive, session.account, _SESSION, session_proof(session, name))
    return {**session_detail(session, name), "proof": proof}


def opened_session(archive: ArchiveReader, detail: Mapping[str, Any]) -> Session:
    """Raises Damaged: it was not opened here, or was changed since; KeyUnavailable."""
    proof = _opened(archive, str(detail.get("id")), _SESSION, str(detail.get("proof")))
    return session_of(detail, proof)


def sealed_refresh(archive: ArchiveReader, account: str, token: str) -> str:
    """A refresh token for the record; "" for none. Raises KeyUnavailable, TooLarge."""
    return _sealed(archive, account, _REFRESH, token.encode()) if token else ""


def opened_refresh(archive: ArchiveReader, account: str, sealed: str) -> str:
    """Raises Damaged, KeyUnavailable."""
    return _opened(archive, account, _REFRESH, sealed).decode() if sealed else ""


def sealed_pending(archive: ArchiveReader, pending: PendingSignOn) -> str:
    """A sign-on on its way, for the cookie of the browser that began it. Raises KeyUnavailable."""
    return _sealed(archive, _NOBODY, _PENDING, orjson.dumps(pending.as_json()))


def opened_pending(archive: ArchiveReader, cookie: str) -> PendingSignOn:
    """Raises AccessDenied: this browser began none here. KeyUnavailable."""
    try:
        return PendingSignOn.of_json(orjson.loads(_opened(archive, _NOBODY, _PENDING, cookie)))
    except (Damaged, InvalidInput, orjson.JSONDecodeError) as error:
        raise AccessDenied(
            "this sign-on was refused: it was not begun in this browser", hint="Sign on again."
        ) from error


def sealed_device(archive: ArchiveReader, grant: DeviceGrant) -> str:
    """A sign-on of a device on its way, for the device that began it. Raises KeyUnavailable."""
    return _sealed(archive, _NOBODY, _DEVICE, orjson.dumps(grant.as_json()))


def opened_device(archive: ArchiveReader, sealed: str) -> DeviceGrant:
    """Raises AccessDenied: nobody here gave this out. KeyUnavailable."""
    try:
        return DeviceGrant.of_json(orjson.loads(_opened(archive, _NOBODY, _DEVICE, sealed)))
    except (Damaged, InvalidInput, orjson.JSONDecodeError) as error:
        raise AccessDenied(
            "this sign-on was refused: it was not begun here", hint="Sign on again."
        ) from error


def sealed_ticket(archive: ArchiveReader, told: Mapping[str, Any]) -> str:
    """What a browser brings back with an authenticator's answer. Raises KeyUnavailable."""
    return _sealed(archive, _NOBODY, _TICKET, orjson.dumps(dict(told)))


def opened_ticket(archive: ArchiveReader, ticket: str) -> dict[str, Any]:
    """Raises AccessDenied: nobody here gave this out. KeyUnavailable."""
    try:
        told: dict[str, Any] = orjson.loads(_opened(archive, _NOBODY, _TICKET, ticket))
    except (Damaged, orjson.JSONDecodeError) as error:
        raise AccessDenied("this was not begun here", hint="Begin again.") from error
    return told


def opened_counters(archive: ArchiveReader, sealed: SealedCredential) -> dict[str, int]:
    """The counters of an account's authenticators, by their ids. Raises Damaged, KeyUnavailable."""
    try:
        told: dict[str, int] = orjson.loads(open_credential(archive.keys, sealed))
    except orjson.JSONDecodeError as error:
        raise Damaged("sealed counters are not in the form that they were written in") from error
    return told


def _sealed(archive: ArchiveReader, account: str, kind: str, data: bytes) -> str:
    nonce = archive.entropy.token(_NONCE_BYTES).hex()
    place = CredentialPlace(account, kind, nonce)
    return f"{nonce}.{seal_credential(archive.keys, place, data, archive.entropy).text}"


def _opened(archive: ArchiveReader, account: str, kind: str, sealed: str) -> bytes:
    nonce, _, text = sealed.partition(".")
    try:
        place = CredentialPlace(account, kind, nonce)
    except InvalidInput as error:
        raise Damaged("this was not sealed here") from error
    return open_credential(archive.keys, SealedCredential(place, text))
