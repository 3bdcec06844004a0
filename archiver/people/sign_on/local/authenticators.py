"""WebAuthn (W3C level 3): authenticators are registered, and prove that their owner is there.

The user is always verified (PIN, fingerprint), so an authenticator is two factors by itself. A counter that
does not grow tells of a copy, and is refused. One credential belongs to one account: its id is registered
once. No attestation is asked for; which makers are trusted is not decided here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vanvault.archiver.core.errors import AccessDenied, Conflict, InvalidInput
from vanvault.archiver.core.ports import Entropy

_CHALLENGE_BYTES = 32
_LONGEST_ANSWER = 64 * 1024  # characters of JSON; a browser sends about one kilobyte
_LONGEST_ID = 1023  # bytes: WebAuthn level 3, 4
_TIMEOUT_MS = 120_000


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks: ``id`` is the host name, ``origins`` the exact origins of its pages (``https://host[:port]``)."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authenticator:
    """One registered credential: its id, its public key (COSE) and the last value of its counter."""

    id: bytes
    public_key: bytes = field(repr=False)
    counter: int = 0
    label: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": _text(self.id),
            "public_key": _text(self.public_key),
            "counter": self.counter,
            "label": self.label,
        }

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Authenticator:
        """Raises KeyError, TypeError, ValueError for what ``as_json`` did not write."""
        return cls(
            _bytes(value["id"]), _bytes(value["public_key"]), int(value["counter"]), str(value["label"])
        )


def new_challenge(entropy: Entropy) -> bytes:
    """32 random bytes, good for one registration or one proof."""
    return entropy.token(_CHALLENGE_BYTES)


def registration_options(
    party: RelyingParty, account: tuple[str, str], challenge: bytes, known: Sequence[Authenticator]
) -> dict[str, Any]:
    """What a page gives to ``navigator.credentials.create``.

    Args:
        account: id and name; the id is the user handle.
        known: those of the account so far; a device that holds one of them is not registered twice.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=account[0].encode(),
        user_name=account[1],
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
    )
    found: dict[str, Any] = json.loads(options_to_json(options))
    return found


def registered(
    party: RelyingParty, challenge: bytes, answer: str, *, taken: Collection[bytes], label: str = ""
) -> Authenticator:
    """The authenticator that a browser's answer registers.

    Args:
        answer: the credential as JSON text (``PublicKeyCredential.toJSON``).
        taken: ids of all credentials of all accounts.

    Raises InvalidInput: not a true answer to this challenge; Conflict: this credential is registered already.
    """
    from webauthn import verify_registration_response

    try:
        _check_client_data(answer)
        found = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
        )
    except Exception as error:
        raise InvalidInput(
            "this is no registration that was asked for", field="authenticator", hint=_AGAIN
        ) from error
    if not 0 < len(found.credential_id) <= _LONGEST_ID:
        raise InvalidInput("the id of this authenticator is too long", field="authenticator")
    if found.credential_id in taken:
        raise Conflict(
            "this authenticator is registered already", hint="Use another one, or remove it where it is."
        )
    return Authenticator(found.credential_id, found.credential_public_key, found.sign_count, label)


def assertion_options(
    party: RelyingParty, challenge: bytes, known: Sequence[Authenticator]
) -> dict[str, Any]:
    """What a page gives to ``navigator.credentials.get``.

    ``known``: those of the account; none for an account that does not exist, or has none.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    found: dict[str, Any] = json.loads(options_to_json(options))
    return found


def asserted(
    party: RelyingParty, challenge: bytes, answer: str, known: Sequence[Authenticator]
) -> Authenticator:
    """The authenticator that proved itself, with its present counter: keep it in the place of the old one.

    Raises AccessDenied: no authenticator of the account, another challenge, origin or party, the user was
    not verified, or a counter that did not grow.
    """
    from webauthn import verify_authentication_response

    try:
        _check_client_data(answer)
        given = _bytes(json.loads(answer)["rawId"])
        one = next(one for one in known if one.id == given)
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=one.public_key,
            credential_current_sign_count=one.counter,
            require_user_verification=True,
        )
    except Exception as error:
        raise AccessDenied("the authenticator was refused", hint=_AGAIN) from error
    return replace(one, counter=found.new_sign_count)


_AGAIN = "Ask for a new challenge and answer that one."


def _check_client_data(answer: str) -> None:
    """Raises ValueError and its like: too long, or made in a page that another site framed."""
    if len(answer) > _LONGEST_ANSWER:
        raise ValueError("an answer of this length")
    client = json.loads(_bytes(json.loads(answer)["response"]["clientDataJSON"]))
    if client.get("crossOrigin") not in (None, False):
        raise ValueError("an answer from within a page of another site")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
