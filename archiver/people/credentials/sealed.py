"""The sealed form of a credential: what its event keeps, part of the archive's format (FORMAT.md, section 8).

base64url without padding (RFC 4648, section 5) of::

    offset  bytes  what
         0      1  form, 0x01
         1      1  n, length of the key id
         2      n  id of the master key, ``credentials/<version>``, ASCII
       2+n     61  data key, wrapped under that master (``archiver/keys/wrapping.py``)
      63+n     12  nonce, random
      75+n      m  the credential under AES-256-GCM (NIST SP 800-38D) with that data key
    75+n+m     16  GCM tag

The wrapped data key is bound to ``vanvault-credential-v1``, the id of the account, the kind and the nonce of
the event, with a zero byte between each two; the additional data of the credential is the same, a zero byte,
and the bytes before the nonce. So what one event keeps opens for no other account, as no other kind, and in
no other event. A data key seals one credential.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vanvault.archiver.core.errors import Damaged, InvalidInput, KeyUnavailable, TooLarge
from vanvault.archiver.core.key_port import KeyProvider, Purpose, new_wrapped_key, parse_key_id
from vanvault.archiver.core.ports import Entropy

_PURPOSE: Purpose = "credentials"
_FORM = 1
_WRAPPED_BYTES, _NONCE_BYTES, _TAG_BYTES = 61, 12, 16
#: A credential is some hundred bytes, and the detail of an event at most 16 KiB.
_MOST_BYTES = 8 * 1024
_MOST_TEXT = 4 * (_MOST_BYTES + 512) // 3

_ACCOUNT = re.compile(r"a-[0-9a-f]{16}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NONCE = re.compile(r"[0-9a-f]{16,64}")
#: What a provider is asked for to learn whether it holds a master at all; the answer is used for nothing.
_PROBE = b"vanvault-credentials-held-v1"


@dataclass(frozen=True, slots=True)
class CredentialPlace:
    """Where one credential belongs. Raises InvalidInput: a field has not its form."""

    account: str  # id of the account: ``a-`` and 16 hex digits
    kind: str  # such as ``password``, ``totp``, ``webauthn``, ``token``
    nonce: str  # of its event: 16 to 64 hex digits

    def __post_init__(self) -> None:
        for field, form in (("account", _ACCOUNT), ("kind", _KIND), ("nonce", _NONCE)):
            if not form.fullmatch(getattr(self, field)):
                raise InvalidInput(f"a credential has no {field} of this form", field=field)

    @property
    def context(self) -> bytes:
        """What the credential is bound to."""
        return "\0".join(("vanvault-credential-v1", self.account, self.kind, self.nonce)).encode()


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """One credential as its event keeps it."""

    place: CredentialPlace
    text: str  # the sealed form

    @property
    def key_id(self) -> str:
        """The master key that it needs, ``credentials/1``. Raises Damaged: no such form."""
        return _parts(self.text).key_id

    def as_detail(self) -> dict[str, object]:
        """Its members of the event's detail: ``id``, ``kind``, ``nonce``, ``sealed``."""
        place = self.place
        return {"id": place.account, "kind": place.kind, "nonce": place.nonce, "sealed": self.text}


def seal_credential(
    keys: KeyProvider, place: CredentialPlace, secret: bytes, entropy: Entropy
) -> SealedCredential:
    """Seal ``secret`` (at most 8 KiB) for its place, under the newest master of the purpose.

    Raises TooLarge, KeyUnavailable (this home has no master of the purpose).
    """
    if len(secret) > _MOST_BYTES:
        raise TooLarge("this is too big for a credential", limit=_MOST_BYTES)
    data_key, wrapped = new_wrapped_key(keys, _PURPOSE, place.context, entropy)
    key_id = wrapped.key_id.encode()
    head = bytes([_FORM, len(key_id)]) + key_id + wrapped.wrapped
    nonce = entropy.token(_NONCE_BYTES)
    data = head + nonce + AESGCM(data_key).encrypt(nonce, secret, _additional(place, head))
    return SealedCredential(place, base64.urlsafe_b64encode(data).rstrip(b"=").decode())


def open_credential(keys: KeyProvider, sealed: SealedCredential) -> bytes:
    """The credential.

    Raises Damaged (the text was changed, or belongs to another account, kind or event), KeyUnavailable (the
    master is missing).
    """
    parts, place = _parts(sealed.text), sealed.place
    try:
        data_key = keys.unwrap(parts.key_id, parts.wrapped, place.context)
    except KeyUnavailable as error:
        keys.derive(parts.key_id, _PROBE)  # raises where the master itself is missing or not whole
        raise _damaged(place) from error
    try:
        return AESGCM(data_key).decrypt(parts.nonce, parts.body, _additional(place, parts.head))
    except InvalidTag as error:
        raise _damaged(place) from error


def sealed_in(detail: Mapping[str, object]) -> SealedCredential:
    """The credential that an event's detail keeps. Raises Damaged: it keeps none."""
    try:
        fields = [detail[name] for name in ("id", "kind", "nonce", "sealed")]
        account, kind, nonce, text = (str(one) for one in fields)
        found = SealedCredential(CredentialPlace(account, kind, nonce), text)
    except (KeyError, InvalidInput) as error:
        raise Damaged("This event keeps no credential.", hint=_HINT) from error
    _parts(text)
    return found


@dataclass(frozen=True, slots=True)
class _Parts:
    head: bytes  # all before the nonce
    key_id: str
    wrapped: bytes
    nonce: bytes
    body: bytes  # the credential and the tag


def _parts(text: str) -> _Parts:
    """Raises Damaged unless this is the one text of a sealed form."""
    data = _decoded(text)
    start = 2 + data[1] if len(data) > 1 else 0
    head_end = start + _WRAPPED_BYTES
    if not start or data[0] != _FORM or len(data) < head_end + _NONCE_BYTES + _TAG_BYTES:
        raise Damaged("A sealed credential has a form that this version does not know.", hint=_HINT)
    key_id = data[2:start].decode("ascii", "replace")
    try:
        purpose, _ = parse_key_id(key_id)
    except KeyUnavailable:
        purpose = None
    if purpose != _PURPOSE:
        raise Damaged("A sealed credential names a master key of another purpose.", hint=_HINT)
    body_start = head_end + _NONCE_BYTES
    return _Parts(data[:head_end], key_id, data[start:head_end], data[head_end:body_start], data[body_start:])


def _decoded(text: str) -> bytes:
    """The bytes of the text; of several texts that decode to the same bytes only the one that was written."""
    if len(text) <= _MOST_TEXT and text.isascii():
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            data = b""
        if data and base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text:
            return data
    raise Damaged("A sealed credential is not base64url.", hint=_HINT)


def _additional(place: CredentialPlace, head: bytes) -> bytes:
    return place.context + b"\0" + head


def _damaged(place: CredentialPlace) -> Damaged:
    return Damaged(
        f"The sealed {place.kind} of the account {place.account} was changed, or belongs elsewhere.",
        hint=_HINT,
    )


_HINT = "Set this credential anew. The log says who wrote the event: vanvault search --type TYPE"
